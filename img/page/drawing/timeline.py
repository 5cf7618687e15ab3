"""The timeline below the player: time, frames, sound, and what each branch says at every moment."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from img.page.drawing.rendering import render
from img.page.looking.strip import Strip
from img.reports.colours import Colour

_STEPS = (0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600)
_TICKS = 8
_NUMBER_SHARE = 0.015
"""Of the timeline's width, for a number."""
_DOWNWARDS = "end"
"""The curve drawn dashed, so that a start and an end at one clip can be told apart."""


@dataclass(frozen=True)
class Band:
    """A span on a lane.

    Attributes:
        start: in seconds.
        end: in seconds.
        rank: from 1, the best answer of its branch.
    """

    start: float
    end: float
    rank: int = 1


@dataclass(frozen=True)
class Lane:
    """What one branch says.

    Attributes:
        name: of the branch.
        colour: of the branch.
        bands: its answers, the best first.
        curves: what it says of each clip by name [T]; maybe none.
        chosen: whether the answers beside the player are this branch's.
    """

    name: str
    colour: Colour
    bands: Sequence[Band]
    curves: Mapping[str, np.ndarray] = field(default_factory=dict)
    chosen: bool = False


def render_timeline(
    duration: float,
    strip: Strip,
    lanes: Sequence[Lane] = (),
    annotated: Band | None = None,
    importance: float = math.nan,
) -> str:
    """Draws a timeline as HTML.

    Args:
        duration: of the video, in seconds.
        strip: its frames and sound.
        lanes: one for each branch that answered; none before the first question.
        annotated: the moment that people annotated, where it is known.
        importance: of the sound, 0 to 1; nan where the model says nothing of it.
    """
    return render(
        "timeline.html.jinja",
        duration=duration,
        ticks=[
            {"left": _percent(tick, duration), "seconds": tick, "minor": number % 2 == 1}
            for number, tick in enumerate(_ticks(duration))
        ],
        strip=strip,
        lanes=[_view(lane, duration) for lane in lanes],
        annotated=_place(annotated, duration) if annotated else None,
        importance=None if math.isnan(importance) else importance,
        curves=list(dict.fromkeys(name for lane in lanes for name in lane.curves)),
        dashed=_DOWNWARDS,
    )


def _view(lane: Lane, duration: float) -> dict[str, object]:
    # Worse answers first, so that the best lies on top.
    return {
        "name": lane.name,
        "colour": lane.colour,
        "chosen": lane.chosen,
        "bands": [
            {**_place(band, duration), "told": _has_room(band, lane.bands[:better], duration)}
            for better, band in reversed(list(enumerate(lane.bands)))
        ],
        "curves": _draw_curves(lane.curves),
    }


def _has_room(band: Band, better: Sequence[Band], duration: float) -> bool:
    """Tells whether a band's number would stand on that of no better one."""
    return all(abs(band.start - other.start) >= _NUMBER_SHARE * duration for other in better)


def _place(band: Band, duration: float) -> dict[str, object]:
    start, end = max(band.start, 0.0), min(band.end, duration)
    return {
        "left": _percent(start, duration),
        "width": _percent(max(end - start, 0.0), duration),
        "band": band,
    }


def _percent(seconds: float, duration: float) -> str:
    return f"{100 * seconds / duration:.3f}%" if duration else "0%"


def _ticks(duration: float) -> list[float]:
    step = next((step for step in _STEPS if duration / step <= _TICKS), _STEPS[-1])
    return [float(tick) for tick in np.arange(0, duration, step)]


def _draw_curves(curves: Mapping[str, np.ndarray]) -> list[dict[str, object]]:
    """Draws curves as SVG paths in a box from (0, 0) to (1000, 100); each reaches its own height."""
    drawn = []
    for name, values in curves.items():
        finite = np.nan_to_num(np.asarray(values, np.float64))
        peak = float(finite.max(initial=0.0)) or 1.0
        places = (np.arange(len(finite)) + 0.5) / max(len(finite), 1) * 1000
        heights = 96 - 90 * np.clip(finite / peak, 0, 1)
        points = [f"{x:.1f},{y:.1f}" for x, y in zip(places, heights, strict=True)]
        if points:
            first, last = points[0].partition(",")[2], points[-1].partition(",")[2]
            path = f"M0,{first} L" + " L".join(points) + f" L1000,{last}"
            drawn.append({"name": name, "path": path, "dashed": name == _DOWNWARDS})
    return drawn
