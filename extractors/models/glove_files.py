"""Word vectors out of a file as Stanford publishes GloVe: text, or a zip of one."""

from __future__ import annotations

import io
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, cast

import numpy as np
from tqdm import tqdm

_LINES_OF_PROGRESS = 4096
_BUFFER = 1 << 18


def read_glove(path: Path, words: frozenset[str], width: int) -> dict[str, np.ndarray]:
    """Picks some words' vectors out of a GloVe text file, or a zip that holds one, in one streaming pass.

    Each line: a word, then `width` numbers, separated by spaces. A few words of glove.840B hold spaces
    (". . ."): the vector is the last `width` fields, the word everything before them. Of a word met
    twice the first line counts, as in gensim. Empty lines, and a first line
    `words width` as word2vec writes it, are passed over.

    Args:
        path: .txt or .zip.
        words: the wanted words.
        width: values of a vector.

    Returns:
        The vectors, float32 [width], of those wanted words that the file holds.

    Raises:
        ValueError: where the file is missing, or a line holds too few or too many numbers; the message names
            file, line, the expected and the found width.
    """
    wanted = {word.encode(): word for word in words}
    vectors: dict[str, np.ndarray] = {}
    with (
        _open_glove(path) as (file, size),
        tqdm(total=size, unit="B", unit_scale=True, desc=path.name, mininterval=1) as bar,
    ):
        for number, line in enumerate(file, 1):
            if number % _LINES_OF_PROGRESS == 0:
                bar.update(file.tell() - bar.n)
            # Nearly every line is unwanted: counting its blanks and looking at its first field alone is fast.
            if number == 1 or line.count(b" ") < width:
                if _holds_no_word(line, number, width):
                    continue
                _check_width(line, number, width, path)
            first, _, _ = line.partition(b" ")
            if first not in wanted or wanted[first] in vectors:
                continue
            word, *values = line.rstrip().rsplit(b" ", width)
            if word in wanted:
                _check_width(line, number, width, path)
                vectors[wanted[word]] = _parse_vector(values, f"{path}, line {number}")
        bar.update(file.tell() - bar.n)
    return vectors


def find_width(path: Path) -> int:
    """Counts the values of a vector: the numbers of the first line that holds a word.

    Raises:
        ValueError: the file is missing, or holds no vector.
    """
    with _open_glove(path) as (file, _):
        first = file.readline().split()
        if len(first) == 2 and all(map(bytes.isdigit, first)):
            return int(first[1])
    if len(first) < 2:
        raise ValueError(f"{path}, line 1: expected a word and its numbers, found {len(first)} fields")
    return len(first) - 1


def _holds_no_word(line: bytes, number: int, width: int) -> bool:
    """Tells whether a line is empty, or a file's first and of the form `words width`."""
    fields = line.split()
    is_header = number == 1 and len(fields) == 2 and width > 1 and all(map(bytes.isdigit, fields))
    return not fields or (is_header and int(fields[1]) == width)


def _check_width(line: bytes, number: int, width: int, path: Path) -> None:
    # The first line's word holds no space, so it tells the width of the whole file.
    found = len(line.split()) - 1
    if found < width or (number == 1 and found > width):
        raise ValueError(f"{path}, line {number}: expected a word and {width} numbers, found {found} numbers")


def _parse_vector(values: list[bytes], where: str) -> np.ndarray:
    try:
        return np.array(values, dtype=np.float32)
    except ValueError as error:
        raise ValueError(
            f"{where}: expected numbers after the word, found something else ({error})"
        ) from None


@contextmanager
def _open_glove(path: Path) -> Iterator[tuple[IO[bytes], int]]:
    if not path.is_file():
        raise ValueError(f"embedding: expected a GloVe file, found nothing at {path}")
    if path.suffix != ".zip":
        with path.open("rb", _BUFFER) as file:
            yield file, path.stat().st_size
        return
    try:
        with zipfile.ZipFile(path) as archive:
            members = [member for member in archive.infolist() if member.filename.endswith(".txt")]
            if len(members) != 1:
                found = [member.filename for member in members]
                raise ValueError(f"{path}: expected one .txt in the zip, found {found}")
            # A zip member's own lines are slow to read.
            with archive.open(members[0]) as member:
                yield io.BufferedReader(cast(io.RawIOBase, member), _BUFFER), members[0].file_size
    except (zipfile.BadZipFile, zlib.error) as error:
        raise ValueError(f"{path}: expected a zip, found none or a damaged one ({error})") from error
