"""How a filled-in table of the paper, and the trial of its claims, are laid out on a page."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict

from img.config.protocols import LAST
from img.paper.claims import Trial
from img.paper.recipes import Scope
from img.paper.tables import MEASURED, NO_DATA, Cell, ResultTable, Row
from img.reports.bootstrap import Comparison
from img.reports.page import SIMULATED, Line, Page

EMPTY = "–"


def lay_out_table(table: ResultTable, scope: Scope) -> Page:
    """Puts a row's own numbers by protocol, the paper's, and the difference below each other."""
    return Page(
        f"Table {table.number}",
        table.caption,
        [*table.label_columns, ""],
        [column.label for column in table.columns],
        [line for row in table.rows for line in _lines(row, comparable=not scope.simulated)],
        [*_scope_notes(scope), *_table_notes(table, comparable=not scope.simulated)],
        list(_records(table, comparable=not scope.simulated)),
    )


def lay_out_claims(trials: Sequence[Trial], scope: Scope) -> Page:
    """Puts every pair of numbers a claim rests on in a line, with what one's own runs say of it."""
    records, lines = [], []
    for trial in trials:
        for number, (protocol, result) in enumerate(trial.results.items()):
            lines.append(_claim_line(trial, protocol, first=not number))
            records.append(
                {
                    "claim": trial.claim.id,
                    "text": trial.claim.text,
                    "table": trial.claim.table,
                    "better": trial.better,
                    "worse": trial.worse,
                    "column": trial.column.key,
                    "paper": trial.paper,
                    "protocol": protocol,
                    **asdict(result),
                    "verdict": result.verdict,
                }
            )
    untried = sorted({trial.claim.id for trial in trials} - {record["claim"] for record in records})
    notes = [
        *_scope_notes(scope),
        "Paired bootstrap over videos and, on each side, over its training seeds, 10,000 resamples: the "
        "difference in points, its 95 % interval, and the share of resamples in which the claim holds. "
        "`holds` or `contradicted` where the interval leaves zero out, `not decided` where it does not. "
        "`one seed`: a side was trained once, so that the interval tells of videos alone, and there is no "
        "verdict. With few seeds intervals are too narrow. They are not corrected for the number of claims.",
    ]
    if untried:
        notes.append(f"Not tried, for one side is quoted or has no runs here: {', '.join(untried)}.")
    return Page(
        "Claims",
        "What the paper says is better than what, on one's own runs.",
        ["claim", "better", "worse", "metric", "protocol", "verdict"],
        ["paper", "difference", "95 % interval", "share above"],
        lines,
        notes,
        records,
    )


def _lines(row: Row, comparable: bool) -> Iterator[Line]:
    blank = [""] * len(row.labels)
    for number, (kind, cells) in enumerate(_contents(row, comparable)):
        labels = [*(blank if number else row.labels), kind]
        yield Line(labels, cells, first=not number, faint=kind in ("paper", "quoted"))


def _contents(row: Row, comparable: bool) -> Iterator[tuple[str, list[str]]]:
    printed = [EMPTY if cell.paper is None else str(cell.paper) for cell in row.cells]
    if row.protocols:
        for protocol in row.protocols:
            yield protocol, [_own(cell, protocol) for cell in row.cells]
        yield "paper", printed
        if comparable:
            yield "difference", [_difference(cell) for cell in row.cells]
        return
    if row.lacks_data:
        yield NO_DATA, [EMPTY] * len(row.cells)
    yield ("quoted" if row.quoted else "paper"), printed


def _own(cell: Cell, protocol: str) -> str:
    if protocol not in cell.ours:
        return EMPTY
    estimate = cell.ours[protocol]
    number = _rounded(estimate.mean, cell)
    return number if estimate.deviation is None else f"{number} ± {_rounded(estimate.deviation, cell)}"


def _difference(cell: Cell) -> str:
    difference = cell.difference
    return EMPTY if difference is None else _rounded(difference, cell, "+")


def _rounded(value: float, cell: Cell, sign: str = "") -> str:
    """Rounds to the decimals the paper prints in the cell; a mean of counts keeps one."""
    if cell.paper is None:
        return f"{value:{sign}.2f}"
    decimals = -int(cell.paper.as_tuple().exponent)
    if decimals > 4:
        return f"{value:{sign}.2e}"
    return f"{value:{sign}.{decimals or (0 if value.is_integer() else 1)}f}"


def _records(table: ResultTable, comparable: bool) -> Iterator[dict[str, object]]:
    for row in table.rows:
        for column, cell in zip(table.columns, row.cells, strict=True):
            for protocol, estimate in cell.ours.items() or [("", None)]:
                compared = comparable and protocol == cell.compared_protocol
                yield {
                    "row": " | ".join(row.labels),
                    "column": column.key,
                    "dataset": column.dataset,
                    "split": column.split,
                    "quantity": column.quantity,
                    "protocol": protocol,
                    "mean": estimate and estimate.mean,
                    "deviation": estimate and estimate.deviation,
                    "seeds": estimate and estimate.seeds,
                    "paper": cell.paper,
                    "difference": cell.difference if compared else None,
                    "absence": cell.absence,
                }


def _scope_notes(scope: Scope) -> list[str]:
    if scope.simulated:
        return [
            f"{SIMULATED}: {', '.join(scope.simulated)} stands for the paper's data. The paper's numbers are "
            "shown for reference only; they are not comparable."
        ]
    return [] if scope.is_paper else [f"{', '.join(scope.datasets)} stands for the paper's data."]


def _table_notes(table: ResultTable, comparable: bool) -> list[str]:
    notes = []
    cells = [cell for row in table.rows for cell in row.cells]
    evaluated = {
        estimate.seeds for cell in cells for protocol, estimate in cell.ours.items() if protocol != MEASURED
    }
    if evaluated:
        seeds = ", ".join(map(str, sorted(evaluated)))
        chosen = sorted({name for cell in cells for name in cell.ours} - {LAST, MEASURED})
        notes.append(
            f"Mean ± standard deviation over seeds (how many: {seeds}). `{LAST}`: the final weights, nothing "
            "chosen on test."
            + "".join(
                f" `{name}`: the epoch with the best R1@0.7 on that split, the earliest of equals."
                for name in chosen
            )
        )
        if comparable:
            notes.append(
                "Differences are to the weights that were best on the cell's own split, which is how the "
                "authors choose; they look twice an epoch, keep the later of equals and train AudioMatter's "
                "run by itself."
            )
    absences = sorted({cell.absence for cell in cells if cell.absence.startswith(NO_DATA)})
    if absences:
        notes.append(f"Cells without a number: {'; '.join(absences)}.")
    return notes


def _claim_line(trial: Trial, protocol: str, first: bool) -> Line:
    result: Comparison = trial.results[protocol]
    start = [trial.claim.text, trial.better, trial.worse, trial.column.label] if first else [""] * 4
    return Line(
        [*start, protocol, result.verdict],
        [
            EMPTY if trial.paper is None else f"{trial.paper:+.2f}",
            f"{result.difference:+.2f}",
            f"{result.low:+.2f} to {result.high:+.2f}",
            f"{result.share_above:.3f}",
        ],
        first,
    )
