"""Sequences of rows brought to a number of clips."""

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
