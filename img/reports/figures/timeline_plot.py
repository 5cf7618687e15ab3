"""Single queries along their video's time (Figures 6, 7 and 10 of the paper)."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from textwrap import fill

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes

from extractors.media.preview import Preview
from img.reports.figures.style import mark_simulated, plain, save_figure, style_branch
from img.reports.timelines import Timeline

_TITLE_WIDTH = 80
"""Letters of a title that the figure has room for."""

_DOWNWARDS = "end"
"""The curve drawn downwards, so that a start and an end at one clip do not cover each other."""


def plot_timelines(
    timelines: Sequence[Timeline],
    previews: Mapping[str, Preview],
    title: str,
    simulated: Sequence[str],
    out: Path,
) -> None:
    """Draws, query by query: pictures, sound, the moment, and each branch's span and curves.

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
        traced = any(branch.traces for branch in timeline.branches.values())
        heights = [*rows, 1.2, *([1.5] if traced else [])]
        axes = part.subplots(len(heights), 1, sharex=True, height_ratios=heights, squeeze=False)[:, 0]
        if preview is not None:
            _draw_pictures(axes[0], preview)
            _draw_sound(axes[1], preview)
        _draw_spans(axes[len(rows)], timeline)
        if traced:
            _draw_traces(axes[-1], timeline)
        axes[-1].set(xlabel="time in the video (s)", xlim=(0, timeline.duration))
        heading = plain(fill(_heading(timeline), _TITLE_WIDTH + 20))
        part.suptitle(heading, fontsize="medium", x=0.01, ha="left")
    save_figure(figure, out)


def _heading(timeline: Timeline) -> str:
    importance = timeline.importance
    told = "" if math.isnan(importance) else f", importance of the sound {importance:.3f}"
    of = ", ".join(filter(None, (timeline.video, timeline.query)))
    why = f"; {timeline.reason}" if timeline.reason else ""
    return f"“{timeline.sentence}” ({of}{why}{told})"


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
    """Draws the annotated moments, where there are any, and below them each branch's span."""
    annotated = ["annotated"] if timeline.windows else []
    names = [*annotated, *timeline.branches]
    for start, end in timeline.windows:
        axes.barh(0, end - start, left=start, color="white", edgecolor="black", hatch="//")
    for row, (name, branch) in enumerate(timeline.branches.items(), start=len(annotated)):
        shade = style_branch(list(timeline.branches), name)["color"]
        axes.barh(row, branch.end - branch.start, left=branch.start, color=shade, edgecolor="black")
        axes.text(
            1.01,
            row,
            f"IoU {branch.iou:.2f}" if annotated else f"{branch.start:.1f} to {branch.end:.1f} s",
            transform=axes.get_yaxis_transform(),
            va="center",
            fontsize="small",
        )
    axes.set_yticks(range(len(names)), names)
    axes.invert_yaxis()


def _draw_traces(axes: Axes, timeline: Timeline) -> None:
    names = list(timeline.branches)
    for name, branch in timeline.branches.items():
        for order, (trace, values) in enumerate(branch.traces.items()):
            centres = (np.arange(len(values)) + 0.5) * timeline.duration / len(values)
            sign = -1 if trace == _DOWNWARDS else 1
            label = name if order == 0 else None
            axes.plot(centres, sign * values, label=label, **style_branch(names, name))
    axes.axhline(0, color="black", linewidth=0.5)
    traces = list(dict.fromkeys(trace for branch in timeline.branches.values() for trace in branch.traces))
    directions = [f"{trace} down" if trace == _DOWNWARDS else f"{trace} up" for trace in traces]
    axes.set(ylabel="\n".join(directions))
    axes.legend(frameon=False, fontsize="small", ncols=3)
