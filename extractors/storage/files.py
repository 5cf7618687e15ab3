"""Small file habits everything rests on: hash by content, write whole or not at all, say why not."""

from __future__ import annotations

import errno
import hashlib
import json
import math
import os
import shutil
import stat
import uuid
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

_CURES = {
    errno.ENOSPC: "the disk is full; free some or write elsewhere, then run again: what is done is kept",
    errno.EDQUOT: "your quota is used up; free some or write elsewhere, then run again: what is done is kept",
    errno.EROFS: "the file system is read-only; have it mounted for writing or write elsewhere",
    errno.EACCES: "you may not write there; ask its owner or write elsewhere (docs/cluster.md says how a "
    "group shares a store)",
}
_CURES[errno.EPERM] = _CURES[errno.EACCES]
_FULL_BYTES = 1 << 20
_IRREGULAR = {
    stat.S_IFIFO: "a named pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
    stat.S_IFDIR: "a folder",
}


class StorageError(OSError):
    """Results cannot be written: no fault of a video's, and no other video fares better."""


@contextmanager
def writing(path: Path, note: str = "") -> Iterator[None]:
    """Turns a full disk, a used-up quota and a refusal inside the block into words with a cure.

    Args:
        path: what is written, as the message names it.
        note: what else the message should say of it.

    Raises:
        StorageError: naming the path, the reason and what to do.
    """
    try:
        yield
    except StorageError:
        raise
    except Exception as error:
        number = error.errno if isinstance(error, OSError) else None
        if number is None and _is_full(path):
            # Libraries that write files of their own do not always say why they could not.
            number = errno.ENOSPC
        if number not in _CURES:
            raise
        named = getattr(error, "filename", None)
        reason = os.strerror(number) + (f": {named}" if named and str(named) != str(path) else "")
        raise StorageError(f"{path}{note}: cannot be written ({reason}): {_CURES[number]}") from error


def _is_full(path: Path) -> bool:
    folder = next((parent for parent in (path, *path.absolute().parents) if parent.is_dir()), path)
    return shutil.disk_usage(folder).free < _FULL_BYTES


def check_regular(path: Path) -> None:
    """Refuses what is no regular file, without opening it: a pipe would wait for its writer forever.

    Raises:
        FileNotFoundError: there is nothing.
        OSError: there is something else; the message says what.
    """
    kind = stat.S_IFMT(path.stat().st_mode)
    if kind != stat.S_IFREG:
        raise OSError(f"{path}: expected a regular file, found {_IRREGULAR.get(kind, 'something else')}")


def sha256_of(path: Path) -> str:
    """Returns the SHA-256 of a regular file's content, read as a stream.

    Raises:
        OSError: there is no regular file, or it cannot be read.
    """
    check_regular(path)
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def list_content(folder: Path) -> list[Path]:
    """Lists the files in a folder and its subfolders, in the order of their names, but hidden ones."""
    return sorted(
        path
        for path in folder.rglob("*")
        if path.is_file() and not any(part.startswith(".") for part in path.relative_to(folder).parts)
    )


def sha256_of_path(path: Path) -> str:
    """Returns the SHA-256 of a file's content, or of the names and contents of all files in a folder.

    Raises:
        OSError: there is neither, a folder holds no file, or something cannot be read.
    """
    if not path.is_dir():
        return sha256_of(path)
    content = {file.relative_to(path).as_posix(): sha256_of(file) for file in list_content(path)}
    if not content:
        raise OSError(f"{path}: expected a folder with files, found an empty one")
    return sha256_of_json(content)


