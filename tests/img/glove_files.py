"""A file in the format of glove.840B.300d, with every oddity met in such files."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np

WIDTH = 300

# The lines' beginnings; values tell a line's vector apart: all are the line's place in the file.
ODDITIES = (
    b",",
    b". . .",
    b"at name@domain.com",
    b"at",
    b"2,000",
    b"3.14",
    b"1",
    b"-1 0.5",
    "café".encode(),
    "日本語".encode(),
    "no\u00a0break".encode(),
    "\u00a0".encode(),
    "\u2028".encode(),
    b"\xff\xfe",
    b'"',
    b"##",
    b"at",
)
PLAIN = ("at", ",", "1", "3.14", "2,000", "café", "日本語", "no\u00a0break", "\u00a0", "\u2028", '"', "##")


def glove_lines(count: int, end: bytes = b"\n") -> Iterator[bytes]:
    """Yields a file's lines: the oddities spread evenly among plain words `word0`, `word1`, …"""
    every = count // len(ODDITIES)
    for number in range(count):
        place, rest = divmod(number, every)
        odd = rest == 0 and place < len(ODDITIES)
        word = ODDITIES[place] if odd else b"word%d" % number
        yield word + b" %d" % number * WIDTH + end


def expected_vector(word: str, count: int) -> np.ndarray:
    """The vector of a word: of the first line that is the word's alone."""
    every = count // len(ODDITIES)
    odd = {word: place * every for place, word in reversed(list(enumerate(ODDITIES)))}
    number = odd[word.encode()] if word.encode() in odd else int(word.removeprefix("word"))
    return np.full(WIDTH, number, np.float32)


def write_zip(path: Path, lines: Iterator[bytes]) -> None:
    """Streams lines into a zip's only member."""
    with (
        zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive,
        archive.open("glove.840B.300d.txt", "w", force_zip64=True) as file,
    ):
        file.writelines(lines)
