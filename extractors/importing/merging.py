"""How several arrays of one video become one: brought to one number of rows, then put side by side."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from extractors.registry import ImportedArrays

_SMALLEST_NORM = 1e-5


def merge(arrays: Sequence[np.ndarray], how: ImportedArrays) -> np.ndarray:
    """Puts a video's arrays side by side, in the order given.

    Args:
        arrays: rows [R_i, D_i] of each part.
        how: the rule of the rows' number, and whether each row is normalised first.

    Returns:
        Rows [R, ΣD_i], float32.
    """
    if how.normalise == "l2":
        arrays = [_normalise(rows) for rows in arrays]
    if how.merge == "cut_to_shortest":
        count = min(map(len, arrays))
        parts = [rows[:count] for rows in arrays]
    else:
        count = min(len(arrays[-1]), how.max_rows or len(arrays[-1]))
        parts = [bring(rows, count) for rows in arrays]
    return np.concatenate(parts, axis=1).astype(np.float32)


def bring(rows: np.ndarray, count: int) -> np.ndarray:
    """Brings rows to a number of them: averages where there are more, repeats where there are fewer.

    Row i is the mean over rows [b_i, b_{i+1}) with b_i = round(i / count * n), at most n - 1, or row b_i
    where that range is empty: the rule by which a model's inputs are pooled.

    Args:
        rows: [n, D].
        count: R.

    Returns:
        Rows [R, D] of the rows' type.
    """
    if len(rows) == count:
        return rows
    bounds = np.minimum(np.round(np.arange(count + 1) / count * len(rows)).astype(int), len(rows) - 1)
    means = [
        rows[first : max(after, first + 1)].mean(axis=0, dtype=np.float64)
        for first, after in pairwise(bounds)
    ]
    return np.stack(means).astype(rows.dtype)


def _normalise(rows: np.ndarray) -> np.ndarray:
    rows = rows.astype(np.float32)
    return rows / (np.linalg.norm(rows, axis=1, keepdims=True) + np.float32(_SMALLEST_NORM))
