"""Published pickles of arrays, read without running anything they ask for.

A pickle is a program: it names functions and calls them. Here every name it may use stands for a few lines
below that take numbers from bytes; numpy's own constructors are never called with what the file says, because
their states (a data type's flags, an array of objects) can be forged so that bytes are taken for pointers.
"""

from __future__ import annotations

import pickle
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

_NUMBER = re.compile(r"[fiu][1248]")
_LATIN = ("latin1", "latin-1", "iso-8859-1")


def load_pickled_arrays(path: Path, key: str | None = None) -> dict[str, np.ndarray]:
    """Reads a pickle that maps ids to arrays of numbers, such as the authors' `VGGish.pickle`.

    Pickles of Python 2 and 3 and of numpy 1 and 2 are read. The whole file is held in memory, as it is one
    object.

    Args:
        path: the pickle.
        key: the entry of a dict that holds the dict of arrays; what else that holds is left alone.

    Returns:
        The array of each id, read-only, of the type it was saved in.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: it holds anything but a dict of arrays of numbers, or is damaged. Nothing of what it asked
            for has run.
    """
    if not path.is_file():
        raise FileNotFoundError(f"{path}: expected a pickle of arrays, found no file")
    try:
        with path.open("rb") as file:
            unpickler = _ArrayUnpickler(file, encoding="latin1")
            content = unpickler.load()
            rest = file.read(1)
    except Exception as error:
        # A damaged or forged pickle may fail in any way while it is read.
        raise ValueError(
            f"{path}: expected a pickle of a dict of numeric arrays and nothing else, found one that is "
            f"damaged or holds other objects, which could run code while loading ({error})"
        ) from error
    if key is not None and isinstance(content, dict):
        content = content.get(key)
    if not isinstance(content, dict):
        raise ValueError(f"{path}: expected a dict of arrays, found {type(content).__name__}")
    if rest or unpickler.arrays > len(content):
        raise ValueError(
            f"{path}: expected a dict of arrays and nothing else, found {unpickler.arrays} arrays of "
            f"{len(content)} ids{', and more bytes' if rest else ''}: it is damaged or holds an id twice"
        )
    arrays: dict[str, np.ndarray] = {}
    for name, entry in content.items():
        if not isinstance(name, str) or not isinstance(entry, _Array) or entry.values is None:
            kind = "array" if isinstance(entry, _Array) else type(entry).__name__
            raise ValueError(f"{path}: expected arrays by id, found {name!r}: {kind}")
        arrays[name] = entry.values
    return arrays


class _DataType:
    """What stands for a numpy data type: a number of some bytes, in some byte order."""

    def __init__(self, code: str) -> None:
        if not _NUMBER.fullmatch(code):
            raise pickle.UnpicklingError(f"expected numbers, found data type {code!r}")
        self.dtype = np.dtype(code)

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        _, order, subtype, names, fields, *_ = state
        if (subtype, names, fields) != (None, None, None) or order not in ("<", ">", "|", "="):
            raise pickle.UnpicklingError("expected numbers, found a compound data type")
        self.dtype = self.dtype.newbyteorder(order)


class _Array:
    """What stands for a numpy array: empty until its state, or its bytes, are given."""

    values: np.ndarray | None = None

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        *_, shape, data_type, fortran, data = state
        # Python 2 kept bytes and text in one type, which is read here as text.
        raw = data.encode("latin1") if isinstance(data, str) else data
        self.fill(raw, data_type, shape, "F" if fortran else "C")

    def fill(self, data: bytes | bytearray, data_type: _DataType, shape: tuple[int, ...], order: str) -> None:
        """Takes the numbers from bytes.

        Raises:
            UnpicklingError: it is no array of numbers.
        """
        if not isinstance(data, bytes | bytearray) or not isinstance(data_type, _DataType):
            raise pickle.UnpicklingError("expected an array of numbers, found one of objects")
        values = np.frombuffer(data, data_type.dtype).reshape(shape, order="F" if order == "F" else "C")
        values.flags.writeable = False
        self.values = values


class _ArrayUnpickler(pickle.Unpickler):
    """Knows the names that a pickled array uses, by stand-ins of its own, and no other.

    Attributes:
        arrays: how many arrays were begun.
    """

    arrays = 0

    def find_class(self, module: str, name: str) -> Any:
        """Gives the stand-in for a name.

        Raises:
            UnpicklingError: the name is not one that an array of numbers needs.
        """
        stand_in = self._stand_ins().get((module.replace("numpy._core", "numpy.core"), name))
        if stand_in is None:
            raise pickle.UnpicklingError(f"it asks for {module}.{name}")
        return stand_in

    def _stand_ins(self) -> dict[tuple[str, str], Callable[..., Any] | str]:
        return {
            ("numpy.core.multiarray", "_reconstruct"): self._begin_array,
            ("numpy.core.numeric", "_frombuffer"): self._array_from_bytes,
            # Only ever handed to _reconstruct; a text can be neither called nor changed.
            ("numpy", "ndarray"): "ndarray",
            ("numpy", "dtype"): self._data_type,
            ("_codecs", "encode"): self._bytes_from_text,
        }

    def _begin_array(self, kind: Any, shape: Any, code: Any) -> _Array:
        self.arrays += 1
        return _Array()

    def _array_from_bytes(self, data: Any, data_type: Any, shape: Any, order: Any) -> _Array:
        self.arrays += 1
        array = _Array()
        array.fill(data, data_type, shape, order)
        return array

    def _data_type(self, code: str, align: Any = False, copy: Any = True) -> _DataType:
        return _DataType(code)

    def _bytes_from_text(self, text: str, encoding: str) -> bytes:
        """How Python 3 writes bytes in the pickle formats of Python 2."""
        if encoding not in _LATIN:
            raise pickle.UnpicklingError(f"expected bytes as latin1 text, found {encoding!r}")
        return text.encode("latin1")
