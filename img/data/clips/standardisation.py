"""Values brought to mean 0 and standard deviation 1, by statistics that are kept for videos yet to come."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

_SMALLEST_DEVIATION = 1e-6


@dataclass(frozen=True)
class Standardisation:
    """What standardises rows of one stream.

    Attributes:
        mean: [D] float64.
        deviation: [D] float64, 0 for a value that never changes.
    """

    mean: np.ndarray
    deviation: np.ndarray

    @staticmethod
    def of(parts: Iterable[np.ndarray]) -> Standardisation | None:
        """Takes the statistics of sequences of rows [n, D] taken together; None where there are no rows."""
        count, total, squares = 0, np.zeros(1), np.zeros(1)
        for part in parts:
            rows = part.astype(np.float64)
            count += len(rows)
            total = total + rows.sum(axis=0)
            squares = squares + np.square(rows).sum(axis=0)
        if count == 0:
            return None
        mean = total / count
        deviation = np.sqrt(np.maximum(squares / count - np.square(mean), 0))
        # A value that never changes carries nothing, whatever rounding left of its deviation.
        return Standardisation(mean, np.where(deviation > _SMALLEST_DEVIATION, deviation, 0.0))

    @staticmethod
    def from_json(values: Mapping[str, Sequence[float]]) -> Standardisation:
        """Reads what `to_json` gave, to the last bit."""
        return Standardisation(np.array(values["mean"]), np.array(values["deviation"]))

    def to_json(self) -> dict[str, list[float]]:
        """Returns the statistics as lists of numbers."""
        return {"mean": self.mean.tolist(), "deviation": self.deviation.tolist()}

    def apply(self, rows: np.ndarray) -> np.ndarray:
        """Standardises rows [n, D], float32; a value that never changes becomes 0."""
        changes = self.deviation > 0
        scale = np.divide(1.0, self.deviation, out=np.zeros_like(self.deviation), where=changes)
        standardised: np.ndarray = ((rows - self.mean) * scale).astype(np.float32)
        return standardised
