"""`kinds`: what can be extracted, and what it takes."""

from __future__ import annotations

import argparse

from extractors.kind import Kind
from extractors.registry import KINDS

_COLUMNS = ("kind", "reads", "width", "needs", "presets", "what it is")


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds the command."""
    parser = commands.add_parser(
        "kinds", help="list the kinds of extractors, their extras, widths and presets"
    )
    parser.set_defaults(run=_list)


def _list(options: argparse.Namespace) -> int:
    rows = [_COLUMNS, *map(_describe, KINDS.values())]
    widths = [max(len(row[column]) for row in rows) for column in range(len(_COLUMNS))]
    for row in rows:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
    return 0


def _describe(kind: Kind) -> tuple[str, ...]:
    parameters = kind.parameters
    return (
        kind.name,
        kind.modality if kind.network else "arrays",
        "texts" if kind.gives == "texts" else " or ".join(map(str, parameters.widths)) or "-",
        f"pip install '.[{parameters.extra}]'" if parameters.extra else "-",
        ", ".join(parameters.presets) or "-",
        (parameters.__doc__ or "").partition("\n")[0],
    )
