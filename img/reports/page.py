"""A page with one table, written as Markdown, HTML and CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined

from extractors.storage.files import write_text

SIMULATED = "SIMULATED DATA"
"""How a note begins that says that numbers are from made-up data."""

_TEMPLATES = Environment(
    loader=PackageLoader("img.reports", "."),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    keep_trailing_newline=True,
)


@dataclass(frozen=True)
class Line:
    """One line of a page's table.

    Attributes:
        labels: its first cells, set to the left.
        cells: the others, set to the right.
        first: whether a group of lines begins here.
        faint: whether it is not one's own result.
    """

    labels: Sequence[str]
    cells: Sequence[str]
    first: bool = True
    faint: bool = False


@dataclass(frozen=True)
class Page:
    """A table with a title and notes.

    Attributes:
        title: such as `Table 2`.
        caption: what the table shows.
        label_heads: heads of the columns that are set to the left.
        heads: heads of the others.
        lines: from top to bottom.
        notes: what a reader must know.
        records: the table for computing, column -> value; all have the same columns.
    """

    title: str
    caption: str
    label_heads: Sequence[str]
    heads: Sequence[str]
    lines: Sequence[Line]
    notes: Sequence[str]
    records: Sequence[Mapping[str, object]]


def write_page(page: Page, out: Path) -> None:
    """Writes a page thrice.

    Args:
        page: the page.
        out: path without suffix; .md, .html and .csv are put behind it.
    """
    for suffix, text in ((".md", to_markdown(page)), (".html", to_html(page)), (".csv", to_csv(page))):
        write_text(out.with_name(out.name + suffix), text)


def to_markdown(page: Page) -> str:
    """Renders a page for reading as it is or on a code host."""
    rule = ["---"] * len(page.label_heads) + ["---:"] * len(page.heads)
    rows = [[*page.label_heads, *page.heads], rule, *([*line.labels, *line.cells] for line in page.lines)]
    notes = [f"**{note}**" if note.startswith(SIMULATED) else note for note in page.notes]
    return "\n\n".join([f"# {page.title}", page.caption, "\n".join(map(_pipe, rows)), *notes]) + "\n"


def to_html(page: Page) -> str:
    """Renders a page for a browser; it needs no other file."""
    return _TEMPLATES.get_template("page.html.jinja").render(page=page, simulated=SIMULATED)


def to_csv(page: Page) -> str:
    """Renders a page's records; what is missing is empty."""
    text = io.StringIO()
    writer = csv.DictWriter(text, list(page.records[0]) if page.records else [], lineterminator="\n")
    writer.writeheader()
    writer.writerows(page.records)
    return text.getvalue()


def _pipe(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"
