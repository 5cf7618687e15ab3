"""Commands that set one's own numbers beside the paper's."""

from __future__ import annotations

import argparse
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

from extractors.files import read_json, write_json, write_text
from img.commands.arguments import Commands, add_settings, read_settings
from img.config import RunOptions
from img.paper.recipes import Recipes, Scope, read_recipes
from img.paper.tables import Runs
from img.paper.transcription import Paper, read_paper

ACTIVITIES, IMPORTANCE = 8, 16
"""Numbers of the paper's tables that count activities and importance scores."""

PREDICTIONS = "predictions.parquet"


def add_commands(commands: Commands) -> None:
    """Adds this module's commands."""
    table = commands.add_parser("table", help="fill in a table of the paper from runs")
    table.add_argument("--number", required=True, type=int, help="of the paper's table")
    _add_paper(table)
    table.add_argument(
        "--measurements", type=Path, help="JSON of row -> column -> protocol -> values that no run holds"
    )
    table.add_argument("--out", required=True, type=Path, help="path without suffix: .md, .csv, .html follow")
    table.set_defaults(run=_table)

    claims = commands.add_parser("claims", help="put what the paper claims to the test on one's own runs")
    _add_paper(claims)
    claims.add_argument("--tables", required=True, nargs="+", type=int, help="those the claims rest on")
    claims.add_argument(
        "--out", required=True, type=Path, help="path without suffix: .md, .csv, .html follow"
    )
    claims.set_defaults(run=_claims)

    contents = commands.add_parser("list-contents", help="link all that was made of the paper on one page")
    _add_paper(contents)
    contents.add_argument("--files", required=True, nargs="+", type=Path, help="tables and figures")
    contents.add_argument("--out", required=True, type=Path, help=".md to write")
    contents.set_defaults(run=_list_contents)

    activities = commands.add_parser("count-activities", help="count the activities of Table 8")
    _add_paper(activities)
    activities.add_argument("--queries", required=True, type=Path, help="queries folder")
    activities.add_argument("--out", required=True, type=Path, help="JSON to write")
    activities.set_defaults(run=_count_activities)

    cost = commands.add_parser("count-cost", help="count the parameters and operations of Table 12")
    add_settings(cost, "options")
    cost.add_argument("--out", required=True, type=Path, help="JSON to write")
    cost.set_defaults(run=_count_cost)

    curves = commands.add_parser("plot-curves", help="plot a figure of metrics against a setting")
    curves.add_argument("--figure", required=True, help="its name in the recipes")
    _add_paper(curves)
    curves.add_argument("--out", required=True, type=Path, help=".png or .svg")
    curves.set_defaults(run=_plot_curves)

    ratios = commands.add_parser("plot-ratios", help="plot recall by the moment's share of its video")
    ratios.add_argument("--figure", required=True, help="its name in the recipes")
    _add_paper(ratios)
    ratios.add_argument("--queries", required=True, type=Path, help="queries folder")
    ratios.add_argument("--out", required=True, type=Path, help=".png or .svg")
    ratios.set_defaults(run=_plot_ratios)

    durations = commands.add_parser("plot-durations", help="plot how long moments are, split by split")
    _add_paper(durations)
    durations.add_argument("--queries", required=True, type=Path, help="queries folder")
    durations.add_argument("--out", required=True, type=Path, help=".png or .svg")
    durations.set_defaults(run=_plot_durations)

    importance = commands.add_parser("count-importance", help="count the importance scores of Table 16")
    _add_paper(importance)
    importance.add_argument("--out", required=True, type=Path, help="JSON to write")
    importance.set_defaults(run=_count_importance)


