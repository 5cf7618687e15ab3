"""Plots of results."""

from __future__ import annotations

from pathlib import Path

import matplotlib.pyplot as plt
import pandas as pd

from extractors.files import replacing

_BRANCHES = {"fusion": "-", "visual": "--", "audio": ":"}


def plot_history(history: Path, title: str, out: Path) -> None:
    """Plots a run's losses and its branches' R1@0.5 over epochs, readable in greyscale.

    Args:
        history: the run's history.csv.
        title: of the plot.
        out: .png or .svg to write.
    """
    table = pd.read_csv(history)
    figure, (losses, recalls) = plt.subplots(1, 2, figsize=(10, 3.6), layout="constrained")
    losses.plot(table["epoch"], table["loss_total"], "k-", label="total")
    present = {branch: style for branch, style in _BRANCHES.items() if f"loss_{branch}" in table}
    for branch, style in present.items():
        losses.plot(table["epoch"], table[f"loss_{branch}"], style, color="0.4", label=f"retrieval, {branch}")
        recalls.plot(table["epoch"], table[f"{branch}_R1@0.5"], style, color="k", label=branch)
    losses.set(xlabel="epoch", ylabel="training loss", yscale="log")
    recalls.set(xlabel="epoch", ylabel="R1@0.5 on the selection split (%)", ylim=(0, 100))
    for axes in (losses, recalls):
        axes.grid(alpha=0.3)
        axes.legend(frameon=False)
    figure.suptitle(title)
    with replacing(out) as temporary:
        figure.savefig(temporary, format=out.suffix[1:], dpi=120)
    plt.close(figure)
