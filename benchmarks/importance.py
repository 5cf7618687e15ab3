"""Does the importance score tell audible queries from others? `python -m benchmarks.importance --help`.

Reads a run's predictions on a dataset with the splits `test` and `audiomatter`, the audible ones of `test`.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.report import print_report
from img.tasks.metrics import summarise_iou

BRANCHES = ("fusion", "visual", "audio")


def read_answers(path: Path) -> pd.DataFrame:
    """Reads the first answers to the test queries; `audible` tells those that audiomatter holds too."""
    predictions = pd.read_parquet(path)
    heard = set(predictions.loc[predictions["split"] == "audiomatter", "query"])
    if not heard:
        raise ValueError(f"{path}: expected predictions on the split audiomatter, found none")
    answers = predictions[(predictions["split"] == "test") & (predictions["rank"] == 1)]
    return answers.assign(audible=answers["query"].isin(heard))


def describe(answers: pd.DataFrame) -> list[list[str]]:
    """Returns a row for the audible queries and one for the others: their score and recalls."""
    rows = []
    for is_audible, name in ((True, "audible"), (False, "others")):
        group = answers[answers["audible"] == is_audible]
        importance = group.loc[group["branch"] == "fusion", "importance"]
        cells = [f"{name} ({len(importance)})", f"{importance.mean():.3f}"]
        for branch in BRANCHES:
            found = summarise_iou(group.loc[group["branch"] == branch, "iou"].to_numpy())
            cells.append(" / ".join(f"{found[metric]:.1f}" for metric in ("R1@0.5", "R1@0.7", "mIoU")))
        rows.append(cells)
    return rows


def area_under_curve(scores: np.ndarray, labels: np.ndarray) -> float:
    """Returns the area under the ROC curve: how likely a positive scores above a negative.

    Ties count half. 0.5 is chance, 1 a perfect separation.

    Args:
        scores: a score of each sample [Q].
        labels: whether each sample is positive [Q].

    Raises:
        ValueError: where there are no positives or no negatives.
    """
    positive, negative = scores[labels], np.sort(scores[~labels])
    if len(positive) == 0 or len(negative) == 0:
        raise ValueError(
            f"area under the curve: expected samples of both kinds, found {len(positive)} positive and "
            f"{len(negative)} negative"
        )
    below = np.searchsorted(negative, positive, side="left")
    not_above = np.searchsorted(negative, positive, side="right")
    return float(np.mean(below + not_above) / (2 * len(negative)))


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("predictions", type=Path, help="results/…/runs/…/predictions.parquet")
    path = parser.parse_args().predictions
    answers = read_answers(path)
    for protocol in answers["protocol"].unique():
        of_protocol = answers[answers["protocol"] == protocol]
        scored = of_protocol[of_protocol["branch"] == "fusion"]
        area = area_under_curve(scored["importance"].to_numpy(), scored["audible"].to_numpy())
        print_report(
            f"{path}, protocol {protocol}: area under the ROC curve {area:.3f}",
            ["queries", "mean importance", *BRANCHES],
            describe(of_protocol),
            "Branches: R1@0.5 / R1@0.7 / mIoU in percent.\n",
        )


if __name__ == "__main__":
    main()
