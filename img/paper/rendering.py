"""A filled-in table as Markdown, CSV and HTML."""

from __future__ import annotations

import csv
import html
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from img.paper.tables import COMPARED_PROTOCOL, MEASURED, Cell, ResultTable, Row

EMPTY = "\N{EN DASH}"

_STYLE = """
body { font: 15px/1.45 system-ui, sans-serif; margin: 2rem auto; max-width: 75rem; color: #1a1a1a; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
caption { caption-side: top; text-align: left; padding-bottom: .6rem; }
th, td { padding: .2rem .7rem; text-align: right; white-space: nowrap; }
th { border-bottom: 2px solid #1a1a1a; }
th.label, td.label { text-align: left; }
tr.first td { border-top: 1px solid #ccc; }
tr.paper td, tr.quoted td { color: #555; }
tr.difference td { font-style: italic; }
p.note { max-width: 60rem; }
p.simulated { font-weight: bold; border-left: .4rem solid #b00; padding-left: .6rem; }
"""


@dataclass(frozen=True)
class _Line:
    """One line of a rendered table: the labels of its row, what its numbers are, and the numbers."""

    labels: Sequence[str]
    kind: str
    cells: Sequence[str]
    first: bool


def to_markdown(table: ResultTable) -> str:
    """Renders a table for reading: a row's own numbers by protocol, the paper's, and the difference."""
    heads = [*table.label_columns, "", *(column.label for column in table.columns)]
    lines = [
        f"# {table.name}",
        table.caption,
        "\n".join(
            [
                _pipe(heads),
                _pipe(["---"] * (len(table.label_columns) + 1) + ["---:"] * len(table.columns)),
                *(_pipe([*line.labels, line.kind, *line.cells]) for line in _lines(table)),
            ]
        ),
        *table.notes,
    ]
    return "\n\n".join(lines) + "\n"


def to_html(table: ResultTable) -> str:
    """Renders a table as a page of its own."""
    heads = "".join(f'<th class="label">{html.escape(head)}</th>' for head in [*table.label_columns, ""])
    heads += "".join(f"<th>{html.escape(column.label)}</th>" for column in table.columns)
    body = "\n".join(_html_line(line) for line in _lines(table))
    notes = "\n".join(
        f'<p class="note{" simulated" if note.startswith("SIMULATED") else ""}">{html.escape(note)}</p>'
        for note in table.notes
    )
    caption = f"<strong>{html.escape(table.name)}.</strong> {html.escape(table.caption)}"
    return (
        f'<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n<title>{html.escape(table.name)}'
        f"</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n<table>\n<caption>{caption}</caption>\n"
        f"<thead><tr>{heads}</tr></thead>\n<tbody>\n{body}\n</tbody>\n</table>\n{notes}\n</body>\n</html>\n"
    )


def to_csv(table: ResultTable) -> str:
    """Renders a table for computing: a line for each cell and protocol."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(
        "row column dataset split quantity protocol mean deviation seeds paper difference absence".split()
    )
    for row in table.rows:
        for column, cell in zip(table.columns, row.cells, strict=True):
            place = [" | ".join(row.labels), column.key, column.dataset, column.split, column.quantity]
            if not cell.ours:
                writer.writerow([*place, "", "", "", "", _plain(cell.paper), "", cell.absence])
            for protocol, estimate in cell.ours.items():
                difference = cell.difference(protocol) if table.comparable else None
                ours = [protocol, estimate.mean, _plain(estimate.deviation), estimate.seeds]
                writer.writerow([*place, *ours, _plain(cell.paper), _plain(difference), ""])
    return text.getvalue()


def _lines(table: ResultTable) -> Iterator[_Line]:
    for row in table.rows:
        blank = [""] * len(row.labels)
        contents = list(_row_contents(row, table.comparable))
        for place, (kind, cells) in enumerate(contents):
            yield _Line(blank if place else row.labels, kind, cells, first=not place)


def _row_contents(row: Row, comparable: bool) -> Iterator[tuple[str, list[str]]]:
    printed = [EMPTY if cell.paper is None else str(cell.paper) for cell in row.cells]
    if not row.protocols:
        if row.lacks_data:
            yield "no data", [EMPTY] * len(row.cells)
        yield ("quoted" if row.quoted else "paper"), printed
        return
    for protocol in row.protocols:
        yield protocol, [_own(cell, protocol) for cell in row.cells]
    yield "paper", printed
    if comparable:
        protocol = MEASURED if MEASURED in row.protocols else COMPARED_PROTOCOL
        yield "difference", [_difference(cell, protocol) for cell in row.cells]


def _own(cell: Cell, protocol: str) -> str:
    if protocol not in cell.ours:
        return EMPTY
    estimate = cell.ours[protocol]
    number = _rounded(estimate.mean, cell)
    return number if estimate.deviation is None else f"{number} ± {_rounded(estimate.deviation, cell)}"


def _difference(cell: Cell, protocol: str) -> str:
    # A row may mix what is measured with what is evaluated.
    difference = cell.difference(protocol if protocol in cell.ours else COMPARED_PROTOCOL)
    return EMPTY if difference is None else _rounded(difference, cell, "+")


def _rounded(value: float, cell: Cell, sign: str = "") -> str:
    """Rounds to the decimals the paper prints in the cell; a count over several seeds keeps one."""
    if cell.paper is None:
        return f"{value:{sign}.2f}"
    decimals = -int(cell.paper.as_tuple().exponent)
    if decimals > 4:
        return f"{value:{sign}.2e}"
    return f"{value:{sign}.{decimals or (0 if float(value).is_integer() else 1)}f}"


def _plain(value: object) -> str:
    return "" if value is None else str(value)


def _pipe(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _html_line(line: _Line) -> str:
    classes = [line.kind] + (["first"] if line.first else [])
    labels = "".join(f'<td class="label">{html.escape(label)}</td>' for label in [*line.labels, line.kind])
    cells = "".join(f"<td>{html.escape(cell)}</td>" for cell in line.cells)
    return f'<tr class="{" ".join(classes)}">{labels}{cells}</tr>'
