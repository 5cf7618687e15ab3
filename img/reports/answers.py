"""A run's predictions, read."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from extractors.storage.files import replacing
from img.runs.folder import PREDICTIONS


def first_answers(predictions: pd.DataFrame, split: str, branch: str, protocol: str) -> pd.DataFrame:
    """Picks the rows of the first answers of a branch to a split's queries.

    Args:
        predictions: a run's, as docs/predictions.md has them.
        split: whose queries.
        branch: whose answers.
        protocol: whose weights.
    """
    return predictions[
        (predictions["protocol"] == protocol)
        & (predictions["split"] == split)
        & (predictions["branch"] == branch)
        & (predictions["rank"] == 1)
    ]


def write_csv(run: Path, out: Path) -> None:
    """Writes a run's predictions as CSV, with the columns they have.

    Args:
        run: the run's folder.
        out: the file to write.

    Raises:
        OSError: the run was not evaluated, or the file cannot be written.
    """
    predictions = pd.read_parquet(run / PREDICTIONS)
    with replacing(out) as temporary:
        predictions.to_csv(temporary, index=False)
