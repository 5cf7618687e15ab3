"""Text files as other programs write them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

# Not `splitlines`: a sentence may hold any other separator that Unicode knows.
_LINE_END = re.compile(r"\r\n|\r|\n")


def read_text(path: Path) -> str:
    """Reads text in UTF-8, with or without a byte order mark; ends of lines stay as they are.

    Raises:
        ValueError: it is something else; the message names the file.
    """
    try:
        return path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ValueError(
            f"{path}: expected text in UTF-8, found something else ({error}); save it as UTF-8"
        ) from error


def read_lines(path: Path) -> Iterator[tuple[int, str]]:
    """Yields the lines that are not blank, and their numbers, counted from 1.

    Raises:
        ValueError: the file is no text in UTF-8; the message names it.
    """
    for number, line in enumerate(_LINE_END.split(read_text(path)), start=1):
        if line.strip():
            yield number, line
