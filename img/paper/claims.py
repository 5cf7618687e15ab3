"""What the paper's text claims, put to the test on one's own runs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import pandas as pd

from img.bootstrap import Comparison, compare
from img.paper.recipes import Origin, Recipes, Scope, trace
from img.paper.tables import COMPARED_PROTOCOL
from img.paper.transcription import Claim, Column, Paper

PROTOCOLS = ("last", COMPARED_PROTOCOL)

Answers = Callable[[str, str], Sequence[pd.DataFrame]]
"""(dataset, variant) -> predictions of each of its runs; empty where there is none."""


@dataclass(frozen=True)
class Trial:
    """One pair of rows and one column of a claim.

    Attributes:
        claim: the claim.
        worse: label of the row that is said to be worse.
        column: the column.
        paper: the paper's difference; None where it prints none.
        results: protocol -> the comparison of one's own runs; empty where they cannot be compared.
    """

    claim: Claim
    worse: str
    column: Column
    paper: float | None
    results: dict[str, Comparison]


def list_claim_runs(
    paper: Paper, recipes: Recipes, scope: Scope, tables: Sequence[int]
) -> list[tuple[str, str]]:
    """Lists the (dataset, variant) pairs that the claims resting on some tables need, each once."""
    pairs = [
        (origin.dataset, origin.variant)
        for claim in paper.claims
        if claim.table in tables
        for better, worse in _pairs(claim, paper, recipes, scope)
        for origin in (better[1], worse[1])
        if better[1] is not None and worse[1] is not None and origin is not None
    ]
    return list(dict.fromkeys(pairs))


def try_claims(
    paper: Paper, recipes: Recipes, scope: Scope, tables: Sequence[int], answers: Answers
) -> Iterator[Trial]:
    """Compares, for every claim that rests on some tables, the two rows it is about by a paired bootstrap.

    Args:
        paper: the claims.
        recipes: how the rows are made.
        scope: what stands for the paper's datasets.
        tables: numbers of the tables.
        answers: gives the predictions.
    """
    for claim in paper.claims:
        if claim.table not in tables:
            continue
        table = paper.tables[claim.table]
        for (column, better), (worse_key, worse) in _pairs(claim, paper, recipes, scope):
            first, second = table.value(claim.better, column.key), table.value(worse_key, column.key)
            results = {} if better is None or worse is None else _compare(better, worse, answers)
            yield Trial(
                claim,
                " ".join(table.row(worse_key).labels),
                column,
                None if first is None or second is None else float(first - second),
                results,
            )


_Side = tuple[Column, Origin | None]


def _pairs(
    claim: Claim, paper: Paper, recipes: Recipes, scope: Scope
) -> Iterator[tuple[_Side, tuple[str, Origin | None]]]:
    table = paper.tables[claim.table]
    rows = recipes.tables.get(claim.table, {})
    columns = {column.key: column for column in table.columns}
    for worse in claim.worse:
        for key in claim.columns:
            column = columns[key]
            origins = [
                trace(rows[row], column, scope) if row in rows else None for row in (claim.better, worse)
            ]
            yield (column, origins[0]), (worse, origins[1])


def _compare(better: Origin, worse: Origin, answers: Answers) -> dict[str, Comparison]:
    results = {}
    for protocol in PROTOCOLS:
        first = [_first_answers(table, better, protocol) for table in answers(better.dataset, better.variant)]
        second = [_first_answers(table, worse, protocol) for table in answers(worse.dataset, worse.variant)]
        if first and second and not any(table.empty for table in (*first, *second)):
            results[protocol] = compare(first, second, better.quantity)
    return results


def _first_answers(predictions: pd.DataFrame, origin: Origin, protocol: str) -> pd.DataFrame:
    chosen = (
        (predictions["protocol"] == protocol)
        & (predictions["split"] == origin.split)
        & (predictions["branch"] == origin.branch)
        & (predictions["rank"] == 1)
    )
    return predictions.loc[chosen, ["query", "video", "iou"]]
