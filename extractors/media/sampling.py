"""Which frames are shown when: the arithmetic of sampling by time, free of any decoder."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Generic, NamedTuple, TypeVar

import numpy as np

from extractors.frame_plan import Shown

T = TypeVar("T")

# Timestamps are quotients in floating point: without this, a tie between two slots would fall either way.
_TIE_TOLERANCE = 1e-6


@dataclass(frozen=True, slots=True)
class Window:
    """A stretch of a video as a network takes it.

    Attributes:
        data: frames uint8 [F, H, W, 3] (RGB), samples float32 [S], or what else the kind's network takes.
        start: seconds from the video's start.
        end: seconds from the video's start.
    """

    data: np.ndarray
    start: float
    end: float


class Timed(NamedTuple, Generic[T]):
    """Something shown from `start` until `end`, in seconds."""

    item: T
    start: float
    end: float


def frames_at_rate(
    frames: Iterable[Timed[T]], frame_rate: float | None, shown: Shown = "middle"
) -> Iterator[list[Timed[T]]]:
    """Samples frames by their timestamps, whatever the rate they come at, constant or not.

    `middle` is the rule of ffmpeg's `fps` filter (round=near): a frame belongs to the output slot
    round(seconds since the first frame * frame_rate), halves up; every slot shows the last frame whose slot
    is not later; the last frame is held to its end, so there are round(duration * frame_rate) slots, one at
    least. By `start`, slot k shows the frame on screen at k / frame_rate, and there are as many slots as
    begin before the video ends. Frames are looked at one by one: only the one before the newest is kept.

    Args:
        frames: source frames in order of display. The `end` of all but the last is ignored: a frame lasts
            until the next one starts.
        frame_rate: slots per second; None takes every source frame once.
        shown: which frame a slot shows.

    Yields:
        For every source frame that is shown, the slots it fills (one or more), their times counted from the
        first frame's start.
    """
    source = iter(frames)
    frame = next(source, None)
    origin = frame.start if frame else 0.0
    next_slot = 0
    while frame is not None:
        following = next(source, None)
        end = (following.start if following else frame.end) - origin
        if frame_rate is None:
            yield [Timed(frame.item, frame.start - origin, end)]
        else:
            end_slot = _slot(end, frame_rate, shown)
            if following is None:
                end_slot = max(end_slot, 1)
            if end_slot > next_slot:
                slots = range(next_slot, end_slot)
                yield [Timed(frame.item, slot / frame_rate, (slot + 1) / frame_rate) for slot in slots]
                next_slot = end_slot
        frame = following


def _slot(seconds: float, frame_rate: float, shown: Shown) -> int:
    """The first slot that shows a frame which begins at these seconds."""
    if shown == "start":
        return math.ceil(seconds * frame_rate - _TIE_TOLERANCE)
    return math.floor(seconds * frame_rate + 0.5 + _TIE_TOLERANCE)
