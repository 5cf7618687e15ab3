"""The picture of a comparison: lengths, similarity, and similarity over time."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from extractors.provenance.pairs import TIME_BINS, Video
from extractors.storage.files import replacing

_BINS = 40


def plot(videos: Sequence[Video], centred: bool, out: Path) -> None:
    """Draws the comparison of two collections, readable in greyscale.

    Args:
        videos: what was found of every video.
        centred: whether the arrays compared are less the mean row of their collection.
        out: .png or .svg to write.
    """
    figure = Figure(figsize=(11, 3.6), layout="constrained")
    lengths, similarity, over_time = figure.subplots(1, 3)
    _plot_lengths(lengths, videos)
    cosine = "cosine of A and B, centred" if centred else "cosine of A and B"
    similar = [video for video in videos if video.similarity is not None]
    if similar:
        _plot_similarity(similarity, similar, cosine)
        _plot_over_time(over_time, similar, cosine)
    else:
        for axes in (similarity, over_time):
            axes.text(0.5, 0.5, "no cosine: no video has\nthe same width in both", ha="center", va="center")
            axes.set_axis_off()
    with replacing(out) as temporary:
        figure.savefig(temporary, format=out.suffix[1:], dpi=90)


def _plot_lengths(axes: Axes, videos: Sequence[Video]) -> None:
    rows = np.array([(v.shape_a[0], v.shape_b[0]) for v in videos if v.shape_a and v.shape_b]).reshape(-1, 2)
    axes.plot(rows[:, 0], rows[:, 1], "o", color="0.35", markersize=5, alpha=0.5, markeredgewidth=0)
    if len(rows):
        ratio = float(np.median(rows[:, 1] / rows[:, 0]))
        end = rows[:, 0].max() * 1.05
        axes.plot([0, end], [0, ratio * end], "k-", linewidth=1, label=f"{ratio:.3g} rows of B for one of A")
        axes.legend(frameon=False, loc="lower right")
    axes.set(xlabel="length in A (rows)", ylabel="length in B (rows)", title=f"{len(rows)} videos in both")
    axes.set_xlim(left=0)
    axes.set_ylim(bottom=0)
    axes.grid(alpha=0.3)


def _plot_similarity(axes: Axes, videos: Sequence[Video], cosine: str) -> None:
    own = [video.similarity.mean for video in videos if video.similarity]
    unrelated = [video.unrelated.mean for video in videos if video.unrelated]
    # At least a little to the left, for arrays that are all alike.
    edges = np.linspace(min(*own, *unrelated, 0.99), 1, _BINS + 1).tolist()
    axes.hist(own, edges, color="0.6", label="same video")
    if unrelated:
        axes.hist(unrelated, edges, histtype="step", color="k", linestyle="--", label="unrelated videos")
    axes.yaxis.set_major_locator(MaxNLocator(integer=True))
    axes.xaxis.set_major_locator(MaxNLocator(5))
    # Room for the legend.
    axes.margins(y=0.2)
    axes.set(xlabel=f"{cosine}, mean over time", ylabel="videos", title="similarity")
    axes.legend(frameon=False, loc="upper left", ncols=2, fontsize="small")
    axes.grid(alpha=0.3)


def _plot_over_time(axes: Axes, videos: Sequence[Video], cosine: str) -> None:
    middles = (np.arange(TIME_BINS) + 0.5) / TIME_BINS
    own = np.array([video.similarity.over_time for video in videos if video.similarity])
    unrelated = [video.unrelated.over_time for video in videos if video.unrelated]
    low, high = np.quantile(own, [0.1, 0.9], axis=0)
    axes.fill_between(middles, low, high, color="0.85", label="10 to 90 % of videos")
    axes.plot(middles, own.mean(axis=0), "k-", label="same video, mean")
    if unrelated:
        axes.plot(middles, np.mean(unrelated, axis=0), "k--", label="unrelated videos, mean")
    axes.set(
        xlabel="relative time (0 begin, 1 end)",
        ylabel=cosine,
        title="similarity over time",
        xlim=(0, 1),
    )
    axes.margins(y=0.25)
    axes.legend(frameon=False, loc="best")
    axes.grid(alpha=0.3)
