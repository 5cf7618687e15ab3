"""Whether a folder of VGGish rows was made with the ReLU after the network's last layer.

Embeddings behind a ReLU are never negative. The PCA of the released rows can be turned back, so the share of
negative values tells, where the 8 bits and the clipping of the rows leave it to be seen.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import islice

import numpy as np

WIDTH = 128
_VIDEOS = 200
_CLIP = 2.0
_LEVELS = 255
# Rows of normal numbers through the published PCA: 0.8 % are below this with the ReLU, 54 % without, since
# clipping and rounding move values a little.
_BELOW = -0.1
_KEPT, _LEFT_OUT = 0.1, 0.3


@dataclass(frozen=True)
class Evidence:
    """What rows say of the last ReLU.

    Attributes:
        form: how the rows are stored, in words.
        negative: share of the embeddings' values that are clearly negative.
        clipped: share of the rows' values at the ends of their 8 bits, from which nothing can be turned back.
    """

    form: str
    negative: float
    clipped: float

    @property
    def words(self) -> str:
        """Says it in a line."""
        verdict = "too few to say that it was left out, too many to say that it was kept"
        if self.negative <= _KEPT:
            verdict = "the last ReLU was kept (last_relu: true)"
        elif self.negative >= _LEFT_OUT:
            verdict = "the last ReLU was left out (last_relu: false)"
        return (
            f"{self.form}; turned back through the PCA, {100 * self.negative:.1f} % of values are negative: "
            f"{verdict}; {100 * self.clipped:.1f} % are clipped"
        )


def examine(arrays: Mapping[str, np.ndarray], eigenvectors: np.ndarray, means: np.ndarray) -> Evidence | None:
    """Turns VGGish rows back into embeddings and counts their negative values.

    Args:
        arrays: rows [R, 128] by video; the first 200 are looked at.
        eigenvectors: of the PCA [128, 128], one a row, orthogonal.
        means: of the PCA [128].

    Returns:
        None where no array is 128 wide.
    """
    found = [rows for name in islice(arrays, _VIDEOS) if (rows := arrays[name]).shape[1] == WIDTH]
    if not found:
        return None
    rows = np.concatenate(found).astype(np.float64)
    whitened, form, clipped = _whitened(rows)
    embeddings = whitened @ np.linalg.inv(eigenvectors.astype(np.float64)).T + means
    return Evidence(form, float((embeddings < _BELOW).mean()), clipped)


def _whitened(rows: np.ndarray) -> tuple[np.ndarray, str, float]:
    """Undoes the quantisation: the rows of the PCA, how they were stored, and the share that was clipped."""
    if rows.min() < 0 or rows.max() > _LEVELS:
        return rows, "rows of the PCA, not quantised", 0.0
    is_divided = rows.max() <= 1
    bytes_ = rows * _LEVELS if is_divided else rows
    if np.abs(bytes_ - bytes_.round()).max() > 1e-2:
        return rows, "rows of the PCA, not quantised", 0.0
    clipped = float(((bytes_ < 0.5) | (bytes_ > _LEVELS - 0.5)).mean())
    form = "quantised to 8 bits and divided by 255" if is_divided else "quantised to 8 bits"
    return bytes_ / _LEVELS * 2 * _CLIP - _CLIP, form, clipped
