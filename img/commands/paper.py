"""Commands that set one's own numbers beside the paper's."""

from __future__ import annotations

import argparse
import functools
from dataclasses import replace
from pathlib import Path

from extractors.storage.files import read_json, write_json, write_text
from img.commands.arguments import Commands, add_settings, read_settings
from img.commands.paper_arguments import add_paper, read_metrics, read_paper_files, sort_folders
from img.config.runs import RunOptions
from img.runs.folder import PREDICTIONS

ACTIVITIES, IMPORTANCE = 8, 16
"""Numbers of the paper's tables that count activities and importance scores."""


def add_commands(commands: Commands) -> None:
    """Adds this module's commands."""
    table = commands.add_parser("table", help="fill in a table of the paper from runs")
    table.add_argument("--number", required=True, type=int, help="of the paper's table")
    add_paper(table)
    table.add_argument(
        "--measurements", type=Path, help="JSON of row -> column -> protocol -> values that no run holds"
    )
    table.add_argument("--out", required=True, type=Path, help="path without suffix: .md, .csv, .html follow")
    table.set_defaults(run=_table)

    claims = commands.add_parser("claims", help="put what the paper claims to the test on one's own runs")
    add_paper(claims)
    claims.add_argument("--tables", required=True, nargs="+", type=int, help="those the claims rest on")
    claims.add_argument(
        "--out", required=True, type=Path, help="path without suffix: .md, .csv, .html follow"
    )
    claims.set_defaults(run=_claims)

    contents = commands.add_parser("list-contents", help="link all that was made of the paper on one page")
    add_paper(contents)
    contents.add_argument("--files", required=True, nargs="+", type=Path, help="tables and figures")
    contents.add_argument("--out", required=True, type=Path, help=".md to write")
    contents.set_defaults(run=_list_contents)

    activities = commands.add_parser("count-activities", help="count the activities of Table 8")
    add_paper(activities)
    activities.add_argument("--queries", required=True, type=Path, help="queries folder")
    activities.add_argument("--out", required=True, type=Path, help="JSON to write")
    activities.set_defaults(run=_count_activities)

    cost = commands.add_parser("count-cost", help="count the parameters and operations of Table 12")
    add_settings(cost, "options")
    cost.add_argument("--checkpoint", type=Path, help="of a run, for the widths it was made for")
    cost.add_argument("--out", required=True, type=Path, help="JSON to write")
    cost.set_defaults(run=_count_cost)

    importance = commands.add_parser("count-importance", help="count the importance scores of Table 16")
    add_paper(importance)
    importance.add_argument("--out", required=True, type=Path, help="JSON to write")
    importance.set_defaults(run=_count_importance)


def _table(options: argparse.Namespace) -> None:
    from img.paper.layout import lay_out_table
    from img.paper.tables import build_table
    from img.reports.page import write_page

    paper, recipes, scope = read_paper_files(options)
    runs = read_metrics(options.runs)
    measurements = read_json(options.measurements) if options.measurements else {}
    table = build_table(options.number, paper, recipes, scope, runs, measurements)
    write_page(lay_out_table(table, scope), options.out)


def _claims(options: argparse.Namespace) -> None:
    import pandas as pd

    from img.paper.claims import try_claims
    from img.paper.layout import lay_out_claims
    from img.reports.page import write_page

    paper, recipes, scope = read_paper_files(options)
    folders = sort_folders(options.runs)

    # Many claims are about the same runs; of the answers only the first count.
    @functools.cache
    def read_answers(dataset: str, variant: str) -> list[pd.DataFrame]:
        first = [("rank", "==", 1)]
        return [pd.read_parquet(folder / PREDICTIONS, filters=first) for folder in folders[dataset, variant]]

    trials = list(try_claims(paper, recipes, scope, options.tables, read_answers))
    write_page(lay_out_claims(trials, scope), options.out)


def _list_contents(options: argparse.Namespace) -> None:
    from img.paper.contents import list_contents

    write_text(options.out, list_contents(*read_paper_files(options), options.files, options.out))


def _count_activities(options: argparse.Namespace) -> None:
    from img.data.text.queries import read_queries_table
    from img.paper.measurements import count_activities

    paper, recipes, scope = read_paper_files(options)
    queries = read_queries_table(options.queries)
    table, splits = paper.tables[ACTIVITIES], scope.stand_ins["charades"]
    write_json(options.out, count_activities(queries, table, recipes.activities, splits))


def _count_cost(options: argparse.Namespace) -> None:
    from img.commands.cost import SIZES
    from img.models.checkpoint import read_sizes
    from img.paper.measurements import measure_cost, sum_parts
    from img.runs.cost import Question, count_cost

    model = read_settings(RunOptions, options.options, "options").model
    # Vectors are frozen and not counted: one word stands for all.
    sizes = read_sizes(options.checkpoint) if options.checkpoint else SIZES
    sizes = replace(sizes, words=0 if sizes.query_width else 1)
    write_json(options.out, measure_cost(sum_parts(count_cost(model, sizes, Question(model.max_clips)))))


def _count_importance(options: argparse.Namespace) -> None:
    import pandas as pd

    from img.paper.measurements import count_importance

    paper, _, scope = read_paper_files(options)
    runs = [pd.read_parquet(folder / PREDICTIONS) for folder in options.runs]
    split = scope.stand_ins["charades"].splits["test"]
    write_json(options.out, count_importance(runs, paper.tables[IMPORTANCE], split))
