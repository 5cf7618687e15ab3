"""Arguments that the commands about the paper share."""

from __future__ import annotations

import argparse
from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, TypeVar

from extractors.storage.files import read_json
from img.commands.arguments import read_settings
from img.paper.recipes import Recipes, Scope, read_recipes
from img.paper.tables import Runs
from img.paper.transcription import Paper, read_paper
from img.runs.folder import METRICS

Kept = TypeVar("Kept")


def add_paper(parser: argparse.ArgumentParser) -> None:
    """Adds the paper's numbers, the recipes, what stands for its datasets, and runs."""
    parser.add_argument("--paper", required=True, type=Path, help="config/papers/img/paper.yaml")
    parser.add_argument("--recipes", required=True, type=Path, help="config/papers/img/tables.yaml")
    parser.add_argument("--scope", required=True, help="JSON: what stands for the paper's datasets")
    parser.add_argument("--runs", nargs="*", default=[], type=Path, help="folders of the runs at hand")


def read_paper_files(options: argparse.Namespace) -> tuple[Paper, Recipes, Scope]:
    """Reads and checks what `add_paper` added but the runs.

    Raises:
        ValueError: naming the file and key at fault.
    """
    paper = read_paper(options.paper)
    return paper, read_recipes(options.recipes, paper), read_settings(Scope, options.scope, "scope")


def sort_folders(folders: Sequence[Path]) -> dict[tuple[str, str], list[Path]]:
    """Sorts run folders by (dataset, variant)."""
    return _sort((_read_run(folder), folder) for folder in folders)


def read_metrics(folders: Sequence[Path]) -> Runs:
    """Reads the metrics of runs, by (dataset, variant)."""
    return _sort((run, run) for run in map(_read_run, folders))


def _read_run(folder: Path) -> dict[str, Any]:
    return read_json(folder / METRICS)


def _sort(runs: Iterable[tuple[dict[str, Any], Kept]]) -> dict[tuple[str, str], list[Kept]]:
    found = defaultdict(list)
    for metrics, kept in runs:
        found[metrics["dataset"], metrics["variant"]].append(kept)
    return found
