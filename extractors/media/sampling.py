"""Which frames, and which windows of them: the arithmetic of sampling, free of any decoder."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Generic, NamedTuple, TypeVar

import numpy as np

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


def frames_at_rate(frames: Iterable[Timed[T]], frame_rate: float | None) -> Iterator[list[Timed[T]]]:
    """Samples frames by their timestamps, whatever the rate they come at, constant or not.

    The rule of ffmpeg's `fps` filter (round=near): a frame belongs to the output slot
    round(seconds since the first frame * frame_rate), halves up; every slot shows the last frame whose slot
    is not later; the last frame is held to its end, so there are round(duration * frame_rate) slots, one at
    least. Frames are looked at one by one: only the one before the newest is kept.

    Args:
        frames: source frames in order of display. The `end` of all but the last is ignored: a frame lasts
            until the next one starts.
        frame_rate: slots per second; None takes every source frame once.

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
            end_slot = _slot(end, frame_rate)
            if following is None:
                end_slot = max(end_slot, 1)
            if end_slot > next_slot:
                slots = range(next_slot, end_slot)
                yield [Timed(frame.item, slot / frame_rate, (slot + 1) / frame_rate) for slot in slots]
                next_slot = end_slot
        frame = following


def _slot(seconds: float, frame_rate: float) -> int:
    return math.floor(seconds * frame_rate + 0.5 + _TIE_TOLERANCE)


def cut_windows(frames: Iterable[T], window: int, stride: int) -> Iterator[list[T]]:
    """Cuts a stream of frames into windows, by the rule the published features were made with.

    For n frames, a window begins at every start in range(0, n, stride) and ends before
    min(n - 1, start + window); one that comes out short is moved back to start at
    max(0, end - window). So the last windows are full and may overlap or repeat the one before, and the very
    last frame is never used. Where all the usable frames are fewer than a window, the last of them (the only
    one, if n is 1) is repeated to fill it.

    Args:
        frames: the frames in order; at most window + 1 of them are kept.
        window: F, frames in a window.
        stride: frames between the starts of two windows.

    Yields:
        The F frames of each window, as soon as the frame after them has come.
    """
    recent: deque[T] = deque(maxlen=window + 1)
    count = 0
    start = 0
    for frame in frames:
        recent.append(frame)
        count += 1
        if count == start + window + 1:
            yield list(recent)[:-1]
            start += stride
    last = list(recent)[:-1] or list(recent)
    for _ in range(start, count, stride):
        yield last + last[-1:] * (window - len(last))


def resize_and_crop(frame: np.ndarray, shorter_side: int, shrink: bool, crop: int) -> np.ndarray:
    """Scales a frame so that its shorter side has a given length, and takes the square in its middle.

    Bilinear without antialiasing, half-pixel centres: the arithmetic of cv2.resize(frame, None, fx=s, fy=s),
    which the published features were made with, to the rounding of its fixed-point numbers. Both sides are
    scaled by exactly s; the longer side's length is rounded, halves to even, as are the offsets of the crop.
    Only the pixels of the crop are computed.

    Args:
        frame: uint8 [H, W, 3].
        shorter_side: pixels of the shorter side after scaling.
        shrink: scale larger frames down too; otherwise they keep their size.
        crop: pixels of the side of the square, at most `shorter_side`.

    Returns:
        uint8 [crop, crop, 3].
    """
    height, width, _ = frame.shape
    grid = _crop_grid(height, width, shorter_side, shrink, crop)
    rows = frame[:, grid.columns]
    upper = rows[grid.top]
    if not grid.scaled:
        return upper[:, grid.left]
    rows = upper + (rows[grid.bottom].astype(np.float32) - upper) * grid.down[:, None, None]
    left = rows[:, grid.left]
    pixels = left + (rows[:, grid.right] - left) * grid.across[:, None]
    return (pixels + 0.5).astype(np.uint8)


class _Grid(NamedTuple):
    """Where the pixels of the crop lie in the frame: the neighbours and the way between them (0 to 1)."""

    scaled: bool
    top: np.ndarray
    bottom: np.ndarray
    down: np.ndarray
    columns: slice
    left: np.ndarray
    right: np.ndarray
    across: np.ndarray


@lru_cache(maxsize=8)
def _crop_grid(height: int, width: int, shorter_side: int, shrink: bool, crop: int) -> _Grid:
    shorter = min(height, width)
    scale = shorter_side / shorter if shrink or shorter < shorter_side else 1.0
    top, bottom, down = _neighbours(height, scale, crop)
    left, right, across = _neighbours(width, scale, crop)
    columns = slice(int(left[0]), int(right[-1]) + 1)
    offset = columns.start
    return _Grid(scale != 1.0, top, bottom, down, columns, left - offset, right - offset, across)


def _neighbours(size: int, scale: float, crop: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """For each pixel of the crop along one side: the source pixels around it, and its way between them."""
    first = round((round(size * scale) - crop) / 2)
    position = np.clip((np.arange(first, first + crop) + 0.5) / scale - 0.5, 0, size - 1)
    before = np.floor(position).astype(np.intp)
    after = np.minimum(before + 1, size - 1)
    return before, after, (position - before).astype(np.float32)
