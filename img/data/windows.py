"""Queries with several moments: a sample for each in training, held against the nearest in scoring."""

from __future__ import annotations

import numpy as np
import pandas as pd

FURTHER = "further_windows"
"""Column of a queries table: the moments of a query beyond its first, a list of (start, end) in seconds."""


def split_windows(queries: pd.DataFrame) -> pd.DataFrame:
    """Gives every moment a row of its own, in the order of the queries; a query of one moment stays as it is.

    Args:
        queries: the queries table; without the column `FURTHER` each query has one moment.
    """
    counts = _count(queries)
    if (counts == 1).all():
        return queries
    rows = np.repeat(np.arange(len(queries)), counts)
    windows = list_windows(queries)
    apart = np.concatenate([windows[query, :count] for query, count in enumerate(counts)])
    none = pd.Series([()] * len(rows), dtype=object)
    table = queries.iloc[rows].reset_index(drop=True)
    return table.assign(start=apart[:, 0], end=apart[:, 1], **{FURTHER: none})


def list_windows(queries: pd.DataFrame) -> np.ndarray:
    """Returns every query's moments in seconds [Q, W, 2]; one with fewer than W repeats its first.

    Args:
        queries: the queries table.
    """
    first = queries[["start", "end"]].to_numpy(float)
    counts = _count(queries)
    windows = np.repeat(first[:, None], max(counts, default=1), axis=1)
    for query in np.flatnonzero(counts > 1):
        windows[query, 1 : counts[query]] = [tuple(window) for window in queries[FURTHER].iloc[query]]
    return windows


def _count(queries: pd.DataFrame) -> np.ndarray:
    """Counts the moments of each query [Q]."""
    if FURTHER not in queries:
        return np.ones(len(queries), np.int64)
    return np.array([1 + len(windows) for windows in queries[FURTHER]], np.int64)
