"""Commands that show what a model makes of single queries."""

from __future__ import annotations

import argparse
from pathlib import Path

from img.commands.arguments import Commands, add_query_features
from img.config.protocols import choose_protocol
from img.runs.folder import PREDICTIONS


def add_commands(commands: Commands) -> None:
    """Adds this module's commands."""
    select = commands.add_parser(
        "select-queries", help="choose queries to look at: given ones, best and worst"
    )
    _add_run(select)
    select.add_argument("--queries", nargs="*", default=[], help="ids of queries to take in any case")
    select.add_argument(
        "--best", type=int, default=1, help="how many where the sound helped most (default: 1)"
    )
    select.add_argument("--worst", type=int, default=1, help="how many where it hurt most (default: 1)")
    select.add_argument("--out", required=True, type=Path, help="table to write")
    select.set_defaults(run=_select)

    plot = commands.add_parser("plot-timelines", help="plot chosen queries along their video's time")
    _add_run(plot)
    plot.add_argument("--selected", required=True, type=Path, help="what select-queries wrote")
    plot.add_argument("--previews", required=True, type=Path, help="what `extractors preview` wrote")
    plot.add_argument("--queries", required=True, type=Path, help="queries folder")
    plot.add_argument("--inputs", required=True, type=Path, help="inputs folder")
    add_query_features(plot)
    plot.add_argument("--title", required=True)
    plot.add_argument("--simulated", nargs="*", default=[], help="datasets of made-up data")
    plot.add_argument("--out", required=True, type=Path, help=".png or .svg")
    plot.set_defaults(run=_plot)


def _add_run(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--run", dest="folder", required=True, type=Path, help="the run's folder")
    parser.add_argument("--split", required=True, help="whose queries")


def _select(options: argparse.Namespace) -> None:
    import pandas as pd

    from extractors.storage.files import write_text
    from img.reports.timelines import select_queries

    predictions = pd.read_parquet(options.folder / PREDICTIONS)
    protocol = choose_protocol(list(predictions["protocol"].unique()))
    selected = select_queries(
        predictions, options.split, protocol, options.queries, options.best, options.worst
    )
    write_text(options.out, selected.to_csv(sep="\t", index=False))


def _plot(options: argparse.Namespace) -> None:
    import pandas as pd

    from extractors.media.preview import load_previews
    from img.data.clips.inputs import Inputs
    from img.data.samples import Moments
    from img.reports.figures.timeline_plot import plot_timelines
    from img.reports.timelines import trace_queries
    from img.runs.opening import open_run

    run = open_run(options.folder)
    questions = run.read_queries(options.queries, options.query_features)
    inputs = Inputs.load(options.inputs)
    run.check_inputs(inputs, questions.text)
    sound = run.options.training.sound
    moments = Moments(questions.table, options.split, inputs, questions.text, sound)
    selected = pd.read_csv(options.selected, sep="\t", dtype=str)
    system = run.load(choose_protocol(run.protocols), questions.further)
    reasons = dict(zip(selected["query"], selected["reason"], strict=True))
    timelines = trace_queries(system, moments, reasons)
    plot_timelines(timelines, load_previews(options.previews), options.title, options.simulated, options.out)
