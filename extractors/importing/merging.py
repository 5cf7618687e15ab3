"""How several arrays of one video become one: brought to one number of rows, then put side by side."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from extractors.kinds.imported.parameters import ImportedArrays
from extractors.rows import divide_by_norms, pool, side_by_side


def merge(arrays: Sequence[np.ndarray], how: ImportedArrays) -> np.ndarray:
    """Puts a video's arrays side by side, in the order given.

    Args:
        arrays: rows [R_i, D_i] of each part.
        how: the rule of the rows' number, and whether each row is normalised first.

    Returns:
        Rows [R, ΣD_i], float32.
    """
    if how.normalise == "l2":
        arrays = [divide_by_norms(rows) for rows in arrays]
    if how.merge == "bring_to_last":
        count = min(len(arrays[-1]), how.max_rows or len(arrays[-1]))
        arrays = [pool(rows, count) for rows in arrays]
    return side_by_side(arrays).astype(np.float32)
