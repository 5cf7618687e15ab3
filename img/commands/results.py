"""Commands that gather and show what runs reached."""

from __future__ import annotations

import argparse
from pathlib import Path

from extractors.storage.files import read_json, write_json
from img.commands.arguments import Commands, add_settings, read_settings
from img.config.dataset import Dataset


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

    history = commands.add_parser("plot-history", help="plot a run's losses and recalls over epochs")
    history.add_argument("--history", required=True, type=Path)
    history.add_argument("--title", required=True)
    history.add_argument("--out", required=True, type=Path, help=".png or .svg")
    history.set_defaults(run=_plot_history)


def _summarise(options: argparse.Namespace) -> None:
    from img.runs.summary import summarise

    runs = [read_json(path) for path in options.runs]
    settings = read_settings(Dataset, options.settings, "settings").model_dump(mode="json")
    write_json(options.out, summarise(options.dataset, settings, runs))


def _show(options: argparse.Namespace) -> None:
    from img.runs.summary import format_table

    print(format_table(read_json(options.metrics)))


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
