"""Small data, short training, or the weight of the distillation? Trains the grid of them; see `--help`.

Every combination of a share of the training queries, a number of training steps and a weight of the
distillation is trained for every seed, several side by side, and its final weights answer the test queries.
Each run that ends adds a row to OUT/runs.csv and its first answers to OUT/answers/; one that has its row is
not trained again.
`python -m benchmarks.distillation_report OUT` makes the tables and the figure.

A length is a number of steps, not of epochs: so a tenth of the queries, seen ten times as often, gets as much
training as all of them. What is phased in takes the share of the epochs that it takes in the demo.
"""

from __future__ import annotations

import argparse
import csv
import functools
import itertools
import multiprocessing
import sys
import time
from collections.abc import Iterable
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import torch

from extractors.storage.files import read_json, replacing
from extractors.storage.store import Store
from img.config.base import check
from img.config.protocols import LAST
from img.config.runs import InferenceOptions, RunOptions
from img.data.clips.inputs import Inputs
from img.data.collation import read_text
from img.data.samples import Moments
from img.data.text.queries import read_queries_table
from img.data.text.vocabulary import VOCABULARY
from img.runs.making import RunData, make_run
from img.runs.opening import open_run
from img.runs.prediction import predict
from img.tasks.metrics import summarise_iou

RUNS, ANSWERS = "runs.csv", "answers"
MODEL = {"width": 32, "heads": 4, "dropout": 0.1}
BATCH_SIZE, LEARNING_RATE = 128, 0.002
# The demo phases in the importance over 10 of its 60 epochs and the distillation over 20.
IMPORTANCE_RAMP, DISTILLATION_RAMP = 1 / 6, 1 / 3
GROUPS = ("all", "audible", "others")
"""Test queries: all of them, those that AudioMatter holds, and the rest."""


@dataclass(frozen=True)
class Cell:
    """One run of the grid.

    Attributes:
        share: of the training queries.
        steps: of training, as nearly as whole epochs allow.
        weight: of the distillation.
        seed: of the training.
    """

    share: float
    steps: int
    weight: float
    seed: int

    @property
    def name(self) -> str:
        """Names the run's files."""
        return f"share{self.share:g}_steps{self.steps}_weight{self.weight:g}_seed{self.seed}"


@dataclass(frozen=True)
class Setup:
    """Where a run reads and writes.

    Attributes:
        queries: what `prepare_queries` wrote.
        inputs: what `assemble` wrote.
        selection_split: the split that every epoch is scored on; nothing here is chosen by it.
        device: where to compute.
        store: keeps trained runs, so that a killed one goes on.
        out: folder of the results.
    """

    queries: Path
    inputs: Path
    selection_split: str
    device: str
    store: Path
    out: Path


def plan(
    shares: Iterable[float], steps: Iterable[int], weights: Iterable[float], seeds: Iterable[int]
) -> list[Cell]:
    """Lists the grid, a whole seed after the other, long trainings first: an early end leaves whole seeds."""
    order = itertools.product(seeds, sorted(steps, reverse=True), shares, weights)
    return [Cell(share, length, weight, seed) for seed, length, share, weight in order]


