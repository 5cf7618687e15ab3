"""What networks trained on real pictures are worth on things that no training query named.

Reads the runs that Snakemake made of the datasets below, and prints the table of docs/pretrained.md.
Intervals are 95 % of paired resamples of the videos (and seeds), see img/reports/bootstrap.py.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from img.data.spans import interval_iou
from img.data.text.queries import read_queries_table
from img.reports.bootstrap import compare, credit

METRICS = ("R1@0.5", "R1@0.7", "mIoU")
STEPS = 20
NAMED, NAMED_AT_RANDOM = "nothing trained, the network of ImageNet", "nothing trained, the network at random"
REAL, RANDOM = "IMG's visual branch, the network of ImageNet", "IMG's visual branch, the network at random"
WORDS = "IMG's visual branch, the names that ImageNet's network gives"
ROWS = {
    NAMED: [("demo_zero_shot", "zero_shot")],
    NAMED_AT_RANDOM: [(f"demo_zero_shot_random{seed}", "zero_shot") for seed in range(3)],
    REAL: [("demo_pretrained", "visual_only")],
    RANDOM: [("demo_pretrained_random", "visual_only")],
    WORDS: [("demo_pretrained_words", "visual_only")],
}
COMPARED = ((NAMED, NAMED_AT_RANDOM), (REAL, RANDOM), (WORDS, RANDOM))


def read_answers(results: Path, dataset: str, variant: str) -> list[pd.DataFrame]:
    """Reads the first answers to the test queries, a table for each seed: of the final weights."""
    runs = sorted((results / dataset / "runs" / variant).glob("seed*/predictions.parquet"))
    if not runs:
        raise ValueError(
            f"{results / dataset}: expected runs of {variant}, found none; make its metrics.json"
        )
    tables = []
    for path in runs:
        answers = pd.read_parquet(path)
        chosen = (answers["protocol"] == "last") & (answers["split"] == "test") & (answers["rank"] == 1)
        tables.append(answers[chosen & (answers["branch"] == "auto")])
    return tables


def best_constant(results: Path, dataset: str, metric: str) -> pd.DataFrame:
    """Gives the answers of the constant that is best on the test queries by a metric: an upper bound."""
    queries = read_queries_table(results / dataset / "queries")
    queries = queries[(queries["split"] == "test") & (queries["fault"] == "")]
    duration, start, end = queries[["duration", "start", "end"]].to_numpy(float).T
    candidates = [
        interval_iou(first / STEPS * duration, last / STEPS * duration, start, end)
        for first in range(STEPS)
        for last in range(first + 1, STEPS + 1)
    ]
    best = max(candidates, key=lambda iou: float(credit(iou, metric).mean()))
    return queries[["query", "video"]].assign(iou=best)


def mean_of(tables: Sequence[pd.DataFrame], metric: str) -> float:
    """Gives a metric's mean over seeds, in percent."""
    return float(pd.Series([credit(table["iou"].to_numpy(), metric).mean() for table in tables]).mean())


def _against(tables: Sequence[pd.DataFrame], others: Sequence[pd.DataFrame], metric: str) -> str:
    found = compare(tables, others, metric)
    return f"{found.difference:+.1f} [{found.low:.1f}, {found.high:.1f}]"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--results", type=Path, default=Path("results"), help="default: %(default)s")
    results = parser.parse_args().results
    dataset = "demo_zero_shot"
    constants = {metric: [best_constant(results, dataset, metric)] for metric in METRICS}
    answers = {
        name: [table for where in places for table in read_answers(results, *where)]
        for name, places in ROWS.items()
    }
    print(f"| answer | seeds | {' | '.join(METRICS)} |\n| --- | --- | {' | '.join('---' for _ in METRICS)} |")
    shown = [f"{mean_of(constants[metric], metric):.1f}" for metric in METRICS]
    print(f"| best constant | | {' | '.join(shown)} |")
    for name, tables in answers.items():
        shown = [
            f"{mean_of(tables, metric):.1f} ({_against(tables, constants[metric], metric)})"
            for metric in METRICS
        ]
        print(f"| {name} | {len(tables)} | {' | '.join(shown)} |")
    for one, other in COMPARED:
        shown = [f"{metric} {_against(answers[one], answers[other], metric)}" for metric in METRICS]
        print(f"\n{one} above {other}: {', '.join(shown)}")


if __name__ == "__main__":
    main()
