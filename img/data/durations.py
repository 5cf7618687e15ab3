"""How long a video is: what its annotation says, and what its clips cover.

docs/alignment.md gives the rules and the reasons.
"""

from __future__ import annotations

import numpy as np

LARGEST_DIFFERENCE = 2.0
"""Seconds by which the two may differ in ordinary data."""

LARGEST_SHARE = 0.15
"""Share of the annotated duration by which they may differ, where that is less."""

AGREES, SHORTER, LONGER = "as annotated", "shorter", "longer"


def compare_durations(annotated: np.ndarray, covered: np.ndarray) -> np.ndarray:
    """Tells whether videos are as long as annotated.

    Args:
        annotated: durations in seconds [Q].
        covered: seconds that the videos' clips cover [Q]; nan where nobody knows.

    Returns:
        For each `as annotated`, `shorter` or `longer`; empty where nobody knows.
    """
    allowed = np.minimum(LARGEST_DIFFERENCE, LARGEST_SHARE * annotated)
    difference = covered - annotated
    cases = [np.isnan(difference), difference < -allowed, difference > allowed]
    return np.select(cases, ["", SHORTER, LONGER], AGREES)


def choose_duration(annotated: np.ndarray, covered: np.ndarray) -> np.ndarray:
    """Returns the seconds [Q] that videos' clips share: as annotated, or as covered where these differ.

    Where no duration is annotated (nan) it is as covered; nan where nobody knows that either.
    """
    differs = np.isin(compare_durations(annotated, covered), (SHORTER, LONGER))
    return np.where(differs | np.isnan(annotated), covered, annotated)


def find_beyond(start: np.ndarray, annotated: np.ndarray, covered: np.ndarray) -> np.ndarray:
    """Tells which moments begin after all that is there of a video [Q].

    It is shorter than annotated, or nobody annotated its duration (nan).
    """
    is_end = (compare_durations(annotated, covered) == SHORTER) | np.isnan(annotated)
    return is_end & (start >= covered)


def find_cut(start: np.ndarray, end: np.ndarray, annotated: np.ndarray, covered: np.ndarray) -> np.ndarray:
    """Tells which moments lie partly beyond all that is there of a shorter video [Q]."""
    is_shorter = compare_durations(annotated, covered) == SHORTER
    return is_shorter & (start < covered) & (end > covered)
