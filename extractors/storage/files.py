"""Small file habits everything rests on: hash by content, write whole or not at all."""

from __future__ import annotations

import hashlib
import json
import os
import platform
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Any

_LIBRARIES = (
    *("torch", "torchaudio", "numpy", "av", "decord"),
    *("pytorchvideo", "panns-inference", "torchvggish", "soxr", "gensim", "nltk", "snakemake"),
)


def sha256_of(path: Path) -> str:
    """Returns the SHA-256 of a file's content, read as a stream."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def sha256_of_json(value: Any) -> str:
    """Returns the SHA-256 of a JSON-able value; equal values have equal hashes, whatever their key order."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Gives a temporary name to write to, renamed to `path` when the block ends well, removed when it fails.

    Args:
        path: the final name; its folder is made where it is absent.

    Yields:
        A name in the same folder.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex}")
    try:
        yield temporary
        with temporary.open("rb") as file:
            os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    """Writes a text file whole or not at all."""
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_json(path: Path, value: Any) -> None:
    """Writes a value as indented JSON, whole or not at all."""
    write_text(path, json.dumps(value, indent=1, ensure_ascii=False) + "\n")


def read_json(path: Path) -> Any:
    """Reads a JSON file.

    Raises:
        ValueError: where it is no JSON; the message names the file.
    """
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (UnicodeDecodeError, json.JSONDecodeError) as error:
        raise ValueError(f"{path}: expected a JSON file, found something else ({error})") from error


def remove_content(folder: Path) -> None:
    """Empties a folder."""
    for path in folder.iterdir():
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink()


def library_versions() -> dict[str, str]:
    """Returns the versions of Python and of the libraries that features and results depend on."""
    return {"python": platform.python_version(), **{name: version(name) for name in _LIBRARIES}}


def link_or_copy(source: Path, target: Path) -> None:
    """Puts a file under a second name: a hard link, or a copy where the file system does not allow one."""
    with_name = target.with_name(f".{target.name}.{uuid.uuid4().hex}")
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        try:
            os.link(source, with_name)
        except OSError:
            shutil.copyfile(source, with_name)
        with_name.replace(target)
    finally:
        # Renaming one hard link over another of the same file leaves both names.
        with_name.unlink(missing_ok=True)
