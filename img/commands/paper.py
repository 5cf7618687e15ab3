"""Commands that set one's own numbers beside the paper's."""

from __future__ import annotations

import argparse
from collections import defaultdict
from pathlib import Path

from extractors.files import read_json, write_json
from img.commands.arguments import Commands, read_settings
from img.paper.recipes import Recipes, Scope, read_recipes
from img.paper.transcription import Paper, read_paper

ACTIVITIES, IMPORTANCE = 8, 16
"""Numbers of the paper's tables that count activities and importance scores."""


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

    activities = commands.add_parser("count-activities", help="count the activities of Table 8")
    _add_paper(activities)
    activities.add_argument("--queries", required=True, type=Path, help="queries folder")
    activities.add_argument("--out", required=True, type=Path, help="JSON to write")
    activities.set_defaults(run=_count_activities)

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


def _table(options: argparse.Namespace) -> None:
    from img.paper.layout import lay_out_table
    from img.paper.page import write_page
    from img.paper.tables import build_table

    paper, recipes, scope = _read_paper(options)
    runs = defaultdict(list)
    for folder in options.runs:
        metrics = read_json(folder / "metrics.json")
        runs[metrics["dataset"], metrics["variant"]].append(metrics)
    measurements = read_json(options.measurements) if options.measurements else {}
    table = build_table(options.number, paper, recipes, scope, runs, measurements)
    write_page(lay_out_table(table, scope), options.out)


def _claims(options: argparse.Namespace) -> None:
    import pandas as pd

    from img.paper.claims import try_claims
    from img.paper.layout import lay_out_claims
    from img.paper.page import write_page

    paper, recipes, scope = _read_paper(options)
    folders = defaultdict(list)
    for folder in options.runs:
        metrics = read_json(folder / "metrics.json")
        folders[metrics["dataset"], metrics["variant"]].append(folder)

    def read_answers(dataset: str, variant: str) -> list[pd.DataFrame]:
        return [pd.read_parquet(folder / "predictions.parquet") for folder in folders[dataset, variant]]

    trials = list(try_claims(paper, recipes, scope, options.tables, read_answers))
    write_page(lay_out_claims(trials, scope), options.out)


def _count_activities(options: argparse.Namespace) -> None:
    from img.paper.measurements import count_activities
    from img.queries import read_queries_table

    paper, recipes, scope = _read_paper(options)
    queries = read_queries_table(options.queries)
    table, splits = paper.tables[ACTIVITIES], scope.stand_ins["charades"]
    write_json(options.out, count_activities(queries, table, recipes.activities, splits))


def _count_importance(options: argparse.Namespace) -> None:
    import pandas as pd

    from img.paper.measurements import count_importance

    paper, _, scope = _read_paper(options)
    runs = [pd.read_parquet(folder / "predictions.parquet") for folder in options.runs]
    split = scope.stand_ins["charades"].splits["test"]
    write_json(options.out, count_importance(runs, paper.tables[IMPORTANCE], split))
