"""The arithmetic between features and labels: pooling, alignment, the clips a moment covers."""

from __future__ import annotations

import numpy as np


def pool(rows: np.ndarray, clips: int) -> np.ndarray:
    """Brings a sequence of rows to a number of clips: averages rows, or repeats them where there are fewer.

    Clip i is the mean over rows [b_i, b_{i+1}) with b_i = round(i / clips * n), at most n - 1, or row b_i
    where that range is empty (the authors' data preparation).

    Args:
        rows: [n, D].
        clips: T.

    Returns:
        Clips [T, D] of the rows' type.
    """
    count = len(rows)
    bounds = np.minimum(np.round(np.arange(clips + 1) / clips * count).astype(int), count - 1)
    # reduceat gives row b_i itself for an empty range, which is the rule.
    sums = np.add.reduceat(rows, bounds[:-1], axis=0, dtype=np.float64)
    lengths = np.maximum(np.diff(bounds), 1)
    # reduceat runs its last range to the end of the rows; the rule stops one row earlier.
    last = rows[bounds[-2] : max(bounds[-1], bounds[-2] + 1)]
    sums[-1] = last.sum(axis=0, dtype=np.float64)
    return (sums / lengths[:, None]).astype(rows.dtype)


def shorten(rows: np.ndarray, max_clips: int) -> np.ndarray:
    """Pools rows [n, D] to at most `max_clips`; shorter sequences stay as they are."""
    return rows if len(rows) <= max_clips else pool(rows, max_clips)


def label(clips: int, duration: float, start: float, end: float) -> tuple[int, int]:
    """Finds the clips whose span fits a moment best.

    Of all spans [i/T·D, (j+1)/T·D] with i <= j, the one with the highest IoU; the first in row-major order
    where several tie.

    Args:
        clips: T, the video's clips.
        duration: D, the video's duration in seconds.
        start: of the moment, in seconds.
        end: of the moment, in seconds; clamped to the duration.

    Returns:
        First and last clip, inclusive.
    """
    first = np.arange(clips)[:, None] / clips * duration
    last = (np.arange(clips)[None, :] + 1) / clips * duration
    overlap = interval_iou(first, last, start, min(end, duration))
    i, j = np.unravel_index(int(overlap.argmax()), overlap.shape)
    return int(i), int(j)


def interval_iou(
    start: np.ndarray | float,
    end: np.ndarray | float,
    other_start: np.ndarray | float,
    other_end: np.ndarray | float,
) -> np.ndarray:
    """Returns the intersection over union of time spans (broadcast); 0 where both are empty."""
    intersection = np.maximum(np.minimum(end, other_end) - np.maximum(start, other_start), 0.0)
    union = np.maximum(end, other_end) - np.minimum(start, other_start)
    return np.divide(intersection, union, out=np.zeros_like(intersection), where=union > 0)


def clip_times(
    first: np.ndarray, last: np.ndarray, clips: np.ndarray, duration: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Turns clip indices (inclusive) into seconds: i/T·D and (j+1)/T·D."""
    return first / clips * duration, (last + 1) / clips * duration