def choose_options(cell: Cell, queries: int, max_clips: int, selection_split: str) -> RunOptions:
    """Turns a cell into options.

    Args:
        cell: the run.
        queries: training queries that its share leaves.
        max_clips: of the inputs.
        selection_split: see `Setup`.
    """
    epochs = max(1, round(cell.steps / -(-queries // BATCH_SIZE)))
    ramps = {
        "importance_ramp_epochs": max(1, round(IMPORTANCE_RAMP * epochs)),
        "distillation_ramp_epochs": max(1, round(DISTILLATION_RAMP * epochs)),
    }
    values = {
        "model": {**MODEL, **ramps, "max_clips": max_clips, "distillation_weight": cell.weight},
        "training": {
            "epochs": epochs,
            "batch_size": BATCH_SIZE,
            "learning_rate": LEARNING_RATE,
            "fraction": cell.share,
        },
        "selection_split": selection_split,
    }
    return check(RunOptions, values, cell.name)


def run(cell: Cell, setup: Setup) -> dict[str, Any]:
    """Trains a cell, keeps its first answers to the test queries, and returns its row of the table."""
    started = time.perf_counter()
    torch.set_num_threads(1)
    queries = len(_open_split(setup, "train", cell.share))
    max_clips = read_json(setup.inputs / "index.json")["reads"]["options"]["max_clips"]
    options = choose_options(cell, queries, max_clips, setup.selection_split)
    data = RunData.open(setup.queries, setup.inputs)
    folder, _ = make_run(data, options, cell.seed, Store(setup.store), setup.device, fresh=False)
    trained = time.perf_counter()
    system = open_run(folder).load(LAST).to(setup.device)
    test = _open_split(setup, "test")
    predictions = predict(system, test, BATCH_SIZE, setup.device, InferenceOptions(answers=1))
    answers = _keep_answers(
        predictions,
        set(_open_split(setup, "audiomatter").table["query"]),
        setup.out / ANSWERS / f"{cell.name}.parquet",
    )
    last_epoch = pd.read_csv(folder / "history.csv").iloc[-1]
    return {
        **asdict(cell),
        "queries": queries,
        "epochs": options.training.epochs,
        "training_seconds": round(trained - started, 1),
        "seconds": round(time.perf_counter() - started, 1),
        **{str(name): value for name, value in last_epoch.items() if str(name).startswith("loss_")},
        **score_groups(answers),
    }


@functools.cache
def _open_split(setup: Setup, split: str, share: float = 1.0) -> Moments:
    queries, text = read_text(read_queries_table(setup.queries), setup.queries / VOCABULARY, None)
    return Moments(queries, split, Inputs.load(setup.inputs), text, fraction=share)


def _keep_answers(predictions: pd.DataFrame, audible: set[str], path: Path) -> pd.DataFrame:
    """Writes down and returns the first answers: query, video, branch, iou, audible."""
    table = predictions.loc[predictions["rank"] == 1, ["query", "video", "branch", "iou"]]
    table = table.assign(audible=table["query"].isin(audible), iou=table["iou"].astype("float32"))
    with replacing(path) as temporary:
        table.to_parquet(temporary, index=False)
    return table


def choose_group(answers: pd.DataFrame, group: str) -> pd.DataFrame:
    """Returns the answers to one of the `GROUPS` of queries."""
    return answers if group == "all" else answers[answers["audible"] == (group == "audible")]


def score_groups(answers: pd.DataFrame) -> dict[str, float]:
    """Returns `branch_group_metric` -> percent."""
    return {
        f"{branch}_{group}_{metric}": round(value, 3)
        for branch, of_branch in answers.groupby("branch", sort=False)
        for group in GROUPS
        for metric, value in summarise_iou(choose_group(of_branch, group)["iou"].to_numpy()).items()
    }


def read_done(path: Path) -> set[str]:
    """Returns the names of the runs that have a row."""
    if not path.is_file():
        return set()
    rows = pd.read_csv(path)[["share", "steps", "weight", "seed"]].itertuples(index=False)
    return {Cell(share, int(steps), weight, int(seed)).name for share, steps, weight, seed in rows}


def add_row(path: Path, row: dict[str, Any]) -> None:
    """Adds a row to a table, and the header to a new one."""
    is_new = not path.is_file()
    with path.open("a", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(row))
        if is_new:
            writer.writeheader()
        writer.writerow(row)


def run_grid(cells: Iterable[Cell], setup: Setup, processes: int) -> int:
    """Trains the cells that have no row yet, some side by side; returns how many failed."""
    table = setup.out / RUNS
    (setup.out / ANSWERS).mkdir(parents=True, exist_ok=True)
    done = read_done(table)
    failed = 0
    with ProcessPoolExecutor(processes, mp_context=multiprocessing.get_context("spawn")) as pool:
        jobs = {pool.submit(run, cell, setup): cell for cell in cells if cell.name not in done}
        for number, job in enumerate(as_completed(jobs), 1):
            name = jobs[job].name
            if (error := job.exception()) is not None:
                failed += 1
                print(f"{name}: failed: {error!r}", file=sys.stderr, flush=True)
                continue
            row = job.result()
            add_row(table, row)
            scores = ", ".join(f"{branch} {row[f'{branch}_all_R1@0.5']}" for branch in ("fusion", "visual"))
            told = f"{number}/{len(jobs)} {name}: R1@0.5 {scores}; {row['seconds']} s"
            print(told, file=sys.stderr, flush=True)
    return failed


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--queries", type=Path, required=True, help="results/DATASET/queries")
    parser.add_argument("--inputs", type=Path, required=True, help="results/DATASET/inputs/VISUAL+AUDIO")
    parser.add_argument("--out", type=Path, required=True, help="folder of the results, new or begun")
    parser.add_argument("--shares", type=float, nargs="+", default=[0.1, 0.3, 1.0])
    parser.add_argument("--steps", type=int, nargs="+", default=[400, 1600])
    parser.add_argument("--weights", type=float, nargs="+", default=[0.0, 1.0, 3.0, 10.0])
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument(
        "--selection-split",
        default="audiomatter",
        help="scored after every epoch, for the history alone; a small one saves time (default: %(default)s)",
    )
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    parser.add_argument(
        "--processes", type=int, default=1, help="trainings side by side, each with one thread (default: 1)"
    )
    options = parser.parse_args()
    setup = Setup(
        options.queries,
        options.inputs,
        options.selection_split,
        options.device,
        options.out / "store",
        options.out,
    )
    cells = plan(options.shares, options.steps, options.weights, options.seeds)
    return min(1, run_grid(cells, setup, options.processes))


if __name__ == "__main__":
    sys.exit(main())
