"""Two collections of feature arrays held against each other, one video at a time."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from extractors.names import PREFIX

TIME_BINS = 20


class Pair(NamedTuple):
    """A video's ids in A and in B; None where it is in the other alone."""

    a: str | None
    b: str | None

    @property
    def name(self) -> str:
        """The video's id: the one in A where it is there."""
        return self.a or self.b or ""


@dataclass(frozen=True)
class Similarity:
    """How alike two arrays are.

    Attributes:
        mean: cosine of the rows, both averaged to as many as the shorter has; the mean.
        over_time: cosine over relative time, float64 [TIME_BINS].
    """

    mean: float
    over_time: np.ndarray


@dataclass(frozen=True)
class Video:
    """What was found of one video.

    Attributes:
        pair: its ids.
        shape_a: rows and width in A; None where it is not in A, or cannot be read.
        shape_b: likewise in B.
        similarity: of its two arrays; None where there are not two, or their widths differ.
        unrelated: of its array in A with another video's in B, likewise.
        fault: why an array cannot be read; empty if all can.
    """

    pair: Pair
    shape_a: tuple[int, int] | None = None
    shape_b: tuple[int, int] | None = None
    similarity: Similarity | None = None
    unrelated: Similarity | None = None
    fault: str = ""

    @property
    def ratio(self) -> float | None:
        """Rows of B for one of A; None where there are not two arrays."""
        if self.shape_a is None or self.shape_b is None:
            return None
        return self.shape_b[0] / self.shape_a[0]


def match(a: Mapping[str, object], b: Mapping[str, object]) -> list[Pair]:
    """Pairs the ids of A and B: equal ones, then those equal but for the prefix `v_`.

    Returns:
        Every id of either, those in both first, each in the order of their ids.
    """
    both = [Pair(name, name) for name in sorted(a) if name in b]
    bare = {name.removeprefix(PREFIX): name for name in b if name not in a}
    for name in sorted(name for name in a if name not in b):
        other = bare.pop(name.removeprefix(PREFIX), None)
        if other is not None:
            both.append(Pair(name, other))
    paired_a, paired_b = {pair.a for pair in both}, {pair.b for pair in both}
    only_a = [Pair(name, None) for name in sorted(a) if name not in paired_a]
    only_b = [Pair(None, name) for name in sorted(b) if name not in paired_b]
    return sorted(both, key=lambda pair: pair.name) + only_a + only_b


def compare(a: Mapping[str, np.ndarray], b: Mapping[str, np.ndarray]) -> Iterator[Video]:
    """Compares every video of A and B.

    Videos in both come in an order shuffled by a hash of their ids; each one's array in A is also held
    against the array in B of the one before, the first's against the last's: what unrelated videos give.
    Three arrays are in memory at a time, where the mappings read on demand.

    Yields:
        Videos, those in both first.
    """
    pairs = match(a, b)
    both = [pair for pair in pairs if pair.a is not None and pair.b is not None]
    both.sort(key=lambda pair: hashlib.sha256(pair.name.encode(errors="surrogatepass")).digest())
    # Of one video nothing else is unrelated.
    before = _read(b, both[-1].b)[0] if len(both) > 1 else None
    for pair in both:
        rows_a, fault_a = _read(a, pair.a)
        rows_b, fault_b = _read(b, pair.b)
        yield Video(
            pair,
            _shape(rows_a),
            _shape(rows_b),
            similarity=similarity(rows_a, rows_b),
            unrelated=similarity(rows_a, before),
            fault="; ".join(filter(None, (fault_a, fault_b))),
        )
        before = rows_b if len(both) > 1 else None
    for pair in pairs:
        if pair.a is None or pair.b is None:
            rows_a, fault_a = _read(a, pair.a)
            rows_b, fault_b = _read(b, pair.b)
            yield Video(pair, _shape(rows_a), _shape(rows_b), fault=fault_a or fault_b)


class Centred(Mapping[str, np.ndarray]):
    """Arrays less the mean row of their collection.

    Rows after a ReLU all point into one corner of space, so that the cosine of any two is near 1. Less the
    mean, it says what is particular to them.
    """

    def __init__(self, arrays: Mapping[str, np.ndarray]) -> None:
        """Reads every array once for the mean over videos of their mean rows; some may not be readable."""
        self._arrays = arrays
        total: np.ndarray | None = None
        count = 0
        for name in arrays:
            rows, _ = _read(arrays, name)
            if rows is not None and (total is None or rows.shape[1] == len(total)):
                mean = rows.mean(axis=0, dtype=np.float64)
                total = mean if total is None else total + mean
                count += 1
        self._mean = None if total is None else total / count

    def __getitem__(self, name: str) -> np.ndarray:
        rows = self._arrays[name]
        if self._mean is None or rows.shape[1] != len(self._mean):
            expected = 0 if self._mean is None else len(self._mean)
            raise ValueError(f"{name}: expected rows of width {expected} to centre, found {rows.shape[1]}")
        return rows - self._mean

    def __contains__(self, name: object) -> bool:
        # A mapping's own would read the array.
        return name in self._arrays

    def __iter__(self) -> Iterator[str]:
        return iter(self._arrays)

    def __len__(self) -> int:
        return len(self._arrays)


def similarity(a: np.ndarray | None, b: np.ndarray | None) -> Similarity | None:
    """Compares two arrays [R, D] and [R', D], whatever their lengths; None where one lacks or D differs."""
    if a is None or b is None or a.shape[1] != b.shape[1]:
        return None
    length = min(len(a), len(b))
    return Similarity(
        float(_cosines(average_parts(a, length), average_parts(b, length)).mean()),
        _cosines(average_parts(a, TIME_BINS), average_parts(b, TIME_BINS)),
    )


def average_parts(rows: np.ndarray, bins: int) -> np.ndarray:
    """Averages rows over equal parts of time, each row taken to last 1 / R of it.

    A row that lies in two parts counts in each by how much of it does; a part within one row is that row.

    Args:
        rows: [R, D].
        bins: T.

    Returns:
        float64 [T, D].
    """
    count = len(rows)
    rows = rows.astype(np.float64)
    integral = np.concatenate([np.zeros((1, rows.shape[1])), np.cumsum(rows, axis=0)])
    edges = np.arange(bins + 1) * count / bins
    whole = np.minimum(edges.astype(np.intp), count - 1)
    at_edges = integral[whole] + (edges - whole)[:, None] * rows[whole]
    return np.diff(at_edges, axis=0) * (bins / count)


def _cosines(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Cosine of each row of A with that of B; 0 where one is all zeros and has no direction."""
    norms = np.linalg.norm(a, axis=1) * np.linalg.norm(b, axis=1)
    return np.divide((a * b).sum(axis=1), norms, out=np.zeros(len(a)), where=norms > 0)


def _read(arrays: Mapping[str, np.ndarray], name: str | None) -> tuple[np.ndarray | None, str]:
    if name is None:
        return None, ""
    try:
        return arrays[name], ""
    except (ValueError, OSError) as error:
        return None, str(error)


def _shape(rows: np.ndarray | None) -> tuple[int, int] | None:
    return None if rows is None else (rows.shape[0], rows.shape[1])
