"""Single queries along their video's time (Figures 6, 7 and 10 of the paper)."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from textwrap import fill
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes

from extractors.media.preview import Preview
from img.reports.figures.style import BRANCH_STYLES, mark_simulated, plain, save_figure
from img.reports.timelines import Timeline

_TITLE_WIDTH = 80
"""Letters of a title that the figure has room for."""

_SHADES = {"fusion": "black", "visual": "0.45", "audio": "0.7"}


def plot_timelines(
    timelines: Sequence[Timeline],
    previews: Mapping[str, Preview],
    title: str,
    simulated: Sequence[str],
    out: Path,
) -> None:
    """Draws, query by query: pictures, sound, the moment and each branch's span, start and end probabilities.

    Args:
        timelines: the queries.
        previews: video -> its pictures and sound; a query whose video has none goes without.
        title: of the figure.
        simulated: datasets of made-up data.
        out: .png or .svg to write.
    """
    figure = plt.figure(figsize=(9, 4.4 * len(timelines) + 0.6), layout="constrained")
    figure.suptitle(plain(fill(f"{title}{mark_simulated(simulated)}", _TITLE_WIDTH)))
    parts = figure.subfigures(len(timelines), 1, squeeze=False)[:, 0]
    for part, timeline in zip(parts, timelines, strict=True):
        preview = previews.get(timeline.video)
        rows = [1.0, 0.8] if preview is not None else []
        axes = part.subplots(len(rows) + 2, 1, sharex=True, height_ratios=[*rows, 1.2, 1.5])
        if preview is not None:
            _draw_pictures(axes[0], preview)
            _draw_sound(axes[1], preview)
        _draw_spans(axes[-2], timeline)
        _draw_probabilities(axes[-1], timeline)
        axes[-1].set(xlabel="time in the video (s)", xlim=(0, timeline.duration))
        heading = plain(fill(_heading(timeline), _TITLE_WIDTH + 20))
        part.suptitle(heading, fontsize="medium", x=0.01, ha="left")
    save_figure(figure, out)


def _heading(timeline: Timeline) -> str:
    importance = timeline.importance
    told = "" if math.isnan(importance) else f", importance of the sound {importance:.3f}"
    return f"“{timeline.sentence}” ({timeline.video}, {timeline.query}; {timeline.reason}{told})"


def _draw_pictures(axes: Axes, preview: Preview) -> None:
    strip = np.concatenate([*preview.pictures], axis=1)
    axes.imshow(strip, extent=(0, preview.video_seconds, 0, 1), aspect="auto")
    axes.set(yticks=[])


def _draw_sound(axes: Axes, preview: Preview) -> None:
    if len(preview.loudness):
        times = np.linspace(0, preview.sound_seconds, len(preview.loudness))
        axes.fill_between(times, -preview.loudness, preview.loudness, color="0.5", linewidth=0)
        axes.set(ylim=(-1, 1))
    else:
        axes.text(0.5, 0.5, "no sound", transform=axes.transAxes, ha="center", va="center")
    axes.set(yticks=[], ylabel="sound")


def _draw_spans(axes: Axes, timeline: Timeline) -> None:
    names = ["annotated", *timeline.branches]
    axes.barh(
        0, timeline.end - timeline.start, left=timeline.start, color="white", edgecolor="black", hatch="//"
    )
    for place, (name, branch) in enumerate(timeline.branches.items(), start=1):
        axes.barh(place, branch.end - branch.start, left=branch.start, color=_SHADES[name], edgecolor="black")
        axes.text(
            1.01,
            place,
            f"IoU {branch.iou:.2f}",
            transform=axes.get_yaxis_transform(),
            va="center",
            fontsize="small",
        )
    axes.set_yticks(range(len(names)), names)
    axes.invert_yaxis()


def _draw_probabilities(axes: Axes, timeline: Timeline) -> None:
    for name, branch in timeline.branches.items():
        clips = len(branch.start_probability)
        centres = (np.arange(clips) + 0.5) * timeline.duration / clips
        style: dict[str, Any] = {"linestyle": BRANCH_STYLES[name], "color": _SHADES[name]}
        axes.plot(centres, branch.start_probability, label=name, **style)
        # Downwards, so that a start and an end at one clip do not cover each other.
        axes.plot(centres, -branch.end_probability, **style)
    axes.axhline(0, color="black", linewidth=0.5)
    axes.set(ylabel="probability:\nstart up, end down", ylim=(-1.05, 1.05))
    axes.legend(frameon=False, fontsize="small", ncols=3)
