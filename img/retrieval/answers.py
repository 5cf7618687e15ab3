"""What a question about a video is answered with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import isfinite, nan

import pandas as pd

from img.data.spans import interval_iou


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
    predictions: pd.DataFrame,
    query: str,
    video: str,
    unknown: Sequence[str],
    offset: float,
    has_sound: bool,
    branch: str,
) -> list[Answer]:
    """Takes the answers of one branch about one video, or one window of it, out of predictions.

    Args:
        predictions: the rows, as `img.runs.prediction.predict` gives them.
        query: the sentence.
        video: the video's id.
        unknown: words of the sentence without a vector.
        offset: seconds at which the window begins.
        has_sound: whether there is sound; without, what the model says of its importance means nothing.
        branch: which of the model's branches answered.
    """
    answers = []
    for row in predictions.sort_values("rank").to_dict("records"):
        importance = float(row.get("importance", nan)) if has_sound else nan
        answers.append(
            Answer(
                rank=int(row["rank"]),
                start=float(row["start"]) + offset,
                end=float(row["end"]) + offset,
                score=float(row["score"]),
                branch=branch,
                importance=importance if isfinite(importance) else None,
                unknown=tuple(unknown),
                query=query,
                video=video,
            )
        )
    return answers


def merge_answers(answers: Sequence[Answer], largest_iou: float, most: int) -> list[Answer]:
    """Merges the answers of overlapping windows: non-maximum suppression over all of them together.

    From the highest score to the lowest, the earlier first where equal, an answer is kept unless it overlaps
    one that is kept by more than `largest_iou`.

    Args:
        answers: of every window, in seconds of the whole video.
        largest_iou: of two answers that are kept.
        most: answers to keep.

    Returns:
        The answers that are kept, ranked from 1.
    """
    kept: list[Answer] = []
    for answer in sorted(answers, key=lambda answer: (-answer.score, answer.start, answer.end)):
        overlaps = (interval_iou(answer.start, answer.end, other.start, other.end) for other in kept)
        if all(float(overlap) <= largest_iou for overlap in overlaps):
            kept.append(answer)
        if len(kept) == most:
            break
    return [replace(answer, rank=rank) for rank, answer in enumerate(kept, start=1)]
