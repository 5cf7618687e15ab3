"""CSV, as a spreadsheet writes it: a row a query, columns found by their names."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from img.data.annotations.lines import read_text
from img.data.annotations.query import Query, check_video, make_query
from img.data.annotations.times import parse_time

COLUMNS = ("video", "start", "end", "sentence")
DURATION = "duration"
_DELIMITERS = (",", ";", "\t")


@dataclass(frozen=True)
class _Row:
    where: str
    number: int
    cells: dict[str, str]


def parse(path: Path, split: str) -> Iterator[Query]:
    """Yields a file's queries, in its order; the query of row 2, the first below the header, is `{split}_2`.

    Columns are found by their names in the header, in any order; others than those of `COLUMNS` and
    `duration` are passed over. Cells are separated by commas, semicolons or tabs. Where it is semicolons, a
    decimal comma counts as a point, as spreadsheets in such languages write both.

    Args:
        path: the file.
        split: its name.

    Raises:
        ValueError: the header or a row is malformed, or a video has two durations; the message names file
            and row.
    """
    text = read_text(path)
    delimiter = _find_delimiter(text, path)
    rows = list(_read_rows(text, delimiter, path))
    decimal = "," if delimiter == ";" else "."
    durations = _read_durations(rows, decimal)
    for row in rows:
        video = check_video(row.cells["video"], row.where)
        start, end = (
            parse_time(row.cells[name].replace(decimal, "."), f"{row.where}: {name}")
            for name in ("start", "end")
        )
        yield make_query(
            f"{split}_{row.number}",
            split,
            video,
            durations.get(video, math.nan),
            [(start, end)],
            row.cells["sentence"],
        )


def _find_delimiter(text: str, path: Path) -> str:
    """Finds the separator by which the header has every column."""
    header = next(iter(text.lstrip().splitlines()), "")
    found = {delimiter: _name_columns(header.split(delimiter)) for delimiter in _DELIMITERS}
    for delimiter, names in found.items():
        if set(COLUMNS) <= set(names):
            return delimiter
    names = max(found.values(), key=len)
    missing = ", ".join(name for name in COLUMNS if name not in names)
    raise ValueError(
        f"{path}, row 1: expected a header with the columns {', '.join(COLUMNS)} and, if you like, "
        f"{DURATION}, separated by commas, semicolons or tabs; missing: {missing}; "
        f"found {header.strip()!r:.200}"
    )


def _name_columns(cells: Sequence[str]) -> list[str]:
    return [cell.strip().strip('"').strip().lower() for cell in cells]


def _read_rows(text: str, delimiter: str, path: Path) -> Iterator[_Row]:
    """Yields the rows below the header that are not blank, with their numbers as a spreadsheet shows them."""
    header: list[str] = []
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    number = 0
    try:
        for number, written in enumerate(reader, start=1):
            cells = [cell.strip() for cell in written]
            where = f"{path}, row {number}"
            if not any(cells):
                continue
            if not header:
                header = _check_header(_name_columns(cells), where)
                continue
            if len(cells) < len(header) or any(cells[len(header) :]):
                raise ValueError(
                    f"{where}: expected {len(header)} cells as in the header, found {len(cells)}: "
                    f"{delimiter.join(written)!r:.200}; a sentence that holds the separator needs quotes"
                )
            yield _Row(where, number, dict(zip(header, cells, strict=False)))
    except csv.Error as error:
        raise ValueError(f"{path}, row {number + 1}: expected CSV, found something else ({error})") from error


def _check_header(names: list[str], where: str) -> list[str]:
    for name in (*COLUMNS, DURATION):
        if names.count(name) > 1:
            raise ValueError(f"{where}: expected each column once, found {name} {names.count(name)} times")
    return names


def _read_durations(rows: Sequence[_Row], decimal: str) -> dict[str, float]:
    """Reads the duration of each video that has one in some row."""
    durations: dict[str, float] = {}
    for row in rows:
        if not (text := row.cells.get(DURATION, "")):
            continue
        video, where = row.cells["video"], f"{row.where}: {DURATION}"
        seconds = parse_time(text.replace(decimal, "."), where)
        if durations.setdefault(video, seconds) != seconds:
            raise ValueError(
                f"{where}: expected one duration of video {video!r:.200}, found {seconds:g} s after "
                f"{durations[video]:g} s"
            )
    return durations
