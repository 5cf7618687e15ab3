"""The course of one training run."""

from __future__ import annotations

from pathlib import Path

import matplotlib.pyplot as plt
import pandas as pd

from img.models.protocol import AUTO
from img.reports.figures.style import finish_axes, plain, save_figure, style_branch

_RECALL, _RAMP = "_R1@0.5", "ramp_"


def plot_history(history: Path, title: str, out: Path) -> None:
    """Plots a run's losses, what is phased in, and its branches' R1@0.5 over epochs.

    Args:
        history: the run's history.csv.
        title: of the plot.
        out: .png or .svg to write.
    """
    table = pd.read_csv(history)
    epochs = table["epoch"]
    figure, (losses, ramps, recalls) = plt.subplots(
        1, 3, figsize=(13, 3.6), layout="constrained", width_ratios=[3, 2, 3]
    )
    losses.plot(epochs, table["loss_total"], "k-", label="total")
    columns = list(map(str, table.columns))
    branches = [name.removesuffix(_RECALL) for name in columns if name.endswith(_RECALL)]
    branches = [branch for branch in branches if branch != AUTO]
    for branch in branches:
        style = style_branch(branches, branch)
        if f"loss_{branch}" in table:
            losses.plot(epochs, table[f"loss_{branch}"], label=f"retrieval, {branch}", **style)
        recalls.plot(epochs, table[f"{branch}{_RECALL}"], label=branch, **style)
    phased = [name for name in columns if name.startswith(_RAMP)]
    for name in phased:
        ramps.plot(epochs, table[name], label=name.removeprefix(_RAMP), **style_branch(phased, name))
    finish_axes(losses, xlabel="epoch", ylabel="training loss", yscale="log")
    finish_axes(ramps, xlabel="epoch", ylabel="phased in (0 to 1)", ylim=(-0.03, 1.03))
    finish_axes(recalls, xlabel="epoch", ylabel="R1@0.5 on the selection split (%)", ylim=(0, 100))
    for axes in (losses, ramps, recalls):
        if axes.lines:
            axes.legend(frameon=False)
    figure.suptitle(plain(title))
    save_figure(figure, out)
