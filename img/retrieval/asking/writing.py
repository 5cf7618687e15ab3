"""Answers as people and programs read them: a table on the screen, CSV, JSON, JSON lines."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from extractors.storage.files import write_text
from img.retrieval.answers import Answer

_ORDER = ("video", "query", "rank", "start", "end", "score", "branch", "importance", "unknown")


def clock(seconds: float) -> str:
    """Writes a time as m:ss.s: minutes, of which there may be more than 60, and seconds to a tenth."""
    tenths = round(seconds * 10)
    return f"{tenths // 600}:{tenths // 10 % 60:02d}.{tenths % 10}"


def as_table(answers: Sequence[Answer]) -> str:
    """Writes the answers to one question about one video as a table of text."""
    header = ("rank", "start", "end", "score", "branch", "importance", "unknown words")
    rows = [
        (
            str(answer.rank),
            clock(answer.start),
            clock(answer.end),
            f"{answer.score:.4g}",
            answer.branch,
            "-" if answer.importance is None else f"{answer.importance:.3f}",
            " ".join(answer.unknown) or "-",
        )
        for answer in answers
    ]
    widths = [max(map(len, column)) for column in zip(header, *rows, strict=True)]
    lines = [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in (header, *rows)
    ]
    return "\n".join(f"  {line}" for line in lines)


def write_answers(path: Path, answers: Sequence[Answer]) -> None:
    """Writes answers as `.csv`, `.json` or `.jsonl`; times in seconds.

    Raises:
        ValueError: the path ends in something else.
    """
    check_suffix(path)
    write_text(path, _WRITERS[path.suffix.lower()]([_as_record(answer) for answer in answers]))


def check_suffix(path: Path) -> None:
    """Refuses a file of answers whose format is not known.

    Raises:
        ValueError: naming those that are.
    """
    if path.suffix.lower() not in _WRITERS:
        raise ValueError(f"{path}: expected a name that ends in {', '.join(_WRITERS)}")


def _as_record(answer: Answer) -> dict[str, Any]:
    values = asdict(answer)
    return {name: values[name] for name in _ORDER}


def _as_csv(records: Sequence[Mapping[str, Any]]) -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, _ORDER, lineterminator="\n")
    writer.writeheader()
    writer.writerows({**record, "unknown": " ".join(record["unknown"])} for record in records)
    return text.getvalue()


def _as_json(records: Sequence[Mapping[str, Any]]) -> str:
    return json.dumps(records, indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def _as_lines(records: Sequence[Mapping[str, Any]]) -> str:
    return "".join(json.dumps(record, ensure_ascii=False, allow_nan=False) + "\n" for record in records)


_WRITERS: Mapping[str, Callable[[Sequence[Mapping[str, Any]]], str]] = {
    ".csv": _as_csv,
    ".json": _as_json,
    ".jsonl": _as_lines,
}
