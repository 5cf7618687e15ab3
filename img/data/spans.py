"""Spans of clips and of seconds: the clips a moment covers, how spans overlap."""

from __future__ import annotations

import numpy as np


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


def find_nearest(start: np.ndarray, end: np.ndarray, windows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Finds the moment that each answer overlaps most, the first of equals.

    Args:
        start: of each answer, in seconds [A].
        end: of each answer, in seconds [A].
        windows: the moments of each answer's query, in seconds [A, W, 2].

    Returns:
        The moment's start and end [A, 2], and the IoU with it [A].
    """
    iou = interval_iou(start[:, None], end[:, None], windows[..., 0], windows[..., 1])
    nearest, answers = iou.argmax(axis=1), np.arange(len(iou))
    return windows[answers, nearest], iou[answers, nearest]


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
