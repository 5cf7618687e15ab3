"""The paper's tables with one's own numbers beside the paper's."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from img.config.protocols import best_on, reported_on
from img.paper.recipes import Recipes, RowRecipe, Scope, find_split, trace
from img.paper.transcription import Column, Paper, PaperRow

MEASURED = "measured"
"""The protocol of what no run is evaluated for: counts of annotations, parameters."""

NO_DATA = "no data"

Runs = Mapping[tuple[str, str], Sequence[Mapping[str, Any]]]
"""(dataset, variant) -> the metrics.json of each of its runs."""

Measurements = Mapping[str, Mapping[str, Mapping[str, Sequence[float]]]]
"""Row -> column -> protocol -> values, one for each seed, of what is not read from metrics.json."""


@dataclass(frozen=True)
class Estimate:
    """A number of one's own.

    Attributes:
        mean: over seeds.
        deviation: standard deviation over seeds; None for one seed.
        seeds: how many.
    """

    mean: float
    deviation: float | None
    seeds: int

    @staticmethod
    def of(values: Sequence[float]) -> Estimate:
        """Summarises the values of the seeds."""
        deviation = statistics.stdev(values) if len(values) > 1 else None
        return Estimate(statistics.fmean(values), deviation, len(values))


@dataclass(frozen=True)
class Cell:
    """One number of a table.

    Attributes:
        paper: the paper's; None where it prints none.
        ours: protocol -> one's own; empty where there is none.
        absence: why there is none of one's own; empty where there is.
        compared_protocol: the authors', whose number is compared with the paper's: the best weights on the
            very split; or `MEASURED`.
    """

    paper: Decimal | None
    ours: Mapping[str, Estimate]
    absence: str = ""
    compared_protocol: str = MEASURED

    @property
    def difference(self) -> float | None:
        """One's own number minus the paper's; None where one is missing."""
        if self.paper is None or self.compared_protocol not in self.ours:
            return None
        return self.ours[self.compared_protocol].mean - float(self.paper)


@dataclass(frozen=True)
class Row:
    """A row: its labels, and a cell for each column. `quoted`: another's system, by the paper's numbers."""

    labels: Sequence[str]
    quoted: bool
    cells: Sequence[Cell]

    @property
    def protocols(self) -> list[str]:
        """Protocols of one's own numbers in the row, in order."""
        return list(dict.fromkeys(protocol for cell in self.cells for protocol in cell.ours))

    @property
    def lacks_data(self) -> bool:
        """Whether there would be numbers of one's own if there were data."""
        return any(cell.absence.startswith(NO_DATA) for cell in self.cells)


@dataclass(frozen=True)
class ResultTable:
    """A table of the paper, filled in.

    Attributes:
        number: the paper's.
        caption: the paper's.
        label_columns: heads of the labels.
        columns: the columns of numbers.
        rows: from top to bottom.
    """

    number: int
    caption: str
    label_columns: Sequence[str]
    columns: Sequence[Column]
    rows: Sequence[Row]


def build_table(
    number: int,
    paper: Paper,
    recipes: Recipes,
    scope: Scope,
    runs: Runs,
    measurements: Measurements,
) -> ResultTable:
    """Fills a table in.

    Args:
        number: of the paper's table.
        paper: the paper's numbers.
        recipes: how rows are made.
        scope: what stands for the paper's datasets.
        runs: metrics of the runs at hand; a cell whose runs are not there is marked.
        measurements: numbers that no metrics.json holds.
    """
    table = paper.tables[number]
    rows = []
    for row in table.rows:
        recipe = recipes.tables.get(number, {}).get(row.key)
        rows.append(_fill_in(row, table.columns, recipe, scope, runs, measurements))
        for label, other in (recipe.rows_beside(scope) if recipe else {}).items():
            cells = [
                _from_runs(value, other, column, scope, runs)
                for column, value in zip(table.columns, row.values, strict=True)
            ]
            rows.append(Row([*row.labels[:-1], f"{row.labels[-1]}, {label}"], False, cells))
    return ResultTable(number, table.caption, table.label_columns, table.columns, rows)


def _fill_in(
    row: PaperRow,
    columns: Sequence[Column],
    recipe: RowRecipe | None,
    scope: Scope,
    runs: Runs,
    measurements: Measurements,
) -> Row:
    cells = []
    for column, value in zip(columns, row.values, strict=True):
        measured = measurements.get(row.key, {}).get(column.key)
        if measured is not None:
            cells.append(_set_beside(value, measured, find_split(column, scope)))
        elif recipe is None:
            cells.append(Cell(value, {}, "quoted" if not row.is_ours else "not run here"))
        else:
            cells.append(_from_runs(value, recipe, column, scope, runs))
    return Row(row.labels, not row.is_ours, cells)


def _from_runs(value: Decimal | None, recipe: RowRecipe, column: Column, scope: Scope, runs: Runs) -> Cell:
    origin = trace(recipe, column, scope)
    if origin is None:
        return Cell(value, {}, "not run here")
    found = runs.get((origin.dataset, origin.variant), [])
    if not found:
        return Cell(value, {}, f"{NO_DATA} for {origin.dataset}")
    values: dict[str, list[float]] = {}
    for run in found:
        for protocol, splits in run["protocols"].items():
            scores = splits.get(origin.split, {}).get(origin.branch, {})
            if origin.quantity in scores:
                values.setdefault(protocol, []).append(scores[origin.quantity])
    if not values:
        return Cell(value, {}, f"no {origin.quantity} of {origin.branch} on {origin.split}")
    return _set_beside(value, values, origin.split)


def _set_beside(value: Decimal | None, values: Mapping[str, Sequence[float]], split: str | None) -> Cell:
    """Sets values on a split, by protocol, beside the paper's; no split where they are measured."""
    if split is None or MEASURED in values:
        return Cell(value, {protocol: Estimate.of(numbers) for protocol, numbers in values.items()})
    shown = reported_on(split, values)
    ours = {protocol: Estimate.of(values[protocol]) for protocol in shown}
    return Cell(value, ours, compared_protocol=best_on(split))
