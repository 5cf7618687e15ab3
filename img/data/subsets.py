"""Shares of things by name: the same ones at every call, a smaller share within every larger one."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable


def choose_share(names: Iterable[str], share: float) -> frozenset[str]:
    """Chooses a share of names, rounded to whole names, in the order of their numbers.

    Args:
        names: what to choose from; a name given twice counts once.
        share: from 0 to 1.
    """
    ordered = sorted(set(names), key=number_of)
    return frozenset(ordered[: round(share * len(ordered))])


def number_of(name: str) -> int:
    """Returns a number below 2^64 that follows from a name alone."""
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big")
