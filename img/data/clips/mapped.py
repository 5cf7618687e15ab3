"""Safetensors files written through a memory map, so a file may be larger than memory."""

from __future__ import annotations

import hashlib
import json
import struct
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from extractors.storage.files import replacing


@contextmanager
def mapped_safetensors(shapes: Mapping[str, tuple[int, int]], path: Path) -> Iterator[dict[str, np.ndarray]]:
    """Gives float32 arrays, zeros at first, that become a safetensors file when the block ends.

    Args:
        shapes: of each array, by name.
        path: the file, written whole or not at all.

    Yields:
        The arrays by name; what is written into them is in the file.
    """
    header: dict[str, dict[str, object]] = {}
    offset = 0
    for name, shape in shapes.items():
        size = int(np.prod(shape)) * 4
        header[name] = {"dtype": "F32", "shape": list(shape), "data_offsets": [offset, offset + size]}
        offset += size
    text = json.dumps(header, allow_nan=False).encode()
    text += b" " * (-len(text) % 8)
    with replacing(path) as temporary:
        with temporary.open("wb") as file:
            file.write(struct.pack("<Q", len(text)) + text)
            file.truncate(8 + len(text) + offset)
        arrays: dict[str, np.ndarray] = {}
        start = 8 + len(text)
        for name, shape in shapes.items():
            arrays[name] = np.memmap(temporary, np.float32, "r+", offset=start, shape=shape)
            start += int(np.prod(shape)) * 4
        yield arrays
        for array in arrays.values():
            array.flush()  # type: ignore[attr-defined]


def hash_arrays(arrays: Mapping[str, np.ndarray]) -> str:
    """Returns the SHA-256 of some arrays' values, in the order of their names."""
    content = hashlib.sha256()
    for name in sorted(arrays):
        content.update(np.ascontiguousarray(arrays[name]).data)
    return content.hexdigest()
