"""Commands that gather and show what runs reached."""

from __future__ import annotations

import argparse
from pathlib import Path

from extractors.storage.files import read_json, write_json, write_text
from img.commands.arguments import Commands, add_settings, read_settings
from img.config.dataset import Dataset
from img.runs.folder import PREDICTIONS


def add_commands(commands: Commands) -> None:
    """Adds this module's commands."""
    summarise = commands.add_parser("summarise", help="gather runs' metrics into a dataset's")
    summarise.add_argument("--dataset", required=True)
    add_settings(summarise, "settings")
    summarise.add_argument("--runs", required=True, nargs="+", type=Path, help="metrics.json of each run")
    summarise.add_argument("--out", required=True, type=Path)
    summarise.set_defaults(run=_summarise)

    show = commands.add_parser("show", help="print a dataset's metrics as a table")
    show.add_argument("metrics", type=Path, help="results/{dataset}/metrics.json")
    show.set_defaults(run=_show)

    provenance = commands.add_parser("report-provenance", help="tell how a dataset's features were made")
    provenance.add_argument("--features", required=True, nargs="+", type=Path, help="feature folders")
    provenance.add_argument("--out", required=True, type=Path, help="path without suffix")
    provenance.set_defaults(run=_report_provenance)

    runtime = commands.add_parser("report-runtime", help="tell what each stage cost")
    runtime.add_argument("--logs", required=True, type=Path, help="folder of logs and benchmarks")
    runtime.add_argument("--dataset", required=True)
    runtime.add_argument("--out", required=True, type=Path, help="path without suffix")
    runtime.set_defaults(run=_report_runtime)

    pages = commands.add_parser("list-pages", help="link all that was made of a dataset on one page")
    pages.add_argument("--dataset", required=True)
    pages.add_argument("--files", required=True, nargs="+", type=Path, help="pages and pictures")
    pages.add_argument("--simulated", action="store_true", help="the dataset's data is made up")
    pages.add_argument("--out", required=True, type=Path, help=".md to write")
    pages.set_defaults(run=_list_pages)

    history = commands.add_parser("plot-history", help="plot a run's losses and recalls over epochs")
    history.add_argument("--history", required=True, type=Path)
    history.add_argument("--title", required=True)
    history.add_argument("--out", required=True, type=Path, help=".png or .svg")
    history.set_defaults(run=_plot_history)

    compare = commands.add_parser("compare", help="compare two systems' runs on the queries both answered")
    for side in ("first", "second"):
        compare.add_argument(
            side,
            help=f"the {side} system: a run's folder, several separated by commas, or a variant's folder "
            "with all its seeds",
        )
    compare.add_argument("--split", default="test", help="whose queries (default: test)")
    compare.add_argument(
        "--metric", default="R1@0.7", help="R1@0.3, R1@0.5, R1@0.7 or mIoU (default: R1@0.7)"
    )
    compare.add_argument("--branch", default="auto", help="whose answers (default: auto)")
    compare.add_argument("--protocol", help="whose weights (default: last, or the first that every run has)")
    compare.set_defaults(run=_compare)

    predictions = commands.add_parser("export-predictions", help="write a run's predictions as CSV")
    predictions.add_argument("folder", type=Path, metavar="RUN", help="the run's folder")
    predictions.add_argument(
        "--out", type=Path, help="the file to write (default: predictions.csv in the run's folder)"
    )
    predictions.set_defaults(run=_export_predictions)


def _summarise(options: argparse.Namespace) -> None:
    from img.runs.summary import summarise

    runs = [read_json(path) for path in options.runs]
    settings = read_settings(Dataset, options.settings, "settings").model_dump(mode="json")
    write_json(options.out, summarise(options.dataset, settings, runs))


def _show(options: argparse.Namespace) -> None:
    from img.runs.summary import format_table

    print(format_table(read_json(options.metrics)))


def _compare(options: argparse.Namespace) -> None:
    from img.reports.run_comparison import Question, compare_runs, find_runs

    question = Question(options.split, options.metric, options.branch, options.protocol)
    print(compare_runs(find_runs(options.first), find_runs(options.second), question))


def _export_predictions(options: argparse.Namespace) -> None:
    from img.reports.answers import write_csv

    write_csv(options.folder, options.out or (options.folder / PREDICTIONS).with_suffix(".csv"))


def _list_pages(options: argparse.Namespace) -> None:
    from img.reports.contents import list_pages

    write_text(options.out, list_pages(options.dataset, options.simulated, options.files, options.out))


def _plot_history(options: argparse.Namespace) -> None:
    from img.reports.figures.history import plot_history

    plot_history(options.history, options.title, options.out)


def _report_provenance(options: argparse.Namespace) -> None:
    from img.reports.page import write_page
    from img.reports.provenance import survey_features

    write_page(survey_features({folder.name: folder for folder in options.features}), options.out)


def _report_runtime(options: argparse.Namespace) -> None:
    from img.reports.page import write_page
    from img.reports.runtime import survey_runtime

    write_page(survey_runtime(options.logs, options.dataset), options.out)
