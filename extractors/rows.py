"""Rows of features, as arithmetic: brought to a number, divided by their norms, put side by side."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

# What QD-DETR adds to a norm before it divides by it.
_SMALLEST_NORM = np.float32(1e-5)


def pool(rows: np.ndarray, count: int) -> np.ndarray:
    """Brings rows to a number of them: averages where there are more, repeats where there are fewer.

    Row i is the mean over rows [b_i, b_{i+1}) with b_i = round(i / count * n), at most n - 1, or row b_i
    where that range is empty (the data preparation of IMG's authors).

    Args:
        rows: [n, D].
        count: T.

    Returns:
        Rows [T, D] of the rows' type.
    """
    bounds = np.minimum(np.round(np.arange(count + 1) / count * len(rows)).astype(int), len(rows) - 1)
    # reduceat gives row b_i itself for an empty range, which is the rule.
    sums = np.add.reduceat(rows, bounds[:-1], axis=0, dtype=np.float64)
    lengths = np.maximum(np.diff(bounds), 1)
    # reduceat runs its last range to the end of the rows; the rule stops one row earlier.
    last = rows[bounds[-2] : max(bounds[-1], bounds[-2] + 1)]
    sums[-1] = last.sum(axis=0, dtype=np.float64)
    return (sums / lengths[:, None]).astype(rows.dtype)


def shorten(rows: np.ndarray, most: int) -> np.ndarray:
    """Pools rows [n, D] to at most `most`; fewer stay as they are."""
    return rows if len(rows) <= most else pool(rows, most)


def divide_by_norms(rows: np.ndarray) -> np.ndarray:
    """Divides each row [n, D] by its Euclidean norm, in float32."""
    rows = rows.astype(np.float32)
    norms: np.ndarray = np.linalg.norm(rows, axis=1, keepdims=True)
    return rows / (norms + _SMALLEST_NORM)


def side_by_side(arrays: Sequence[np.ndarray]) -> np.ndarray:
    """Puts the rows [n_i, D_i] of several arrays side by side, cut to the shortest: [min n_i, ΣD_i]."""
    count = min(map(len, arrays))
    return np.concatenate([rows[:count] for rows in arrays], axis=1)
