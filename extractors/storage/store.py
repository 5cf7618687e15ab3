"""The content-addressed store: a result is kept under the hash of everything it was made from.

An entry is a folder that holds a result's files and `description.json`, which says how they were made and
what they hash to. It is written under a temporary name, flushed and renamed, so a reader sees a whole entry
or none, and two runs may share a store at the same time: who comes second finds the entry there.

    STORE/entries/ab/abcdef…/description.json, array.npy, …
    STORE/partial/abcdef…/      unfinished work that a later run takes up again
    STORE/temporary/…           entries being written
"""

from __future__ import annotations

import os
import shutil
import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from extractors.storage.files import (
    link_or_copy,
    read_json,
    sha256_of,
    sha256_of_json,
    write_json,
    writing,
)
from extractors.storage.locks import Lock

DESCRIPTION = "description.json"
_ABANDONED_SECONDS = 24 * 3600


@dataclass(frozen=True)
class Entry:
    """A finished result in the store.

    Attributes:
        folder: where its files lie.
        description: how it was made; `files` maps each file's name to its SHA-256.
    """

    folder: Path
    description: dict[str, Any]

    @property
    def key(self) -> str:
        """The hash of everything the entry was made from."""
        return self.folder.name

    @property
    def size(self) -> int:
        """Bytes of the entry's files."""
        return sum(path.stat().st_size for path in self._present())

    @property
    def is_linked(self) -> bool:
        """Whether a file of the entry has a hard link outside the store."""
        return any(path.stat().st_nlink > 1 for path in self._present())

    @property
    def written(self) -> float:
        """When the entry was written, in seconds since the epoch."""
        return self.folder.stat().st_mtime

    def _present(self) -> list[Path]:
        paths = (self.folder / name for name in self.description["files"])
        return [path for path in paths if path.is_file()]

    def damage(self) -> list[str]:
        """Returns a line for each file that is absent or no longer hashes to what it was written with."""
        faults = []
        for name, expected in self.description["files"].items():
            path = self.folder / name
            found = sha256_of(path) if path.is_file() else "no file"
            if found != expected:
                faults.append(f"{path}: expected SHA-256 {expected}, found {found}")
        return faults

    def link(self, names: Mapping[str, Path]) -> None:
        """Gives files of the entry a second name outside the store.

        Args:
            names: the entry's file name -> the name outside.
        """
        for name, target in names.items():
            link_or_copy(self.folder / name, target)


