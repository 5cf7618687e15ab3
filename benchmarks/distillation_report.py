"""Tables and figure of the grid that `python -m benchmarks.distillation` trained; see `--help`."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from benchmarks.distillation import ANSWERS, GROUPS, RUNS, Cell, choose_group
from benchmarks.report import print_table
from img.reports.bootstrap import Comparison, compare
from img.reports.figures.style import LINES, finish_axes, save_figure

METRIC = "R1@0.5"
BRANCHES = ("fusion", "visual")


def average(runs: pd.DataFrame, column: str) -> str:
    """Writes mean and standard deviation over seeds."""
    values = runs[column]
    deviation = f" ± {values.std():.1f}" if len(values) > 1 else ""
    return f"{values.mean():.1f}{deviation}"


def tabulate(runs: pd.DataFrame) -> list[list[str]]:
    """Returns a row for each length, share and weight."""
    rows = []
    for _, cell in runs.groupby(["steps", "share", "weight"]):
        steps, share, weight = cell[["steps", "share", "weight"]].iloc[0]
        scores = [average(cell, f"{branch}_{group}_{METRIC}") for branch in BRANCHES for group in GROUPS]
        part = weight * (cell["loss_distillation_visual"] + cell["loss_distillation_audio"])
        of_loss = f"{100 * (part / cell['loss_total']).mean():.0f} %"
        rows.append([f"{steps:g}", f"{share:.0%}", f"{weight:g}", *scores, of_loss, f"{len(cell)}"])
    return rows


def read_answers(folder: Path, cells: Sequence[Cell], branch: str, group: str) -> list[pd.DataFrame]:
    """Reads the first answers of a branch to a group of queries, a table for each run."""
    tables = (pd.read_parquet(folder / ANSWERS / f"{cell.name}.parquet") for cell in cells)
    return [choose_group(table[table["branch"] == branch], group) for table in tables]


def tabulate_gains(folder: Path, runs: pd.DataFrame) -> list[list[str]]:
    """Returns how far each weight is above none, a row for each length, share and weight.

    Only seeds that both were trained with are compared: seeds differ by more than some weights do.
    """
    rows = []
    for (steps, share), cells in runs.groupby(["steps", "share"]):
        for weight in sorted(set(cells["weight"]) - {0.0}):
            with_it, without = (cells[cells["weight"] == value] for value in (weight, 0.0))
            shared = sorted(set(with_it["seed"]) & set(without["seed"]))
            if shared:
                better, worse = (_cells(table[table["seed"].isin(shared)]) for table in (with_it, without))
                gains = [
                    _write(_compare(folder, better, worse, branch, group))
                    for branch in BRANCHES
                    for group in GROUPS
                ]
                rows.append([f"{steps:g}", f"{share:.0%}", f"{weight:g}", *gains, f"{len(shared)}"])
    return rows


def _compare(
    folder: Path, better: Sequence[Cell], worse: Sequence[Cell], branch: str, group: str
) -> Comparison:
    first, second = (read_answers(folder, cells, branch, group) for cells in (better, worse))
    return compare(first, second, METRIC)


def _cells(runs: pd.DataFrame) -> list[Cell]:
    keys = runs[["share", "steps", "weight", "seed"]].itertuples(index=False)
    return [Cell(share, int(steps), weight, int(seed)) for share, steps, weight, seed in keys]


def _write(gain: Comparison) -> str:
    return f"{gain.difference:+.1f} [{gain.low:.1f}, {gain.high:.1f}]"


def plot(runs: pd.DataFrame, out: Path) -> None:
    """Plots recall over the weight: a panel for each branch and length, a line for each share."""
    lengths = sorted(runs["steps"].unique())
    weights = sorted(runs["weight"].unique())
    figure, panels = plt.subplots(
        len(BRANCHES),
        len(lengths),
        figsize=(3.6 * len(lengths), 5.6),
        sharex=True,
        sharey=True,
        squeeze=False,
        layout="constrained",
    )
    for (row, column), axes in np.ndenumerate(panels):
        branch, steps = BRANCHES[row], lengths[column]
        shown = runs[runs["steps"] == steps].groupby(["share", "weight"])[f"{branch}_all_{METRIC}"]
        table = shown.agg(["mean", "std"])
        for share, style in zip(sorted(runs["share"].unique(), reverse=True), LINES, strict=False):
            if share in table.index:
                of_share = table.loc[share].reindex(weights)
                axes.errorbar(
                    range(len(weights)), of_share["mean"], of_share["std"], label=f"{share:.0%}", **style
                )
        axes.set_xticks(range(len(weights)), [f"{weight:g}" for weight in weights])
        finish_axes(axes, title=f"{branch} branch, {steps} steps")
    panels[0, 0].legend(title="training queries", fontsize="small")
    figure.supxlabel("weight of the distillation")
    figure.supylabel(f"{METRIC} (%), all test queries (simulated data)")
    save_figure(figure, out)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="the OUT of `python -m benchmarks.distillation`")
    parser.add_argument("--figure", type=Path, help="a .png or .svg to draw")
    options = parser.parse_args()
    runs = pd.read_csv(options.folder / RUNS)
    scored = [f"{branch}, {group}" for branch in BRANCHES for group in GROUPS]
    print(f"{METRIC} in percent, mean ± standard deviation over seeds\n")
    print_table(
        ["steps", "queries", "weight", *scored, "distillation in the last loss", "seeds"], tabulate(runs)
    )
    print("\nAbove no distillation, points [95 % interval over videos, and seeds where there are several]\n")
    print_table(["steps", "queries", "weight", *scored, "seeds"], tabulate_gains(options.folder, runs))
    if options.figure:
        plot(runs, options.figure)


if __name__ == "__main__":
    main()
