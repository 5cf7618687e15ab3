"""Moment retrieval: where in a video is what a sentence says? Scores, and what selects a checkpoint."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from img.data.samples import Moments
from img.data.spans import find_nearest
from img.tasks.metrics import best_constant, recalls, summarise_iou

SELECTED_BY = "R1@0.7"
"""The metric, of the preferred branch, that chooses an epoch: the authors' choice."""


def tabulate(moments: Moments, table: pd.DataFrame, answers: np.ndarray) -> pd.DataFrame:
    """Turns a branch's answers into rows.

    Args:
        moments: the samples answered.
        table: what each row is to say beside its answer, a row for each sample [Q].
        answers: start and end as shares of the clips' time, and score [Q, n, 3]; NaN where there is none.

    Returns:
        A row for each answer, with rank (from 1), start, end (seconds), score, the annotated moment that it
        overlaps most (annotated_start, annotated_end, seconds) and the iou with that.
    """
    query, rank = np.nonzero(~np.isnan(answers[:, :, 0]))
    moment = moments.table.iloc[query]
    duration = moment["duration"].to_numpy()
    first, last, confidence = answers[query, rank].T
    start, end = first * duration, last * duration
    nearest, iou = find_nearest(start, end, moments.windows[query])
    return table.iloc[query].assign(
        rank=rank + 1,
        start=start,
        end=end,
        score=confidence,
        annotated_start=nearest[:, 0],
        annotated_end=nearest[:, 1],
        iou=iou,
    )


def score(predictions: pd.DataFrame, answers: int = 1, missed: int = 0) -> dict[str, dict[str, float]]:
    """Returns the metrics of each branch, in percent.

    Args:
        predictions: answers as `tabulate` gives them, with the columns query and branch.
        answers: n, the most answers a query has in it; gives Rn beside R1.
        missed: further queries, which have no answer and count as IoU 0.
    """
    scores = {}
    for branch, group in predictions.groupby("branch", sort=False):
        first = group.loc[group["rank"] == 1, "iou"].to_numpy()
        best = group.groupby("query", sort=False)["iou"].max().to_numpy()
        scores[str(branch)] = _over_all(
            {**summarise_iou(first), **recalls(best, answers)}, len(first), missed
        )
    return scores


def score_constants(
    splits: Mapping[str, Moments], missed: Mapping[str, int] = {}
) -> dict[str, dict[str, float]]:
    """Returns the best constant answer's metrics on each split (chosen on that split: an upper bound).

    Args:
        splits: samples of each split.
        missed: how many queries each split's metrics count as IoU 0, as they do for a system.
    """
    scores: dict[str, dict[str, float]] = {}
    for split, moments in splits.items():
        constant = best_constant(moments.table["duration"].to_numpy(), moments.windows)
        scores[split] = _over_all(constant, len(moments), missed.get(split, 0))
    return scores


def _over_all(scores: Mapping[str, float], answered: int, missed: int) -> dict[str, float]:
    """Extends means over the answered queries to further ones, of which each counts 0."""
    return {metric: answered / (answered + missed) * value for metric, value in scores.items()}