class Store:
    """A folder of entries. Making the object makes nothing on disk."""

    def __init__(self, root: Path):
        self.root = root

    @staticmethod
    def key(ingredients: Mapping[str, Any]) -> str:
        """Returns the key of a result made from these ingredients (JSON-able values)."""
        return sha256_of_json(dict(ingredients))

    def find(self, key: str) -> Entry | None:
        """Returns the entry of a key, or None. A damaged entry is taken out and counts as absent."""
        folder = self._folder(key)
        if not (folder / DESCRIPTION).is_file():
            return None
        with suppress(ValueError):
            entry = _read_entry(folder)
            if not entry.damage():
                return entry
        with writing(folder, " (damaged, and to be made again)"):
            self._discard(folder)
        return None

    def check_writable(self, missing: str) -> None:
        """Makes sure that entries can be added, before work is done that would be lost.

        Args:
            missing: why they must be, for the message.

        Raises:
            StorageError: the store cannot be written.
        """
        probe = self.root / "temporary" / uuid.uuid4().hex
        with writing(self.root, f" ({missing})"):
            probe.mkdir(parents=True)
            probe.rmdir()

    def holds(self, key: str) -> bool:
        """Says whether there is an entry of a key, without looking whether it is whole."""
        return (self._folder(key) / DESCRIPTION).is_file()

    def get(self, key: str) -> Entry:
        """Returns the entry of a key that was added before.

        Raises:
            OSError: where it is not there, or damaged.
        """
        entry = self.find(key)
        if entry is None:
            raise OSError(f"{self.root}: expected entry {key}, written before, found none or a damaged one")
        return entry

    @contextmanager
    def adding(self, key: str, description: Mapping[str, Any]) -> Iterator[Path]:
        """Gives a folder to write an entry's files into; the entry stands once the block ends well.

        Args:
            key: the entry's key.
            description: how the entry is made; the files' hashes are added to it.

        Yields:
            An empty temporary folder.

        Raises:
            StorageError: the store cannot be written.
        """
        temporary = self.root / "temporary" / f"{key}.{uuid.uuid4().hex}"
        try:
            with writing(self.root):
                temporary.mkdir(parents=True)
                yield temporary
                self._add(key, description, temporary)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)

    def _add(self, key: str, description: Mapping[str, Any], temporary: Path) -> None:
        """Makes an entry of a folder of files: described, flushed, and then moved into its place."""
        files = sorted(path for path in temporary.rglob("*") if path.is_file())
        hashes = {file.relative_to(temporary).as_posix(): sha256_of(file) for file in files}
        write_json(temporary / DESCRIPTION, {**description, "key": key, "files": hashes})
        for file in (*files, temporary / DESCRIPTION):
            # Other names of the file lie in results/: nobody may write into the store through them.
            file.chmod(0o444)
            _flush(file)
        _flush(temporary)
        folder = self._folder(key)
        folder.parent.mkdir(parents=True, exist_ok=True)
        if folder.exists() and not (folder / DESCRIPTION).is_file():
            self._discard(folder)
        try:
            temporary.rename(folder)
        except OSError:
            if not (folder / DESCRIPTION).is_file():
                raise
        _flush(folder.parent)

    def lock(self, key: str) -> Lock:
        """Gives the lock on the making of an entry."""
        return Lock(self.root / "partial" / f"{key}.lock")

    @contextmanager
    def working_on(self, key: str) -> Iterator[Path]:
        """Gives the folder of a key's unfinished work to one process at a time; others wait for their turn.

        Whoever has waited may find the entry finished: look for it first.

        Yields:
            The folder, made where it is absent, and removed where it is left empty.

        Raises:
            StorageError: the store cannot be written.
        """
        folder = self.root / "partial" / key
        with self.lock(key).held():
            with writing(folder):
                folder.mkdir(exist_ok=True)
            try:
                yield folder
            finally:
                # It goes only where it is empty.
                with suppress(OSError):
                    folder.rmdir()

    def entries(self) -> Iterator[Entry]:
        """Yields every entry, in the order of their keys, but those that `faults` calls unreadable."""
        for folder in self._folders():
            with suppress(ValueError, FileNotFoundError):
                yield _read_entry(folder)

    def faults(self) -> Iterator[tuple[Path, list[str]]]:
        """Re-hashes every entry.

        Yields:
            Each entry's folder, and a line for everything that is wrong with it.
        """
        for folder in self._folders():
            try:
                yield folder, _read_entry(folder).damage()
            except (ValueError, FileNotFoundError) as error:
                yield folder, [f"{folder}: expected an entry with its {DESCRIPTION}, found none ({error})"]

    def unfinished(self) -> Iterator[Path]:
        """Yields the folders of unfinished work that hold something."""
        for folder in sorted((self.root / "partial").glob("*/")):
            if any(folder.iterdir()):
                yield folder

    def remove_unfinished(self, folder: Path) -> bool:
        """Removes unfinished work, unless a process is at it; returns whether it is gone."""
        lock = self.lock(folder.name)
        if not lock.acquire(wait=False):
            return False
        try:
            shutil.rmtree(folder)
        finally:
            lock.release()
        return True

    def remove(self, entry: Entry) -> None:
        """Takes an entry out of the store. Its files live on under names they have elsewhere."""
        self._discard(entry.folder)

    def _discard(self, folder: Path) -> None:
        # Renamed first, so that no reader meets a half-removed entry; another process may have been faster.
        doomed = self.root / "temporary" / f"{folder.name}.{uuid.uuid4().hex}"
        doomed.parent.mkdir(parents=True, exist_ok=True)
        with suppress(FileNotFoundError):
            folder.rename(doomed)
            shutil.rmtree(doomed)

    def remove_abandoned(self) -> None:
        """Removes what killed jobs left under temporary names more than a day ago."""
        oldest = time.time() - _ABANDONED_SECONDS
        for folder in (self.root / "temporary").glob("*"):
            # It may be renamed to its final place at this moment.
            with suppress(FileNotFoundError):
                if folder.stat().st_mtime < oldest:
                    shutil.rmtree(folder, ignore_errors=True)

    def _folder(self, key: str) -> Path:
        return self.root / "entries" / key[:2] / key

    def _folders(self) -> list[Path]:
        return sorted((self.root / "entries").glob("*/*/"))


def _read_entry(folder: Path) -> Entry:
    description = read_json(folder / DESCRIPTION)
    if not isinstance(description, dict) or not isinstance(description.get("files"), dict):
        raise ValueError(f"{folder / DESCRIPTION}: expected an object with the hashes of files, found none")
    return Entry(folder, description)


def _flush(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
