"""Texts with their seconds, narratives and transcripts: one line of JSON each."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from extractors.storage.files import check_regular, parse_json, write_text

SUFFIX = ".jsonl"
"""Of a file of texts."""

_KEYS = {"start", "end", "text"}


@dataclass(frozen=True)
class Text:
    """What is said or seen in a part of a video.

    Attributes:
        start: in seconds from the video's start.
        end: in seconds; equal to `start` for a text about one frame.
        text: not blank.
    """

    start: float
    end: float
    text: str


def write_texts(path: Path, texts: Iterable[Text]) -> None:
    """Writes texts as lines of JSON, whole or not at all; their seconds are rounded to microseconds.

    Raises:
        ValueError: a text is blank, or its seconds are none.
    """
    lines = []
    for number, text in enumerate(texts, 1):
        values = {"start": round(text.start, 6), "end": round(text.end, 6), "text": text.text}
        _check(values, f"{path.name}, line {number}")
        lines.append(json.dumps(values, ensure_ascii=False, allow_nan=False) + "\n")
    write_text(path, "".join(lines))


def read_texts(path: Path) -> list[Text]:
    """Reads what `write_texts` wrote, or texts that were made elsewhere in the same form.

    Raises:
        OSError: there is no such file, or it cannot be read.
        ValueError: a line is no text with its seconds; the message names the file and the line.
    """
    check_regular(path)
    try:
        # Only line feeds end a line: a text may hold other characters that Python takes for line breaks.
        lines = path.read_text(encoding="utf-8-sig").split("\n")
    except UnicodeDecodeError as error:
        raise ValueError(f"{path}: expected lines of JSON in UTF-8: {error}") from None
    return [
        _check(parse_json(line, where := f"{path}, line {number}"), where)
        for number, line in enumerate(lines, 1)
        if line.strip()
    ]


def _check(values: Any, where: str) -> Text:
    if not isinstance(values, dict) or set(values) != _KEYS:
        raise ValueError(f"{where}: expected the keys start, end and text, found {values!r:.200}")
    start, end, text = values["start"], values["end"], values["text"]
    for name, value in (("start", start), ("end", end)):
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        if not is_number or not math.isfinite(value) or value < 0:
            raise ValueError(f"{where}: {name}: expected seconds from 0, found {value!r:.200}")
    if end < start:
        raise ValueError(f"{where}: expected an end that is not before the start {start}, found {end}")
    if not isinstance(text, str) or not text.strip():
        raise ValueError(f"{where}: text: expected words, found {text!r:.200}")
    return Text(float(start), float(end), text)
