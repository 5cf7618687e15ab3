"""How long moments are, split by split (Figure 9 of the paper)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from img.reports.figures.style import LINES, finish_axes, mark_simulated, save_figure

STEPS = 10


def share_by_duration(queries: pd.DataFrame) -> np.ndarray:
    """Returns the share of queries, in percent, whose moment takes up each tenth of its video [STEPS]."""
    ratio = ((queries["end"] - queries["start"]) / queries["duration"]).clip(0, 1)
    counts, _ = np.histogram(ratio, bins=STEPS, range=(0, 1))
    return 100.0 * counts / len(queries)


def plot_durations(splits: Mapping[str, pd.DataFrame], simulated: Sequence[str], out: Path) -> None:
    """Plots the distribution of normalised moment durations of several splits.

    Args:
        splits: label -> its queries (duration, start, end).
        simulated: datasets of made-up data.
        out: .png or .svg to write.
    """
    figure, axes = plt.subplots(figsize=(6, 3.6), layout="constrained")
    centres = (np.arange(STEPS) + 0.5) * 100 / STEPS
    for (label, queries), style in zip(splits.items(), LINES, strict=False):
        axes.plot(centres, share_by_duration(queries), label=f"{label} ({len(queries)} queries)", **style)
    finish_axes(axes, xlabel="moment's share of its video (%)", ylabel="queries (%)", xlim=(0, 100))
    axes.legend(frameon=False)
    axes.set_title(f"Durations of moments{mark_simulated(simulated)}", fontsize="medium")
    save_figure(figure, out)
