"""Which numbers features may be."""

from __future__ import annotations

import numpy as np

# Models square and sum features: beyond this the square of a float32 is infinite.
_LARGEST = 1e18


def check_finite(rows: np.ndarray) -> None:
    """Refuses rows [R, D] that hold NaN, infinity, or a number whose square is infinite in float32.

    Raises:
        ValueError: naming the first such number, its row and its column.
    """
    faulty = ~(np.abs(rows) <= np.float64(_LARGEST))
    if faulty.any():
        row, column = np.argwhere(faulty)[0]
        raise ValueError(
            f"expected finite numbers of at most {_LARGEST:g}, found {rows[row, column]:g} in row {row}, "
            f"column {column}, and {faulty.sum()} such numbers of {rows.size}: what they come from is damaged"
        )
