"""A stream laid along its video: cut or padded to end with it, by the seconds of its rows.

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
class Fit:
    """How a stream is brought to its video's end, before it is pooled to the video's clips.

    Attributes:
        rule: `seconds`, or `share` where that was asked for, or a stream or its video does not know the
            seconds of its rows: its rows then share the video evenly.
        rows: the stream's own.
        fitted: the rows it has when cut or padded.
    """

    rule: AlignRule
    rows: int
    fitted: int

    def lay(self, rows: np.ndarray, clips: int) -> np.ndarray:
        """Brings rows [rows, D] to clips [T, D]."""
        return pool(self.apply(rows), clips)

    def apply(self, rows: np.ndarray) -> np.ndarray:
        """Cuts rows [rows, D], or pads them with zeros, to [fitted, D]."""
        return np.pad(rows[: self.fitted], ((0, max(self.fitted - self.rows, 0)), (0, 0)))

    def count_clips(self, clips: int) -> int:
        """Counts the clips, of the video's, from the first to the last that a row of the stream reaches."""
        is_own = np.arange(self.fitted)[:, None] < self.rows
        return int(np.count_nonzero(pool(is_own.astype(float), clips)))


def fit(stream: Row, video: Row, row_seconds: Callable[[], np.ndarray], rule: AlignRule = "seconds") -> Fit:
    """Finds how many rows a stream gets so that it ends with its video.

    Args:
        stream: the manifest's row of the stream's array.
        video: that of the video's array in the first stream, whose last row ends where the video ends.
        row_seconds: gives start and end of each of the stream's rows [n, 2], in seconds; asked for only where
            the stream does not end with its video.
        rule: `share` where the seconds are not to be looked at.
    """
    if rule == "share" or stream.seconds is None or video.seconds is None:
        return Fit("share", stream.rows, stream.rows)
    if ends_together(stream, video):
        return Fit("seconds", stream.rows, stream.rows)
    return Fit("seconds", stream.rows, count_rows(row_seconds(), video.seconds))


def ends_together(stream: Row, video: Row) -> bool:
    """Whether a stream ends with its video, give or take the seconds of one of its rows."""
    if stream.seconds is None or video.seconds is None:
        raise ValueError(f"{video.video}: expected arrays that know their seconds")
    return abs(stream.seconds - video.seconds) <= stream.seconds / stream.rows + _ROUNDING


def share_covered(stream: Row, video: Row) -> float:
    """Returns the share of a video that a stream covers; nan where either does not know its seconds."""
    if stream.seconds is None or video.seconds is None:
        return math.nan
    return 1.0 if ends_together(stream, video) else min(stream.seconds / video.seconds, 1.0)


def count_rows(row_seconds: np.ndarray, end: float) -> int:
    """Counts the rows of a stream that ends at a given time, by the rule that sound is cut into windows by.

    They go on to the first that reaches the end, which is left out where less than half of it lies before the
    end, unless it is the only one (`extractors.media.audio.cut`).

    Args:
        row_seconds: start and end of each row [n, 2], which gives their length and their hop.
        end: in seconds.
    """
    starts = row_seconds[:, 0]
    length = float(row_seconds[0, 1] - starts[0])
    hop = float(starts[1] - starts[0]) if len(starts) > 1 else length
    rows = max(math.ceil((end - length - _ROUNDING) / hop) + 1, 1)
    is_mostly_outside = end - (rows - 1) * hop < length / 2
    return rows - 1 if rows > 1 and is_mostly_outside else rows
