"""Where arrays that were made elsewhere lie: folders with a file for each video, pickles of all of them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np

from extractors.importing.arrays import PICKLE_SUFFIXES, as_rows, list_arrays, read_array
from extractors.storage.files import sha256_of
from extractors.storage.pickles import load_pickled_arrays


class Part(Protocol):
    """One array: a file, or an entry of a pickle."""

    @property
    def name(self) -> str:
        """What the array is called, in descriptions and messages."""
        ...

    def sha256(self) -> str:
        """Hash of the array as it was found.

        Raises:
            OSError: it cannot be read.
        """
        ...

    def read(self) -> np.ndarray:
        """Reads the rows [R, D].

        Raises:
            ValueError: it is no array of rows; the message names it.
        """
        ...


class Collection(Protocol):
    """Arrays that lie together: in a folder or a pickle."""

    def find(self, names: Sequence[str]) -> Part | None:
        """Finds the array that is called one of several names; None where there is none.

        Raises:
            ValueError: there are several.
        """
        ...

    def files(self, names: Iterable[str]) -> list[Path]:
        """Lists the files in which the arrays of some names are."""
        ...


def open_collection(path: Path) -> Collection:
    """Opens a folder of arrays or a pickle of them.

    Raises:
        FileNotFoundError: there is nothing at the path.
        ValueError: it is neither.
    """
    if path.is_dir():
        return _Folder(path)
    if path.suffix in PICKLE_SUFFIXES and path.is_file():
        return _Pickle(path)
    expected = f"expected a folder of arrays or a pickle of them ({', '.join(PICKLE_SUFFIXES)})"
    if not path.exists():
        raise FileNotFoundError(f"{path}: {expected}, found nothing")
    raise ValueError(f"{path}: {expected}, found another file")


class _Folder:
    """A folder with a file for each array; subfolders are not looked into."""

    def __init__(self, path: Path) -> None:
        self._paths = list_arrays(path)

    def find(self, names: Sequence[str]) -> Part | None:
        candidates = self.files(names)
        if len(candidates) > 1:
            found = ", ".join(path.name for path in candidates)
            raise ValueError(f"{candidates[0].parent}: expected one array of {names[0]}, found {found}")
        return _FilePart(candidates[0]) if candidates else None

    def files(self, names: Iterable[str]) -> list[Path]:
        return [path for name in names for path in self._paths.get(name, [])]


@dataclass(frozen=True)
class _FilePart:
    path: Path

    @property
    def name(self) -> str:
        return f"{self.path.parent.name}/{self.path.name}"

    def sha256(self) -> str:
        return sha256_of(self.path)

    def read(self) -> np.ndarray:
        return read_array(self.path)


class _Pickle:
    """A pickle of a dict of arrays; read, and then held in memory, when the first array is looked for."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._content: dict[str, np.ndarray] | ValueError | None = None

    def find(self, names: Sequence[str]) -> Part | None:
        arrays = self._load()
        found = [name for name in names if name in arrays]
        if len(found) > 1:
            raise ValueError(f"{self._path}: expected one array of {names[0]}, found {', '.join(found)}")
        return _PickledPart(f"{self._path.name}: {found[0]}", arrays[found[0]]) if found else None

    def _load(self) -> dict[str, np.ndarray]:
        """Reads the pickle once, also a damaged one: it may be large, and every video asks for it."""
        if self._content is None:
            try:
                self._content = load_pickled_arrays(self._path)
            except ValueError as error:
                self._content = error
        if isinstance(self._content, ValueError):
            raise self._content
        return self._content

    def files(self, names: Iterable[str]) -> list[Path]:
        return [self._path]


@dataclass(frozen=True)
class _PickledPart:
    name: str
    array: np.ndarray

    def sha256(self) -> str:
        content = hashlib.sha256(f"{self.array.dtype.str} {self.array.shape} ".encode())
        content.update(np.ascontiguousarray(self.array).data)
        return content.hexdigest()

    def read(self) -> np.ndarray:
        return as_rows(self.array, self.name)
