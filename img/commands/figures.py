"""Commands that plot the paper's figures from runs and annotations."""

from __future__ import annotations

import argparse
from pathlib import Path

from img.commands.arguments import Commands
from img.commands.paper_arguments import add_paper, read_metrics, read_paper_files, sort_folders
from img.runs.folder import PREDICTIONS


def add_commands(commands: Commands) -> None:
    """Adds this module's commands."""
    curves = commands.add_parser("plot-curves", help="plot a figure of metrics against a setting")
    curves.add_argument("--figure", required=True, help="its name in the recipes")
    add_paper(curves)
    curves.add_argument("--out", required=True, type=Path, help=".png or .svg")
    curves.set_defaults(run=_plot_curves)

    ratios = commands.add_parser("plot-ratios", help="plot recall by the moment's share of its video")
    ratios.add_argument("--figure", required=True, help="its name in the recipes")
    add_paper(ratios)
    ratios.add_argument("--queries", required=True, type=Path, help="queries folder")
    ratios.add_argument("--out", required=True, type=Path, help=".png or .svg")
    ratios.set_defaults(run=_plot_ratios)

    durations = commands.add_parser("plot-durations", help="plot how long moments are, split by split")
    add_paper(durations)
    durations.add_argument("--queries", required=True, type=Path, help="queries folder")
    durations.add_argument("--out", required=True, type=Path, help=".png or .svg")
    durations.set_defaults(run=_plot_durations)


def _plot_curves(options: argparse.Namespace) -> None:
    from img.paper.curves import plot_curves

    _, recipes, scope = read_paper_files(options)
    plot_curves(recipes.figures[options.figure], scope, read_metrics(options.runs), options.out)


def _plot_ratios(options: argparse.Namespace) -> None:
    import pandas as pd

    from img.data.text.queries import read_queries_table
    from img.reports.answers import first_answers
    from img.reports.figures.ratios import plot_ratios

    _, recipes, scope = read_paper_files(options)
    recipe = recipes.figures[options.figure]
    stand_in = scope.stand_ins[recipe.dataset]
    split = stand_in.splits[recipe.split]
    folders = sort_folders(options.runs)
    answers = {
        label: [
            first_answers(pd.read_parquet(folder / PREDICTIONS), split, "fusion", "last")
            for folder in folders[stand_in.dataset, variant]
        ]
        for label, variant in recipe.variants.items()
    }
    queries = read_queries_table(options.queries)
    chosen = queries[queries["split"] == split]
    plot_ratios(answers, chosen, recipe.quantities[0], scope.simulated, options.out)


def _plot_durations(options: argparse.Namespace) -> None:
    from img.data.text.queries import read_queries_table
    from img.reports.figures.moment_lengths import plot_durations

    _, _, scope = read_paper_files(options)
    queries = read_queries_table(options.queries)
    valid = queries[queries["fault"] == ""]
    splits = {split: valid[valid["split"] == split] for split in scope.stand_ins["charades"].splits.values()}
    plot_durations(splits, scope.simulated, options.out)