def _add_paper(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--paper", required=True, type=Path, help="config/paper.yaml")
    parser.add_argument("--recipes", required=True, type=Path, help="config/tables.yaml")
    parser.add_argument("--scope", required=True, help="JSON: what stands for the paper's datasets")
    parser.add_argument("--runs", nargs="*", default=[], type=Path, help="folders of the runs at hand")


def _read_paper(options: argparse.Namespace) -> tuple[Paper, Recipes, Scope]:
    paper = read_paper(options.paper)
    return paper, read_recipes(options.recipes, paper), read_settings(Scope, options.scope, "scope")


def _sort_folders(folders: Sequence[Path]) -> dict[tuple[str, str], list[Path]]:
    """Sorts run folders by (dataset, variant)."""
    found = defaultdict(list)
    for folder in folders:
        metrics = read_json(folder / "metrics.json")
        found[metrics["dataset"], metrics["variant"]].append(folder)
    return found


def _read_metrics(folders: Sequence[Path]) -> Runs:
    return {
        pair: [read_json(folder / "metrics.json") for folder in found]
        for pair, found in _sort_folders(folders).items()
    }


def _table(options: argparse.Namespace) -> None:
    from img.page import write_page
    from img.paper.layout import lay_out_table
    from img.paper.tables import build_table

    paper, recipes, scope = _read_paper(options)
    runs = _read_metrics(options.runs)
    measurements = read_json(options.measurements) if options.measurements else {}
    table = build_table(options.number, paper, recipes, scope, runs, measurements)
    write_page(lay_out_table(table, scope), options.out)


def _claims(options: argparse.Namespace) -> None:
    import pandas as pd

    from img.page import write_page
    from img.paper.claims import try_claims
    from img.paper.layout import lay_out_claims

    paper, recipes, scope = _read_paper(options)
    folders = _sort_folders(options.runs)

    def read_answers(dataset: str, variant: str) -> list[pd.DataFrame]:
        return [pd.read_parquet(folder / PREDICTIONS) for folder in folders[dataset, variant]]

    trials = list(try_claims(paper, recipes, scope, options.tables, read_answers))
    write_page(lay_out_claims(trials, scope), options.out)


def _list_contents(options: argparse.Namespace) -> None:
    from img.paper.contents import list_contents

    write_text(options.out, list_contents(*_read_paper(options), options.files, options.out))


def _count_activities(options: argparse.Namespace) -> None:
    from img.paper.measurements import count_activities
    from img.queries import read_queries_table

    paper, recipes, scope = _read_paper(options)
    queries = read_queries_table(options.queries)
    table, splits = paper.tables[ACTIVITIES], scope.stand_ins["charades"]
    write_json(options.out, count_activities(queries, table, recipes.activities, splits))


def _count_cost(options: argparse.Namespace) -> None:
    from img.cost import Size, compare_with_paper, count_cost
    from img.paper.measurements import measure_cost

    model = read_settings(RunOptions, options.options, "options").model
    costs = compare_with_paper(count_cost(model, Size(clips=model.max_clips)))
    write_json(options.out, measure_cost(costs))


def _count_importance(options: argparse.Namespace) -> None:
    import pandas as pd

    from img.paper.measurements import count_importance

    paper, _, scope = _read_paper(options)
    runs = [pd.read_parquet(folder / PREDICTIONS) for folder in options.runs]
    split = scope.stand_ins["charades"].splits["test"]
    write_json(options.out, count_importance(runs, paper.tables[IMPORTANCE], split))


def _plot_curves(options: argparse.Namespace) -> None:
    from img.figures.curves import plot_curves

    _, recipes, scope = _read_paper(options)
    plot_curves(recipes.figures[options.figure], scope, _read_metrics(options.runs), options.out)


def _plot_ratios(options: argparse.Namespace) -> None:
    import pandas as pd

    from img.figures.ratios import plot_ratios
    from img.paper.claims import first_answers
    from img.queries import read_queries_table

    _, recipes, scope = _read_paper(options)
    recipe = recipes.figures[options.figure]
    stand_in = scope.stand_ins[recipe.dataset]
    split = stand_in.splits[recipe.split]
    folders = _sort_folders(options.runs)
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
    from img.figures.durations import plot_durations
    from img.queries import read_queries_table

    _, _, scope = _read_paper(options)
    queries = read_queries_table(options.queries)
    valid = queries[queries["fault"] == ""]
    splits = {split: valid[valid["split"] == split] for split in scope.stand_ins["charades"].splits.values()}
    plot_durations(splits, scope.simulated, options.out)
