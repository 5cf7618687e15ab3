"""What all figures share: lines told apart without colour, and how a figure is kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from extractors.storage.files import replacing
from img.reports.colours import colour_of

_DASHES = ("-", "--", ":", "-.")
"""One for each branch of a system, the preferred one first: prints without colour show them."""

LINES: tuple[Mapping[str, Any], ...] = (
    {"linestyle": "-", "marker": "o", "color": "black"},
    {"linestyle": "--", "marker": "s", "color": "0.45", "markerfacecolor": "white"},
    {"linestyle": ":", "marker": "^", "color": "0.25"},
    {"linestyle": "-.", "marker": "D", "color": "0.6"},
)
"""One for each line of a plot, told apart by dash, mark and shade."""


def style_branch(branches: Sequence[str], branch: str) -> Mapping[str, Any]:
    """Returns the line style and colour of a branch among those that a system has."""
    dash = _DASHES[list(branches).index(branch) % len(_DASHES)]
    return {"linestyle": dash, "color": colour_of(branches, branch).light}


def finish_axes(axes: Axes, **labels: Any) -> None:
    """Labels axes and gives them a faint grid."""
    axes.set(**labels)
    axes.grid(alpha=0.3)


def save_figure(figure: Figure, out: Path) -> None:
    """Writes a figure, whole or not at all, and lets go of it."""
    with replacing(out) as temporary:
        figure.savefig(temporary, format=out.suffix[1:], dpi=120)
    plt.close(figure)


def plain(text: str) -> str:
    """Returns text that Matplotlib shows as it is: between two dollar signs it would read a formula."""
    return text.replace("$", r"\$")


def mark_simulated(simulated: Sequence[str]) -> str:
    """Returns what a title says of made-up data; empty where there is none."""
    return f" (simulated data: {', '.join(simulated)})" if simulated else ""
