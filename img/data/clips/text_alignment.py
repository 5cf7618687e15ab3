"""Rows of texts laid along a video's clips: their spans are unequal, with silence between.

docs/alignment.md gives the rules and the reasons.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from extractors.rows import pool
from extractors.storage.manifest import Row
from img.config.streams import AlignRule

# Manifests round to milliseconds.
_ROUNDING = 1e-3


@dataclass(frozen=True)
class SpanFit:
    """How rows of unequal spans lie along a video's clips.

    Attributes:
        row_seconds: start and end of each row [n, 2].
        covered: seconds of the video that the rows tell of, from its start.
        end: seconds of the video.
        rule: `seconds`, the mean of the rows that overlap a clip, each by the seconds of its overlap, and
            zeros where none does; a row without length, such as one of a single frame, counts where it lies,
            both ends of a clip included. `nearest`, the same, but where none does the row nearest to its
            middle, of two the earlier (TEA). `whole_seconds`, a row a second: each text from the second in
            which it starts to before the one in which it ends, a later one over an earlier one (HiREST).
    """

    row_seconds: np.ndarray
    covered: float
    end: float
    rule: AlignRule = "seconds"

    def lay(self, rows: np.ndarray, clips: int) -> np.ndarray:
        """Brings rows [n, D] to clips [T, D]; those that begin where nothing is covered are zeros."""
        laid = self._lay(rows, clips)
        laid[self.count_clips(clips) :] = 0
        return laid

    def _lay(self, rows: np.ndarray, clips: int) -> np.ndarray:
        if self.rule == "whole_seconds":
            return pool(self._lay_whole_seconds(rows), clips)
        weights = self._weigh(clips)
        if self.rule == "nearest":
            self._fill_with_nearest(weights)
        totals = weights.sum(axis=1, keepdims=True)
        laid: np.ndarray = weights @ rows / np.where(totals > 0, totals, 1)
        return laid.astype(rows.dtype)

    def count_clips(self, clips: int) -> int:
        """Counts the clips, from the first, that begin before the covered seconds end."""
        return int(np.count_nonzero(self._bounds(clips)[:-1] < self.covered - _ROUNDING))

    def _weigh(self, clips: int) -> np.ndarray:
        """Says how much each row counts in each clip [T, n]."""
        bounds = self._bounds(clips)
        starts, ends = self.row_seconds.T
        overlap = np.minimum(ends, bounds[1:, None]) - np.maximum(starts, bounds[:-1, None])
        weights: np.ndarray = np.where(starts == ends, overlap >= 0, np.maximum(overlap, 0.0))
        return weights

    def _fill_with_nearest(self, weights: np.ndarray) -> None:
        bounds = self._bounds(len(weights))
        middles = (bounds[:-1] + bounds[1:]) / 2
        starts, ends = self.row_seconds.T
        distances = np.maximum(np.maximum(starts - middles[:, None], middles[:, None] - ends), 0)
        for clip in np.flatnonzero(weights.sum(axis=1) == 0):
            weights[clip, np.argmin(distances[clip])] = 1.0

    def _lay_whole_seconds(self, rows: np.ndarray) -> np.ndarray:
        seconds = np.zeros((max(math.ceil(self.end - _ROUNDING), 1), rows.shape[1]), rows.dtype)
        for (start, end), row in zip(self.row_seconds, rows, strict=True):
            seconds[math.floor(start) : math.floor(end)] = row
        return seconds

    def _bounds(self, clips: int) -> np.ndarray:
        return np.arange(clips + 1) / clips * self.end


def fit_spans(
    stream: Row, video: Row, row_seconds: Callable[[], np.ndarray], rule: AlignRule = "seconds"
) -> SpanFit:
    """Finds how rows of texts lie along a video's clips.

    Args:
        stream: the manifest's row of the stream's array.
        video: that of the video's array in the first stream.
        row_seconds: gives start and end of each of the stream's rows [n, 2], in seconds.
        rule: any but `share`.

    Raises:
        ValueError: neither knows its seconds.
    """
    covered = stream.seconds if stream.seconds is not None else video.seconds
    end = video.seconds if video.seconds is not None else covered
    if covered is None or end is None:
        raise ValueError(f"{video.video}: expected arrays that know their seconds")
    return SpanFit(row_seconds(), covered, end, rule)
