"""Which name was perhaps meant by one that nothing has."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Sequence

_ASKED = 3
"""Names that a nearest one is looked for: a comparison with thousands of others takes its time."""

_LEAST = 0.6
"""Likeness, from 0 to 1, below which a name is no near one."""


def name_nearest(names: Sequence[str], others: Collection[str]) -> str:
    """Says which of some other names are like the first few names; nothing where none is.

    Args:
        names: that nothing is called.
        others: that something is called.
    """
    by_letters = {other.lower(): other for other in others}
    pairs = []
    for name in names[:_ASKED]:
        near = difflib.get_close_matches(name.lower(), list(by_letters), 1, _LEAST)
        pairs += [f"{by_letters[found]!r} for {name!r}" for found in near]
    return f"; nearest: {', '.join(pairs)}" if pairs else ""
