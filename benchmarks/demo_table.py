"""The README's account of the demo: every variant on every group of queries, and how far they lie apart.

Run it in the project's folder after `snakemake --cores 2 results/demo/metrics.json` with `seeds: [0, 1, 2]`
in config/datasets/demo.yaml. The demo's data is made up.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from benchmarks.report import print_report
from extractors.storage.files import read_json
from img.config.protocols import LAST
from img.reports.bootstrap import compare
from img.runs.folder import PREDICTIONS

GROUPS = {
    "test_audible": "audible",
    "test_heard": "only heard",
    "test_both": "seen and heard",
    "test_seen": "only seen",
    "test": "all",
}
METRICS = ("R1@0.5", "R1@0.7", "mIoU")
ANSWERS = (("img", "fusion"), ("without_distillation", "fusion"), ("without_sound", "visual"))
"""Variant and branch: IMG, the same without distillation, and the model without sound."""

PAIRS = (
    (("img", "fusion"), ("without_sound", "visual")),
    (("without_distillation", "fusion"), ("without_sound", "visual")),
    (("without_distillation", "fusion"), ("img", "fusion")),
)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("results", type=Path, nargs="?", default=Path("results/demo"))
    folder = parser.parse_args().results
    metrics = read_json(folder / "metrics.json")
    print_report(
        "Demo (simulated data), protocol last, mean ± standard deviation over seeds, percent",
        ["queries", "answer", *METRICS],
        [row for split, group in GROUPS.items() for row in tabulate(metrics, split, group)],
    )
    seeds = metrics["variants"]["img"]["seeds"]
    print_report(
        "Gains in R1@0.5, points, with 95 % of a bootstrap over videos and seeds",
        ["answer", "above", *GROUPS.values()],
        [compare_answers(folder, seeds, *pair) for pair in PAIRS],
    )


def tabulate(metrics: Mapping[str, Any], split: str, group: str) -> list[list[str]]:
    """Returns the rows of one group of queries: the best constant, and each answer."""
    count = metrics["evaluation"]["scored"][split]
    constant = metrics["best_constant"][split]
    rows = [[f"{group} ({count})", "best constant", *(f"{constant[name]:.1f}" for name in METRICS)]]
    for variant, branch in ANSWERS:
        scores = metrics["variants"][variant]["protocols"][LAST][split][branch]
        rows.append(["", f"{variant}, {branch}", *(_cell(scores[name]) for name in METRICS)])
    return rows


def _cell(score: Mapping[str, Any]) -> str:
    return f"{score['mean']:.1f}" + ("" if score["std"] is None else f" ± {score['std']:.1f}")


def compare_answers(
    folder: Path, seeds: list[int], better: tuple[str, str], worse: tuple[str, str]
) -> list[str]:
    """Returns a row: how far one answer is above another in each group of queries."""
    gains = []
    for split in GROUPS:
        first, second = (
            [_read_answers(folder, variant, seed, split, branch) for seed in seeds]
            for variant, branch in (better, worse)
        )
        found = compare(first, second, "R1@0.5")
        gains.append(f"{found.difference:+.1f} [{found.low:.1f}, {found.high:.1f}]")
    return [", ".join(better), ", ".join(worse), *gains]


def _read_answers(folder: Path, variant: str, seed: int, split: str, branch: str) -> pd.DataFrame:
    table = pd.read_parquet(folder / "runs" / variant / f"seed{seed}" / PREDICTIONS)
    chosen = {"protocol": LAST, "split": split, "branch": branch, "rank": 1}
    for column, value in chosen.items():
        table = table[table[column] == value]
    return table


if __name__ == "__main__":
    main()
