"""Is A better than B? A paired bootstrap over videos, on the answers of both to the same queries."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

RESAMPLES = 10_000
_AT_ONCE = 250
"""Resamples drawn together: bounds the memory at this many times the number of videos."""

Verdict = Literal["holds", "not decided", "contradicted"]


@dataclass(frozen=True)
class Comparison:
    """How much A is above B on one metric.

    Attributes:
        difference: A's metric minus B's, in points.
        low: lower end of the 95 % interval.
        high: upper end of the 95 % interval.
        share_above: share of the resamples in which A is above B.
        queries: queries both answered.
    """

    difference: float
    low: float
    high: float
    share_above: float
    queries: int

    @property
    def verdict(self) -> Verdict:
        """What this says of "A beats B": decided where the interval leaves zero out."""
        if self.low > 0:
            return "holds"
        return "contradicted" if self.high < 0 else "not decided"


def credit(iou: np.ndarray, metric: str) -> np.ndarray:
    """Returns what each query adds to a metric, in percent: R1@m counts IoU >= m, mIoU the IoU itself.

    Args:
        iou: of each query's first answer [Q].
        metric: `R1@0.3`, `R1@0.5`, `R1@0.7` or `mIoU`.

    Raises:
        ValueError: another metric.
    """
    if metric == "mIoU":
        return 100.0 * iou
    name, _, threshold = metric.partition("@")
    if name != "R1":
        raise ValueError(f"metric: expected R1@<threshold> or mIoU, found {metric!r}")
    return 100.0 * (iou >= float(threshold))


def compare(
    better: Sequence[pd.DataFrame], worse: Sequence[pd.DataFrame], metric: str, seed: int = 0
) -> Comparison:
    """Compares two models by a paired bootstrap, each the mean over its training seeds.

    Queries about one video have one fate, so whole videos are drawn.

    Args:
        better: the first answers of the model said to be better, a table (query, video, iou) for each seed.
        worse: those of the other model.
        metric: see `credit`.
        seed: of the draws.

    Raises:
        ValueError: where the two have no query in common.
    """
    paired = pd.concat(
        {"better": _mean_credit(better, metric), "worse": _mean_credit(worse, metric)}, axis=1, join="inner"
    )
    if paired.empty:
        raise ValueError("comparison: expected queries that both models answered, found none")
    gain = (paired["better"] - paired["worse"]).groupby(level="video").agg(["sum", "size"])
    sums, sizes = gain["sum"].to_numpy(float), gain["size"].to_numpy(float)
    draws = _resample(sums, sizes, np.random.default_rng(seed))
    low, high = np.quantile(draws, [0.025, 0.975])
    return Comparison(
        float(sums.sum() / sizes.sum()), float(low), float(high), float(np.mean(draws > 0)), len(paired)
    )


def _mean_credit(seeds: Sequence[pd.DataFrame], metric: str) -> pd.Series[float]:
    answers = pd.concat(seeds)
    credits = answers.assign(credit=credit(answers["iou"].to_numpy(), metric))
    return credits.groupby(["video", "query"])["credit"].mean()


def _resample(sums: np.ndarray, sizes: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """Draws videos with replacement; returns the mean gain per query of each resample."""
    videos = len(sums)
    means = []
    for first in range(0, RESAMPLES, _AT_ONCE):
        count = min(_AT_ONCE, RESAMPLES - first)
        drawn = generator.multinomial(videos, np.full(videos, 1 / videos), size=count)
        means.append((drawn @ sums) / (drawn @ sizes))
    return np.concatenate(means)
