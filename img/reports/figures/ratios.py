"""Recall of moments by how much of their video they take up (Figure 5 of the paper)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from img.reports.bootstrap import credit
from img.reports.figures.style import LINES, finish_axes, mark_simulated, plain, save_figure

BINS = 5


def bin_by_ratio(ratio: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Sorts queries into bins of equal numbers by their moment's share of the video.

    Args:
        ratio: moment's length over video's length [Q].

    Returns:
        Each query's bin [Q], and the bins' bounds [BINS + 1].
    """
    order = np.argsort(ratio, kind="stable")
    bins = np.empty(len(ratio), np.int64)
    bins[order] = np.arange(len(ratio)) * BINS // len(ratio)
    return bins, np.quantile(ratio, np.linspace(0, 1, BINS + 1))


def plot_ratios(
    answers: Mapping[str, Sequence[pd.DataFrame]],
    queries: pd.DataFrame,
    metric: str,
    simulated: Sequence[str],
    out: Path,
) -> None:
    """Plots a metric over five equal-sized bins of moment/video ratio, a line for each variant.

    Args:
        answers: label -> the first answers (query, iou) of each seed.
        queries: the split's queries (query, duration, start, end), each once.
        metric: see `img.reports.bootstrap.credit`.
        simulated: datasets of made-up data.
        out: .png or .svg to write.
    """
    ratio = ((queries["end"] - queries["start"]) / queries["duration"]).to_numpy()
    bins, bounds = bin_by_ratio(ratio)
    bin_of = pd.Series(bins, index=queries["query"])
    figure, axes = plt.subplots(figsize=(6, 3.8), layout="constrained")
    for (label, seeds), style in zip(answers.items(), LINES, strict=False):
        means = np.stack([_by_bin(table, bin_of, metric) for table in seeds])
        axes.errorbar(
            range(BINS),
            means.mean(0),
            means.std(0, ddof=1) if len(means) > 1 else None,
            label=plain(label),
            **style,
        )
    axes.set_xticks(range(BINS), [f"{low:.2f} to {high:.2f}" for low, high in pairwise(bounds)])
    finish_axes(axes, xlabel="moment's share of its video (bins of equal size)", ylabel=f"{metric} (%)")
    axes.legend(frameon=False)
    axes.set_title(f"Protocol last{mark_simulated(simulated)}", fontsize="medium")
    save_figure(figure, out)


def _by_bin(answers: pd.DataFrame, bin_of: pd.Series[int], metric: str) -> np.ndarray:
    credits = pd.Series(credit(answers["iou"].to_numpy(), metric), index=answers["query"])
    return credits.groupby(bin_of.reindex(credits.index).to_numpy()).mean().reindex(range(BINS)).to_numpy()
