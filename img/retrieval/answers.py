"""What a question about a video is answered with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd


@dataclass(frozen=True)
class Answer:
    """A moment of a video that a run found for a sentence.

    Attributes:
        rank: from 1, the best.
        start: in seconds from the video's start.
        end: in seconds.
        score: the model's own confidence.
        branch: which of the model's branches answered.
        importance: weight that the model gave the sound, 0 to 1; None where it weighs none, or there is none.
        unknown: words of the sentence that the model has no vector of.
        query: the sentence.
        video: the video's id.
    """

    rank: int
    start: float
    end: float
    score: float
    branch: str
    importance: float | None
    unknown: tuple[str, ...]
    query: str
    video: str


def read_answers(
    predictions: pd.DataFrame, branch: str, query: str, unknown: Sequence[str], has_sound: bool
) -> list[Answer]:
    """Takes a branch's answers out of predictions, the best first.

    Args:
        predictions: those of one query, as `img.runs.prediction.predict` gives them.
        branch: whose.
        query: the sentence.
        unknown: its words without a vector.
        has_sound: whether the video has sound; where it has none, its importance means nothing.
    """
    rows = predictions[predictions["branch"] == branch].sort_values("rank")
    return [
        Answer(
            rank=int(row["rank"]),
            start=float(row["start"]),
            end=float(row["end"]),
            score=float(row["score"]),
            branch=branch,
            importance=_importance(row) if has_sound else None,
            unknown=tuple(unknown),
            query=query,
            video=str(row["video"]),
        )
        for row in rows.to_dict("records")
    ]


def _importance(row: dict) -> float | None:
    importance = row.get("importance", np.nan)
    return float(importance) if np.isfinite(importance) else None
