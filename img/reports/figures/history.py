"""The course of one training run."""

from __future__ import annotations

from pathlib import Path

import matplotlib.pyplot as plt
import pandas as pd

from img.reports.figures.style import BRANCH_STYLES, finish_axes, plain, save_figure


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
    present = {branch: style for branch, style in BRANCH_STYLES.items() if f"loss_{branch}" in table}
    for branch, style in present.items():
        losses.plot(epochs, table[f"loss_{branch}"], style, color="0.4", label=f"retrieval, {branch}")
        recalls.plot(epochs, table[f"{branch}_R1@0.5"], style, color="k", label=branch)
    phased = [name for name in map(str, table.columns) if name.startswith("ramp_")]
    for name, style in zip(phased, BRANCH_STYLES.values(), strict=False):
        ramps.plot(epochs, table[name], style, color="k", label=name.removeprefix("ramp_"))
    finish_axes(losses, xlabel="epoch", ylabel="training loss", yscale="log")
    finish_axes(ramps, xlabel="epoch", ylabel="phased in (0 to 1)", ylim=(-0.03, 1.03))
    finish_axes(recalls, xlabel="epoch", ylabel="R1@0.5 on the selection split (%)", ylim=(0, 100))
    for axes in (losses, ramps, recalls):
        if axes.lines:
            axes.legend(frameon=False)
    figure.suptitle(plain(title))
    save_figure(figure, out)
