"""What the paper's text claims, put to the test on one's own runs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import pandas as pd

from img.config.protocols import reported_on
from img.paper.recipes import Origin, Recipes, Scope, pair_origins
from img.paper.transcription import Claim, Column, Paper
from img.reports.answers import first_answers
from img.reports.bootstrap import Comparison, compare

Answers = Callable[[str, str], Sequence[pd.DataFrame]]
"""(dataset, variant) -> predictions of each of its runs; empty where there is none."""


@dataclass(frozen=True)
class Trial:
    """One pair of rows and one column of a claim.

    Attributes:
        claim: the claim.
        better: key of the row that is said to be better.
        worse: key of the other.
        column: the column.
        paper: the paper's difference; None where it prints none.
        results: protocol -> the comparison of one's own runs; empty where they cannot be compared.
    """

    claim: Claim
    better: str
    worse: str
    column: Column
    paper: float | None
    results: dict[str, Comparison]


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
        for worse, column, origins in pair_origins(claim, paper, recipes, scope):
            first, second = table.value(claim.better, column.key), table.value(worse, column.key)
            yield Trial(
                claim,
                claim.better,
                worse,
                column,
                None if first is None or second is None else float(first - second),
                _compare(*origins, answers) if origins else {},
            )


def _compare(better: Origin, worse: Origin, answers: Answers) -> dict[str, Comparison]:
    sides = [(origin, answers(origin.dataset, origin.variant)) for origin in (better, worse)]
    if not all(tables for _, tables in sides):
        return {}
    common = [
        protocol
        for protocol in sides[0][1][0]["protocol"].unique()
        if all((table["protocol"] == protocol).any() for _, tables in sides for table in tables)
    ]
    results = {}
    for protocol in reported_on(better.split, common):
        first, second = (
            [first_answers(table, origin.split, origin.branch, protocol) for table in tables]
            for origin, tables in sides
        )
        if not any(table.empty for table in (*first, *second)):
            results[protocol] = compare(first, second, better.quantity)
    return results
