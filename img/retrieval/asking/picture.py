"""A picture of answers along their videos' time: frames, sound, and what each branch says."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path

from extractors.media.errors import MediaError
from extractors.media.preview import Preview, preview
from img.reports.figures.timeline_plot import plot_timelines
from img.reports.timelines import Timeline

log = logging.getLogger(__name__)


def draw(timelines: Sequence[Timeline], files: Mapping[str, Path], title: str, out: Path) -> None:
    """Draws what was answered.

    Args:
        timelines: as `Retriever.trace` gives them.
        files: the file of each video, by its id; one without goes without frames and sound.
        title: of the picture.
        out: .png or .svg to write.
    """
    wanted = dict.fromkeys(timeline.video for timeline in timelines)
    previews = {video: found for video in wanted if (found := _look(files.get(video))) is not None}
    plot_timelines(timelines, previews, title, [], out)


def _look(path: Path | None) -> Preview | None:
    if path is None or not path.is_file():
        return None
    try:
        return preview(path)
    except MediaError as error:
        log.warning(f"{error}; no frames in the picture")
        return None
