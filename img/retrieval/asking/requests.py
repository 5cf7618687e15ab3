"""What is asked of which video, from a command line or a file."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

_COLUMNS = ("query", "video")


@dataclass(frozen=True)
class Request:
    """A sentence to look for.

    Attributes:
        query: the sentence.
        video: the file or id of the one video it is asked of; None for all.
    """

    query: str
    video: str | None = None

    def is_about(self, path: Path) -> bool:
        """Says whether it is asked of a video, by its file or its id."""
        return self.video is None or self.video in (str(path), path.name, path.stem)


def read_requests(path: Path) -> list[Request]:
    """Reads a file of queries: a line each, or a CSV whose header names `query` and, if wanted, `video`.

    Raises:
        ValueError: the file is missing or empty, no UTF-8, or a row lacks its query; the message names it.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise ValueError(f"{path}: expected a file of queries, found nothing") from None
    except (UnicodeDecodeError, OSError) as error:
        raise ValueError(f"{path}: expected a file of queries in UTF-8 ({error})") from None
    lines = text.splitlines()
    header = [name.strip().lower() for name in next(csv.reader(lines), [])]
    if "query" in header and set(header) <= set(_COLUMNS):
        requests = _read_rows(path, header, lines)
    else:
        requests = [Request(line.strip()) for line in lines if line.strip()]
    if not requests:
        raise ValueError(f"{path}: expected queries, found none")
    return requests


def _read_rows(path: Path, header: Sequence[str], lines: Sequence[str]) -> list[Request]:
    rows = csv.reader(lines)
    next(rows)
    requests = []
    for row in rows:
        if not any(cell.strip() for cell in row):
            continue
        if len(row) != len(header):
            raise ValueError(
                f"{path}, line {rows.line_num}: expected {len(header)} values ({', '.join(header)}), found "
                f"{len(row)}; a query that holds a comma stands in quotation marks"
            )
        values = dict(zip(header, (cell.strip() for cell in row), strict=True))
        if not values["query"]:
            raise ValueError(f"{path}, line {rows.line_num}: expected a query, found none")
        requests.append(Request(values["query"], values.get("video") or None))
    return requests
