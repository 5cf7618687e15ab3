"""Is A better than B? A bootstrap over videos and seeds, on the answers of both to the same queries."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

RESAMPLES = 10_000
_AT_ONCE = 250
"""Resamples drawn together: bounds the memory at this many times the number of videos."""

Verdict = Literal["holds", "not decided", "contradicted", "one seed"]


@dataclass(frozen=True)
class Comparison:
    """How much A is above B on one metric.

    Attributes:
        difference: A's metric minus B's, in points.
        low: lower end of the 95 % interval.
        high: upper end of the 95 % interval.
        share_above: share of the resamples in which A is above B.
        queries: queries that every run answered.
        seeds: training seeds of the model that has fewer; with one the interval tells of videos alone.
    """

    difference: float
    low: float
    high: float
    share_above: float
    queries: int
    seeds: int

    @property
    def verdict(self) -> Verdict:
        """What this says of "A beats B": decided where the interval leaves zero out; never by one seed."""
        if self.seeds == 1:
            return "one seed"
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
    """Compares two models by a bootstrap, each the mean over its training seeds.

    Queries about one video have one fate, so whole videos are drawn, the same for both models. Of each
    model's n seeds n - 1 are drawn, so that the variance of their mean is not understated (Rao and Wu, 1988).

    Args:
        better: the first answers of the model said to be better, a table (query, video, iou) for each seed.
        worse: those of the other model.
        metric: see `credit`.
        seed: of the draws.

    Raises:
        ValueError: where the runs have no query in common.
    """
    credits = pd.concat([_credit_of(answers, metric) for answers in (*better, *worse)], axis=1, join="inner")
    if credits.empty:
        raise ValueError("comparison: expected queries that both models answered, found none")
    by_video = credits.groupby(level="video")
    sizes = by_video.size().to_numpy(float)
    sums = by_video.sum().to_numpy(float).T
    first, second = sums[: len(better)], sums[len(better) :]
    draws = _resample(first, second, sizes, np.random.default_rng(seed))
    low, high = np.quantile(draws, [0.025, 0.975])
    difference = (first.mean(axis=0) - second.mean(axis=0)).sum() / sizes.sum()
    return Comparison(
        float(difference),
        float(low),
        float(high),
        float(np.mean(draws > 0)),
        len(credits),
        min(len(better), len(worse)),
    )


def _credit_of(answers: pd.DataFrame, metric: str) -> pd.Series[float]:
    """Returns what each (video, query) adds to a metric."""
    index = pd.MultiIndex.from_frame(answers[["video", "query"]])
    return pd.Series(credit(answers["iou"].to_numpy(), metric), index)


def _resample(
    first: np.ndarray, second: np.ndarray, sizes: np.ndarray, generator: np.random.Generator
) -> np.ndarray:
    """Draws videos and seeds with replacement; returns the mean gain per query of each resample.

    Args:
        first: each seed's credit of each video's queries [S, V].
        second: those of the other model [S', V].
        sizes: queries of each video [V].
        generator: source of randomness.
    """
    videos = len(sizes)
    gains = []
    for done in range(0, RESAMPLES, _AT_ONCE):
        count = min(_AT_ONCE, RESAMPLES - done)
        drawn = generator.multinomial(videos, np.full(videos, 1 / videos), size=count)
        means = [_mean_over_drawn_seeds(drawn @ sums.T, generator) for sums in (first, second)]
        gains.append((means[0] - means[1]) / (drawn @ sizes))
    return np.concatenate(gains)


def _mean_over_drawn_seeds(values: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """Returns the mean of each row of values [n, S] over S - 1 seeds drawn for it; over the one there is."""
    count, seeds = values.shape
    size = max(seeds - 1, 1)
    weights = generator.multinomial(size, np.full(seeds, 1 / seeds), size=count)
    return np.sum(weights * values, axis=1) / size
