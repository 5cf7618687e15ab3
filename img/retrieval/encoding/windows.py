"""A long video in overlapping windows, each of which is read like a video of its own."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

SHORTEST = 1.0
"""Seconds that a window has at least."""


@dataclass(frozen=True)
class Window:
    """A part of a video.

    Attributes:
        name: its id among the windows.
        start: in seconds.
        end: in seconds.
    """

    name: str
    start: float
    end: float

    @property
    def seconds(self) -> float:
        """How long it is."""
        return self.end - self.start


def place_windows(duration: float, seconds: float | None, whole: str) -> list[Window]:
    """Cuts a video into windows of equal length, each of which begins in the middle of the one before.

    The last one ends with the video, and overlaps the one before it by more than half where it must.

    Args:
        duration: of the video, in seconds.
        seconds: of a window; None takes the video as one.
        whole: what the one window is called that is the whole video.

    Raises:
        ValueError: the windows are too short.
    """
    if seconds is None or seconds >= duration:
        return [Window(whole, 0.0, duration)]
    if seconds < SHORTEST:
        raise ValueError(f"window: expected at least {SHORTEST:g} s, found {seconds:g}")
    last = duration - seconds
    starts = [*np.arange(0.0, last, seconds / 2).tolist(), last]
    return [Window(str(number), start, start + seconds) for number, start in enumerate(starts)]