def sha256_of_json(value: Any) -> str:
    """Returns the SHA-256 of a JSON-able value; equal values have equal hashes, whatever their key order."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return hashlib.sha256(text.encode("utf-8", "backslashreplace")).hexdigest()


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Gives a temporary name to write to, renamed to `path` when the block ends well, removed when it fails.

    Args:
        path: the final name; its folder is made where it is absent.

    Yields:
        A name in the same folder.

    Raises:
        StorageError: the disk is full, or refuses to be written.
    """
    temporary = temporary_beside(path)
    try:
        with writing(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            yield temporary
            with temporary.open("rb") as file:
                os.fsync(file.fileno())
            temporary.replace(path)
    finally:
        _discard(temporary)


def _discard(temporary: Path) -> None:
    # Where nothing could be written, there is nothing: what stopped the writing is the error to tell.
    with suppress(OSError):
        temporary.unlink()


def temporary_beside(path: Path) -> Path:
    """Gives a hidden, unused name in the folder of a path, whose length does not depend on the path's."""
    return path.with_name(f".{uuid.uuid4().hex}.partial")


def write_text(path: Path, text: str) -> None:
    """Writes a text file whole or not at all; what is no Unicode, as in some names, is written escaped."""
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8", errors="backslashreplace")


def write_json(path: Path, value: Any) -> None:
    """Writes a value as indented JSON, whole or not at all.

    Raises:
        ValueError: it holds NaN or infinity, which JSON does not know; the message says where.
    """
    for where, number in _non_finite(value, "value"):
        raise ValueError(f"{path}: expected finite numbers, or null for none, found {number} at {where}")
    write_text(path, json.dumps(value, indent=1, ensure_ascii=False, allow_nan=False) + "\n")


def _non_finite(value: Any, where: str) -> Iterator[tuple[str, float]]:
    """Yields every NaN and infinity in a JSON-able value, and where it stands."""
    if isinstance(value, float) and not math.isfinite(value):
        yield where, value
    elif isinstance(value, dict):
        for key, entry in value.items():
            yield from _non_finite(entry, f"{where}.{key}")
    elif isinstance(value, list | tuple):
        for index, entry in enumerate(value):
            yield from _non_finite(entry, f"{where}[{index}]")


def read_json(path: Path) -> Any:
    """Reads a JSON file.

    Raises:
        ValueError: where it is no JSON, or an object in it gives a key twice; the message names the file.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise ValueError(f"{path}: expected a JSON file, found something else ({error})") from error
    return parse_json(text, str(path))


def parse_json(text: str, source: str) -> Any:
    """Reads JSON.

    Args:
        text: the JSON.
        source: where it comes from, for the message.

    Raises:
        ValueError: where it is no JSON, or an object in it gives a key twice; the message names the source.
    """
    try:
        return json.loads(text, object_pairs_hook=_refuse_repeated_keys)
    except RepeatedKeyError as error:
        raise ValueError(f"{source}: {error}") from None
    except RecursionError:
        raise ValueError(f"{source}: expected JSON, found values nested too deeply") from None
    except ValueError as error:
        raise ValueError(f"{source}: expected JSON, found something else ({error})") from error


class RepeatedKeyError(ValueError):
    """An object of JSON gives a key twice."""


def _refuse_repeated_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Makes an object of its keys and values; of a key given twice, the first value would be lost."""
    made = dict(pairs)
    if len(made) < len(pairs):
        repeated = [key for key, count in Counter(key for key, _ in pairs).items() if count > 1]
        raise RepeatedKeyError(
            f"expected each key of an object once, found {len(repeated)} given more than once, "
            f"such as {repeated[0]!r}"
        )
    return made


def remove_content(folder: Path) -> None:
    """Empties a folder."""
    for path in folder.iterdir():
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink()


def link_or_copy(source: Path, target: Path) -> None:
    """Puts a file under a second name: a hard link, or a copy where the file system does not allow one.

    Raises:
        StorageError: the disk of the second name is full, or refuses to be written.
    """
    temporary = temporary_beside(target)
    try:
        with writing(target):
            target.parent.mkdir(parents=True, exist_ok=True)
            try:
                os.link(source, temporary)
            except OSError:
                shutil.copyfile(source, temporary)
            temporary.replace(target)
    finally:
        # Renaming one hard link over another of the same file leaves both names.
        _discard(temporary)
