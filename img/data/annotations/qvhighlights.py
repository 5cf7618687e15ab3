"""QVHighlights, as Moment-DETR and its successors write it: a JSON object a line, several windows a query.

Saliency (`relevant_clip_ids`, `saliency_scores`) and every further key are passed over.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from extractors.storage.files import parse_json
from img.data.annotations.lines import read_lines
from img.data.annotations.query import Query, check_sentence, check_video, make_query
from img.data.annotations.times import check_seconds, check_window

_KEYS = ("qid", "query", "vid", "duration", "relevant_windows")


def parse(path: Path, split: str) -> Iterator[Query]:
    """Yields a file's queries, in its order; query 7 is called `qid_7`.

    Args:
        path: the file.
        split: its name.

    Raises:
        ValueError: a line is malformed, or an id is given twice; the message names file and line.
    """
    lines: dict[str, int] = {}
    for number, line in read_lines(path):
        where = f"{path}, line {number}"
        entry = _check_entry(parse_json(line, where), where)
        query = f"qid_{_check_id(entry['qid'], where)}"
        if query in lines:
            raise ValueError(
                f"{where}: expected an id of its own for each query, found {query} of line {lines[query]}"
            )
        lines[query] = number
        if not isinstance(entry["vid"], str):
            raise ValueError(f"{where}: vid: expected text, found {entry['vid']!r:.200}")
        yield make_query(
            query,
            split,
            check_video(entry["vid"], where),
            check_seconds(entry["duration"], f"{where}: duration"),
            _check_windows(entry["relevant_windows"], where),
            check_sentence(entry["query"], where),
        )


def _check_entry(entry: Any, where: str) -> dict[str, Any]:
    if not isinstance(entry, dict):
        raise ValueError(f"{where}: expected an object, found a {type(entry).__name__}")
    missing = [key for key in _KEYS if key not in entry]
    if missing == ["relevant_windows"]:
        raise ValueError(
            f"{where}: expected relevant_windows, found none: the answers of QVHighlights' test split are "
            "not public; use its validation split"
        )
    if missing:
        raise ValueError(f"{where}: expected the keys {', '.join(_KEYS)}; missing: {', '.join(missing)}")
    return entry


def _check_id(qid: Any, where: str) -> str:
    is_number = isinstance(qid, int) and not isinstance(qid, bool)
    if not is_number and not (isinstance(qid, str) and qid.isprintable() and qid and "/" not in qid):
        raise ValueError(
            f"{where}: qid: expected a whole number, or text that can name a file, found {qid!r:.200}"
        )
    return str(qid)


def _check_windows(windows: Any, where: str) -> list[tuple[float, float]]:
    if not isinstance(windows, list) or not windows:
        raise ValueError(f"{where}: relevant_windows: expected at least one window, found {windows!r:.200}")
    return [check_window(window, f"{where}: relevant_windows") for window in windows]
