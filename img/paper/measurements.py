"""Numbers of the paper's tables that no run's metrics hold."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from img.config.dataset import StandIn
from img.paper.tables import MEASURED
from img.paper.transcription import Paper, PaperTable
from img.runs.cost import WHOLE, Cost

IMPORTANCE_EDGES = (0.15, 0.25, 0.35, 0.45)
"""Bounds of the ranges of Table 16; a score at a bound counts in the range above."""

COST_TABLE = 12
COST_ROWS = {"img": "IMG", "img_aip": "AIP", "img_mgf": "MGF"}
"""Row of Table 12 -> part of the model."""

_SELECTED = "Selected"


def count_activities(
    queries: pd.DataFrame, table: PaperTable, patterns: Mapping[str, str], splits: StandIn
) -> dict[str, Any]:
    """Counts Table 8: the queries of each activity.

    Args:
        queries: the queries table (query, split, sentence).
        table: the paper's; rows of selected activities count AudioMatter's queries, others the rest of test.
        patterns: row -> regular expression of its words.
        splits: the splits that stand for the paper's.

    Returns:
        `img.paper.tables.Measurements`.
    """
    audible = queries[queries["split"] == splits.splits["audiomatter"]]
    test = queries[queries["split"] == splits.splits["test"]]
    sentences = {
        True: audible["sentence"],
        False: test.loc[~test["query"].isin(set(audible["query"])), "sentence"],
    }
    counts = {}
    for row in table.rows:
        word = re.compile(rf"\b(?:{patterns[row.key]})\b", re.IGNORECASE)
        chosen = sentences[row.labels[0] == _SELECTED]
        count = sum(word.search(sentence) is not None for sentence in chosen)
        counts[row.key] = {"count": {MEASURED: [float(count)]}}
    return counts


def count_importance(
    runs: Sequence[pd.DataFrame], table: PaperTable, split: str, branch: str = "fusion"
) -> dict[str, Any]:
    """Counts Table 16: the queries in each range of the predicted importance of their video's sound.

    Args:
        runs: predictions of each seed.
        table: the paper's.
        split: whose queries to count.
        branch: whose rows of the predictions to read; the importance is the same in all.

    Returns:
        `img.paper.tables.Measurements`.
    """
    counts: dict[str, dict[str, list[float]]] = {column.key: {} for column in table.columns}
    for predictions in runs:
        for protocol, scores in _importance(predictions, split, branch):
            bins = np.searchsorted(IMPORTANCE_EDGES, scores, side="right")
            for bin_number, column in enumerate(table.columns):
                counts[column.key].setdefault(str(protocol), []).append(float(np.sum(bins == bin_number)))
    return {table.rows[0].key: counts}


def sum_parts(costs: Mapping[str, Cost]) -> dict[str, Cost]:
    """Sums IMG's parts up as Table 12 has them: AIP, MGF (the fusion without AIP) and IMG."""
    nothing = Cost(0, 0)
    fusion = [cost for name, cost in costs.items() if name.startswith("fusion.")]
    predictor = costs.get("fusion.importance", nothing)
    less = Cost(-predictor.parameters, -predictor.flops)
    return {"AIP": predictor, "MGF": sum(fusion, nothing) + less, "IMG": costs[WHOLE]}


def printed_cost(paper: Paper) -> dict[str, tuple[float, float]]:
    """Returns Table 12 as printed: part -> millions of parameters and "Flops(G)"."""
    table = paper.tables[COST_TABLE]
    found = {
        part: (table.value(row, "parameters"), table.value(row, "flops")) for row, part in COST_ROWS.items()
    }
    return {
        part: (float(million), float(giga)) for part, (million, giga) in found.items() if million and giga
    }


def measure_cost(parts: Mapping[str, Cost]) -> dict[str, Any]:
    """Arranges a model's cost as Table 12, whose Flops are multiply-adds, as its MGF shows (docs/cost.md).

    Args:
        parts: `AIP`, `MGF` and `IMG`, see `sum_parts`.

    Returns:
        `img.paper.tables.Measurements`.
    """
    return {
        row: {
            "flops": {MEASURED: [parts[part].flops / 2 / 1e9]},
            "parameters": {MEASURED: [parts[part].parameters / 1e6]},
        }
        for row, part in COST_ROWS.items()
        if part in parts
    }


def _importance(predictions: pd.DataFrame, split: str, branch: str) -> list[tuple[object, np.ndarray]]:
    chosen = (predictions["split"] == split) & (predictions["branch"] == branch) & (predictions["rank"] == 1)
    groups = predictions[chosen].groupby("protocol", sort=False)["importance"]
    return [(protocol, scores.to_numpy()) for protocol, scores in groups]
