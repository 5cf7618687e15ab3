"""How long videos are: told by the descriptions of their features, or by a table of the user's."""

from __future__ import annotations

import csv
import math
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from extractors.storage.files import read_json

_ID_COLUMNS = ("video", "id", "video_id")
_SECONDS_COLUMNS = ("seconds", "duration")
_RATE_COLUMNS = ("fps", "frame_rate")


class Duration(NamedTuple):
    """A video's duration in seconds, and its own frame rate per second where that is known."""

    seconds: float
    frame_rate: float | None = None


def described_durations(descriptions: Iterable[tuple[str, Mapping[str, Any]]]) -> dict[str, Duration]:
    """Takes durations from descriptions of features: the end of the last row.

    That is the duration up to what a recipe leaves out at the end.

    Args:
        descriptions: of arrays, by the video's id.

    Returns:
        Durations by id; the frame rate too, where a description's windows are of frames at the native rate.
    """
    durations = {}
    for name, made in descriptions:
        rows = made.get("row_seconds")
        if rows:
            durations[name] = Duration(max(end for _, end in rows), _native_rate(made))
    return durations


def _native_rate(made: Mapping[str, Any]) -> float | None:
    window = made["parameters"].get("window")
    if window is None or made["parameters"].get("frame_rate") is not None or "windows" not in made:
        return None
    rows = made["row_seconds"]
    start, end = rows[0][0], rows[len(rows) // made["windows"] - 1][1]
    # A video shorter than its only window says nothing of its rate.
    return window / (end - start) if made["windows"] > 1 and end > start else None


def read_durations(path: Path) -> dict[str, Duration]:
    """Reads a table of durations.

    Args:
        path: `.json`, an object of ids to seconds, or to objects with `duration` or `seconds`; or a
            tab-separated table with a column `video` or `id` and one of these. A frame rate may stand beside
            them as `fps` or `frame_rate`.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: naming the file and the entry that is no duration, or is given twice.
    """
    if not path.is_file():
        raise FileNotFoundError(f"{path}: expected a table of durations, found no file")
    entries = _json_entries(path) if path.suffix == ".json" else _table_entries(path)
    return {name: _duration(entry, f"{path}: {name}") for name, entry in entries.items()}


def _json_entries(path: Path) -> dict[str, Mapping[str, Any]]:
    content = read_json(path)
    if not isinstance(content, dict):
        raise ValueError(f"{path}: expected an object of ids to durations, found {type(content).__name__}")
    return {name: entry if isinstance(entry, dict) else {"seconds": entry} for name, entry in content.items()}


def _table_entries(path: Path) -> dict[str, Mapping[str, Any]]:
    with path.open(newline="", encoding="utf-8") as file:
        reader = csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE)
        columns = reader.fieldnames or []
        name = next((column for column in _ID_COLUMNS if column in columns), None)
        if name is None:
            raise ValueError(
                f"{path}: expected a tab-separated table with a column {' or '.join(_ID_COLUMNS)}, "
                f"found {list(columns)}"
            )
        entries: dict[str, Mapping[str, Any]] = {}
        for row in reader:
            if row[name] in entries:
                raise ValueError(f"{path}: expected a row for each id, found {row[name]} twice")
            entries[row[name]] = row
        return entries


def _duration(entry: Mapping[str, Any], where: str) -> Duration:
    seconds = next((entry[column] for column in _SECONDS_COLUMNS if column in entry), None)
    rate = next((entry[column] for column in _RATE_COLUMNS if entry.get(column)), None)
    try:
        duration = Duration(float(seconds or "nothing"), None if rate is None else float(rate))
    except (TypeError, ValueError):
        duration = Duration(math.nan)
    if not all(0 < number < math.inf for number in duration if number is not None):
        raise ValueError(
            f"{where}: expected a duration in seconds ({' or '.join(_SECONDS_COLUMNS)}) and, if any, a frame "
            f"rate ({' or '.join(_RATE_COLUMNS)}), both above 0, found {dict(entry)}"
        )
    return duration
