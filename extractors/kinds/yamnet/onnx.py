"""The float32 tensors of an ONNX file in a zip, read without ONNX: no graph is built or run.

ONNX is a protocol buffer: fields of a number, a kind and a value. Only those of tensors are looked at
(onnx.proto3: ModelProto.graph = 7, GraphProto.initializer = 5, and TensorProto's own).
"""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from math import prod
from pathlib import Path, PurePosixPath
from typing import NamedTuple

import numpy as np

_GRAPH, _INITIALIZER = 7, 5
_DIMS, _TYPE, _NAME, _RAW, _EXTERNAL = 1, 2, 8, 9, 13
_KEY, _VALUE = 1, 2
_FLOAT = 1
_VARINT, _EIGHT_BYTES, _BYTES, _FOUR_BYTES = 0, 1, 2, 5
_LARGEST = 1 << 28


def is_onnx(path: Path) -> bool:
    """Tells whether a file is a zip that holds an ONNX file."""
    return zipfile.is_zipfile(path) and bool(_list_models(path))


def read_tensors(path: Path) -> dict[str, np.ndarray]:
    """Reads the float32 tensors of an ONNX file, whose values lie in it or in a file beside it in the zip.

    Args:
        path: the zip.

    Returns:
        Array by name, in the file's order; tensors of other types are left out.

    Raises:
        ValueError: it is no such zip, or a tensor lies outside of its file; the message names the file.
    """
    models = _list_models(path)
    if len(models) != 1:
        raise ValueError(f"{path}: expected a zip with one .onnx, found {len(models)}")
    try:
        with zipfile.ZipFile(path) as archive:
            model = _read(archive, models[0])
            folder = PurePosixPath(models[0]).parent
            files: dict[str, bytes] = {}
            tensors = {}
            for graph in (value for number, value in _fields(model) if number == _GRAPH):
                for tensor in (value for number, value in _fields(graph) if number == _INITIALIZER):
                    found = _describe(tensor)
                    if found.kind != _FLOAT:
                        continue
                    content = found.own
                    if "location" in found.place:
                        location = str(folder / found.place["location"])
                        if location not in files:
                            files[location] = _read(archive, location)
                        content = files[location]
                    tensors[found.name] = _cut(content, found)
    except (zipfile.BadZipFile, KeyError, IndexError, OverflowError, UnicodeDecodeError) as error:
        raise ValueError(f"{path}: expected an ONNX file, found a damaged one ({error!r})") from error
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error
    return tensors


def _list_models(path: Path) -> list[str]:
    with zipfile.ZipFile(path) as archive:
        return [name for name in archive.namelist() if name.endswith(".onnx")]


def _read(archive: zipfile.ZipFile, name: str) -> bytes:
    if archive.getinfo(name).file_size > _LARGEST:
        raise ValueError(f"expected a file of at most {_LARGEST} bytes, found a larger one: {name}")
    return archive.read(name)


class _Tensor(NamedTuple):
    """A tensor's type, name and shape, its values where it holds them, and their place where it does not."""

    kind: int
    name: str
    shape: list[int]
    own: bytes
    place: dict[str, str]


def _describe(tensor: int | bytes) -> _Tensor:
    kind, name, own = 0, "", b""
    shape: list[int] = []
    place: dict[str, str] = {}
    for number, value in _fields(tensor):
        if number == _DIMS:
            shape += [value] if isinstance(value, int) else list(_varints(value))
        elif number == _TYPE and isinstance(value, int):
            kind = value
        elif number == _NAME:
            name = _text(value)
        elif number == _RAW and isinstance(value, bytes):
            own = value
        elif number == _EXTERNAL:
            entry = dict(_fields(value))
            place[_text(entry[_KEY])] = _text(entry[_VALUE])
    return _Tensor(kind, name, shape, own, place)


def _cut(content: bytes, tensor: _Tensor) -> np.ndarray:
    offset = int(tensor.place.get("offset", 0))
    size = prod(tensor.shape) * np.dtype(np.float32).itemsize
    length = int(tensor.place.get("length", size))
    if length != size or offset < 0 or offset + size > len(content):
        raise ValueError(
            f"expected {tensor.name} {tensor.shape} of {size} bytes, found {length} from {offset} "
            f"of {len(content)}"
        )
    return np.frombuffer(content, "<f4", prod(tensor.shape), offset).reshape(tensor.shape).copy()


def _text(value: int | bytes) -> str:
    if isinstance(value, int):
        raise ValueError("expected a text, found a number")
    return value.decode()


def _fields(message: int | bytes) -> Iterator[tuple[int, int | bytes]]:
    """Yields the fields of a protocol buffer: their numbers and values."""
    if isinstance(message, int):
        raise ValueError("expected a message, found a number")
    at = 0
    while at < len(message):
        key, at = _varint(message, at)
        number, kind = key >> 3, key & 7
        if kind == _VARINT:
            value: int | bytes
            value, at = _varint(message, at)
            yield number, value
            continue
        if kind == _BYTES:
            length, at = _varint(message, at)
        elif kind in (_EIGHT_BYTES, _FOUR_BYTES):
            length = 8 if kind == _EIGHT_BYTES else 4
        else:
            raise ValueError(f"expected a protocol buffer, found a field of kind {kind}")
        if at + length > len(message):
            raise ValueError("expected a whole protocol buffer, found one that is cut short")
        yield number, message[at : at + length]
        at += length


def _varint(message: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = message[at]
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return value, at
        if shift > 63:
            raise ValueError("expected a number, found one that does not end")


def _varints(packed: bytes) -> Iterator[int]:
    at = 0
    while at < len(packed):
        value, at = _varint(packed, at)
        yield value
