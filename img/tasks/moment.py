"""Moment retrieval: where in a video is what a sentence says?"""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd
import torch

from img.data.clips.inputs import Inputs
from img.data.collation import Samples, Text
from img.data.samples import Moments, find_usable
from img.models.protocol import MomentTargets
from img.tasks.metrics import best_constant, recalls, summarise_iou
from img.tasks.task import Selection, Task


class MomentRetrieval(Task):
    """One moment for each query; a branch answers with n spans, the best first."""

    selection = Selection("R1@0.7")
    """The authors' choice."""

    def usable(self, queries: pd.DataFrame, split: str, inputs: Inputs) -> pd.Series[bool]:
        """Tells which queries have no fault, and are about a moment that clips reach."""
        return find_usable(queries, split, inputs)

    def samples(
        self,
        queries: pd.DataFrame,
        split: str,
        inputs: Inputs,
        text: Text,
        sound: bool = True,
        fraction: float = 1.0,
        noisy_audio_share: float = 0.0,
        training: bool = False,
    ) -> Moments:
        """Opens a split's queries; see `Task.samples`."""
        return Moments(queries, split, inputs, text, sound, fraction, noisy_audio_share, training)

    def no_targets(self) -> MomentTargets:
        """Gives a moment that says nothing."""
        clip = torch.zeros(1, dtype=torch.int64)
        pair = clip.expand(1, 2)
        return MomentTargets(clip, clip, torch.zeros(1, 2), pair, pair)

    def score(
        self, predictions: pd.DataFrame, answers: int = 1, missed: int = 0
    ) -> dict[str, dict[str, float]]:
        """Returns recalls and mean IoU of each branch, in percent; see `Task.score`."""
        scores = {}
        for branch, group in predictions.groupby("branch", sort=False):
            first = group.loc[group["rank"] == 1, "iou"].to_numpy()
            best = group.groupby("query", sort=False)["iou"].max().to_numpy()
            scores[str(branch)] = _over_all(
                {**summarise_iou(first), **recalls(best, answers)}, len(first), missed
            )
        return scores

    def best_constant(self, samples: Samples, missed: int = 0) -> dict[str, float]:
        """Scores the best share of the video that is the same for every query; see `Task.best_constant`."""
        if not isinstance(samples, Moments):
            raise TypeError(f"samples: expected those of moment retrieval, found {type(samples).__name__}")
        constant = best_constant(samples.table["duration"].to_numpy(), samples.windows)
        return _over_all(constant, len(samples), missed)


def _over_all(scores: Mapping[str, float], answered: int, missed: int) -> dict[str, float]:
    """Extends means over the answered queries to further ones, of which each counts 0."""
    return {metric: answered / (answered + missed) * value for metric, value in scores.items()}
