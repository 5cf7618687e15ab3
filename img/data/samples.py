"""Samples of moment retrieval: queries, where in their videos they are answered, and rows of answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from img.data.clips.inputs import Inputs
from img.data.collation import Samples, Text
from img.data.durations import choose_duration, find_beyond
from img.data.spans import find_nearest, label
from img.data.subsets import choose_share
from img.data.windows import list_windows, split_windows
from img.models.protocol import AUTO, Answers, MomentTargets, System

COLUMNS = (
    "query",
    "video",
    "branch",
    "rank",
    "start",
    "end",
    "score",
    "iou",
    "annotated_start",
    "annotated_end",
    "duration",
    "sentence",
)
"""What each row of the predictions says; docs/predictions.md says what each means."""


class Moments(Samples):
    """A split's usable queries, in file order, ready to be batched.

    A query is usable where its annotation has no fault and its video has clips, not all before the moment.

    Attributes:
        table: the queries (query, video, duration, start, end, sentence, …), one row a sample; `duration` is
            what the video's clips cover (see `img.data.durations`).
        windows: every moment of each sample's query, in seconds [Q, W, 2]; one with fewer repeats its first.
        start: label, first clip of each moment [Q].
        end: label, last clip of each moment, inclusive [Q].
    """

    def __init__(
        self,
        queries: pd.DataFrame,
        split: str,
        inputs: Inputs,
        text: Text,
        sound: bool = True,
        fraction: float = 1.0,
        noisy_audio_share: float = 0.0,
        each_window: bool = False,
    ):
        """Joins the queries of a split with their videos' inputs.

        Args:
            queries: the queries table.
            split: the split to take.
            inputs: the videos' clips.
            text: gives words ids, or gives features in their place; every usable query must have some.
            sound: false treats every video as one without the stream `audio`.
            fraction: share of the usable queries to keep; see `img.data.subsets.choose_share`.
            noisy_audio_share: share of the videos with noise in their sound; see `img.data.noise.add_noise`.
            each_window: a query with several moments becomes a sample for each, as training has it; else it
                is one sample, whose targets are those of its first.

        Raises:
            ValueError: where the split has no usable query, the stream `audio`, which noise is added to or
                which is left out, is absent or leads, or nobody knows how long a video is.
        """
        queries = split_windows(queries) if each_window else queries
        usable = queries[find_usable(queries, split, inputs)]
        chosen = usable["query"].isin(choose_share(usable["query"], fraction))
        table = usable[chosen].reset_index(drop=True)
        if table.empty:
            total = int((queries["split"] == split).sum())
            raise ValueError(
                f"split {split}: expected queries with videos, found none among its {total} queries"
            )
        annotated = table["duration"].to_numpy()
        table["duration"] = choose_duration(annotated, _covered(table, inputs))
        _require_durations(table)
        self.windows = list_windows(table)
        # An end after a video whose duration was annotated is cut to it where annotations are read.
        limits = np.where(np.isnan(annotated), table["duration"], np.inf)
        self.windows[..., 1] = np.minimum(self.windows[..., 1], limits[:, None])
        table["end"] = self.windows[:, 0, 1]
        super().__init__(table, inputs, text, sound, noisy_audio_share)
        spans = table[["duration", "start", "end"]].to_numpy()
        labels = np.array([label(int(clips), *span) for clips, span in zip(self.clips, spans, strict=True)])
        self.start, self.end = labels[:, 0], labels[:, 1]
        self._spans = torch.from_numpy((spans[:, 1:] / spans[:, :1]).clip(0, 1)).float()

    def targets(self, samples: np.ndarray, generator: np.random.Generator) -> MomentTargets:
        """Says where the moments of some samples lie, and draws the clips of the saliency loss."""
        start, end = self.start[samples], self.end[samples]
        positive, negative = draw_clips(start, end, self.clips[samples], generator)
        return MomentTargets(
            start=torch.from_numpy(start),
            end=torch.from_numpy(end),
            span=self._spans[torch.from_numpy(samples)],
            positive_clips=torch.from_numpy(positive),
            negative_clips=torch.from_numpy(negative),
        )

    def tabulate(self, system: System, answers: Sequence[Answers]) -> pd.DataFrame:
        """Turns answers into rows, each with the annotated moment that it overlaps most, and their IoU.

        Returns:
            A row for each query, branch and rank (from 1, the best answer; fewer where a video has fewer
            spans): `COLUMNS` and the system's own. What a deployed system answers is the branch `AUTO`.
        """
        spans: dict[str, list[Tensor]] = {}
        columns: dict[str, list[Tensor]] = {}
        for found in answers:
            for branch, answer in found.spans.items():
                stacked = torch.stack([answer.start.double(), answer.end.double(), answer.score.double()], -1)
                spans.setdefault(branch, []).append(stacked)
            for name, column in found.columns.items():
                columns.setdefault(name, []).append(column.float())
        branches, further = _join(spans), _join(columns)
        preferred, fallback = branches[system.branches[0]], branches[system.fallback]
        branches[AUTO] = np.where(self.complete[:, None, None], preferred, fallback)
        frames = [self._rows(found).assign(branch=branch) for branch, found in branches.items()]
        rows = pd.concat(frames)
        for name, values in further.items():
            rows[name] = values[rows.index]
        return rows.reset_index(drop=True)[[*COLUMNS, *further]]

    def _rows(self, spans: np.ndarray) -> pd.DataFrame:
        """Gives a row, indexed by its sample, for each of a branch's answers.

        Args:
            spans: start and end as shares of the clips' time, and score [Q, n, 3]; NaN where there is none.
        """
        sample, rank = np.nonzero(~np.isnan(spans[:, :, 0]))
        moment = self.table.iloc[sample]
        duration = moment["duration"].to_numpy()
        first, last, confidence = spans[sample, rank].T
        start, end = first * duration, last * duration
        nearest, iou = find_nearest(start, end, self.windows[sample])
        return moment[["query", "video", "sentence", "duration"]].assign(
            rank=rank + 1,
            start=start,
            end=end,
            score=confidence,
            annotated_start=nearest[:, 0],
            annotated_end=nearest[:, 1],
            iou=iou,
        )


def _join(parts: Mapping[str, list[Tensor]]) -> dict[str, np.ndarray]:
    """Fetches what each batch gave."""
    return {name: torch.cat(part).cpu().numpy() for name, part in parts.items()}


def _require_durations(table: pd.DataFrame) -> None:
    unknown = table.loc[table["duration"].isna(), "video"]
    if len(unknown):
        raise ValueError(
            f"video {unknown.iloc[0]}: expected a duration, found none: the annotations do not tell it, and "
            "its features, made elsewhere, do not say how many seconds they cover; add a column duration"
        )


def find_usable(queries: pd.DataFrame, split: str, inputs: Inputs) -> pd.Series[bool]:
    """Tells which queries belong to a split, have no fault, and are about a moment that clips reach."""
    has_clips = queries["video"].isin(list(inputs.videos))
    start, annotated = queries["start"].to_numpy(), queries["duration"].to_numpy()
    is_beyond = find_beyond(start, annotated, _covered(queries, inputs))
    return (queries["split"] == split) & (queries["fault"] == "") & has_clips & ~is_beyond


def _covered(queries: pd.DataFrame, inputs: Inputs) -> np.ndarray:
    """The seconds that the clips of each query's video cover [Q]; nan where nobody knows."""
    seconds = {name: video.seconds for name, video in inputs.videos.items()}
    return queries["video"].map(seconds).to_numpy(float)


def draw_clips(
    start: np.ndarray, end: np.ndarray, clips: np.ndarray, generator: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Draws the clips that the saliency loss compares.

    Two inside the moment without replacement (both `start` where it is one clip long), two outside it (both 0
    where fewer than two are outside).

    Args:
        start: first clip of each moment [B].
        end: last clip of each moment, inclusive [B].
        clips: T of each video [B].
        generator: source of randomness.

    Returns:
        Clips inside [B, 2] and outside [B, 2].
    """
    inside = end - start + 1
    positive = _draw_two(inside, generator) + start[:, None]
    outside = clips - inside
    negative = _draw_two(outside, generator)
    negative = negative + np.where(negative < start[:, None], 0, inside[:, None])
    return positive, np.where(outside[:, None] > 1, negative, 0)


def _draw_two(counts: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """Draws two different numbers below each count [B, 2]; 0 where it is 1, meaningless where it is 0."""
    uniform = generator.random((len(counts), 2))
    first = np.floor(uniform[:, 0] * counts).astype(np.int64)
    step = 1 + np.floor(uniform[:, 1] * (counts - 1)).astype(np.int64)
    return np.stack([first, (first + step) % np.maximum(counts, 1)], axis=1)
