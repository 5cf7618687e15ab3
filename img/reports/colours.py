"""The colour of each branch of a system, the same in every figure and on the page.

The first three are told apart by people with any of the common colour blindnesses (Okabe and Ito, Color
Universal Design, 2008); their darkness differs too, for prints without colour.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Colour:
    """A colour as `#rrggbb`, on light and on dark ground."""

    light: str
    dark: str


_BRANCHES = (
    Colour("#0b5fa5", "#6cb6ff"),
    Colour("#b8500a", "#ff9e57"),
    Colour("#0a7f60", "#4fd6ab"),
    Colour("#9c3d82", "#ee9bd4"),
)
"""The preferred branch's first."""


def colour_of(branches: Sequence[str], branch: str) -> Colour:
    """Returns the colour of a branch among those that a system has, the preferred one first."""
    return _BRANCHES[list(branches).index(branch) % len(_BRANCHES)]
