"""A page with one table, written as Markdown, HTML and CSV."""

from __future__ import annotations

import csv
import html
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from extractors.storage.files import write_text

SIMULATED = "SIMULATED DATA"
"""How a note begins that says that numbers are from made-up data."""

_STYLE = """
body { font: 15px/1.45 system-ui, sans-serif; margin: 2rem; color: #1a1a1a; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
caption { text-align: left; padding-bottom: .6rem; }
th, td { padding: .2rem .7rem; text-align: right; white-space: nowrap; }
th { border-bottom: 2px solid #1a1a1a; }
.label { text-align: left; }
tr.first td { border-top: 1px solid #ccc; }
tr.faint td { color: #666; }
p { max-width: 60rem; }
p.simulated { font-weight: bold; border-left: .4rem solid #b00; padding-left: .6rem; }
"""


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
    title, caption = html.escape(page.title), html.escape(page.caption)
    heads = "".join(f'<th class="label">{html.escape(head)}</th>' for head in page.label_heads)
    heads += "".join(f"<th>{html.escape(head)}</th>" for head in page.heads)
    body = "\n".join(map(_html_line, page.lines))
    notes = "\n".join(map(_html_note, page.notes))
    return (
        f'<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n<title>{title}</title>\n'
        f"<style>{_STYLE}</style>\n</head>\n<body>\n<table>\n<caption><strong>{title}.</strong> {caption}"
        f"</caption>\n<thead><tr>{heads}</tr></thead>\n<tbody>\n{body}\n</tbody>\n</table>\n{notes}\n"
        "</body>\n</html>\n"
    )


def to_csv(page: Page) -> str:
    """Renders a page's records; what is missing is empty."""
    text = io.StringIO()
    writer = csv.DictWriter(text, list(page.records[0]) if page.records else [], lineterminator="\n")
    writer.writeheader()
    writer.writerows(page.records)
    return text.getvalue()


def _pipe(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _html_line(line: Line) -> str:
    classes = " ".join(name for name in ("first", "faint") if getattr(line, name))
    labels = "".join(f'<td class="label">{html.escape(label)}</td>' for label in line.labels)
    cells = "".join(f"<td>{html.escape(cell)}</td>" for cell in line.cells)
    return f'<tr class="{classes}">{labels}{cells}</tr>'


def _html_note(note: str) -> str:
    kind = ' class="simulated"' if note.startswith(SIMULATED) else ""
    return f"<p{kind}>{html.escape(note)}</p>"
