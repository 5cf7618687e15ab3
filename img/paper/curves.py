"""Metrics against a setting that several variants step through (Figures 4 and 11 of the paper)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt

from img.config.protocols import LAST
from img.paper.recipes import FigureRecipe, Scope
from img.paper.tables import Estimate, Runs
from img.reports.figures.style import LINES, finish_axes, mark_simulated, plain, save_figure

IMPORTANCE = "importance"
PROTOCOL = LAST
"""Figures show what was not chosen on test."""


def plot_curves(recipe: FigureRecipe, scope: Scope, runs: Runs, out: Path) -> None:
    """Plots mean and standard deviation over seeds, a panel for each quantity.

    Args:
        recipe: what to plot.
        scope: what stands for the paper's datasets.
        runs: metrics of the runs at hand; a point without runs is left out.
        out: .png or .svg to write.
    """
    stand_in = scope.stand_ins[recipe.dataset]
    split = stand_in.splits[recipe.split]
    count = len(recipe.quantities)
    figure, panels = plt.subplots(1, count, figsize=(4.2 * count, 3.6), layout="constrained", squeeze=False)
    for axes, quantity in zip(panels[0], recipe.quantities, strict=True):
        for curve, style in zip(recipe.curves, LINES, strict=False):
            points = [
                (x, _estimate(runs.get((stand_in.dataset, variant), []), split, quantity))
                for x, variant in sorted(curve.points.items())
            ]
            drawn = [(x, estimate) for x, estimate in points if estimate is not None]
            if drawn:
                axes.errorbar(
                    [x for x, _ in drawn],
                    [estimate.mean for _, estimate in drawn],
                    [estimate.deviation or 0.0 for _, estimate in drawn],
                    label=plain(curve.label),
                    capsize=3,
                    **style,
                )
        label = "mean importance of the sound" if quantity == IMPORTANCE else f"{quantity} (%)"
        finish_axes(axes, xlabel=plain(recipe.axis), ylabel=label)
    handles, labels = panels[0][0].get_legend_handles_labels()
    if len(labels) > 1:
        panels[0][0].legend(handles, labels, frameon=False)
    figure.suptitle(f"{stand_in.dataset}, {split}, protocol {PROTOCOL}{mark_simulated(scope.simulated)}")
    save_figure(figure, out)


def _estimate(runs: Sequence[Mapping[str, Any]], split: str, quantity: str) -> Estimate | None:
    if quantity == IMPORTANCE:
        values = [run["mean_importance"][PROTOCOL][split] for run in runs]
    else:
        values = [next(iter(run["protocols"][PROTOCOL][split].values()))[quantity] for run in runs]
    known = [value for value in values if value is not None]
    return Estimate.of(known) if known else None
