"""Which windows of a stream of frames, and which frames of a window: arithmetic, free of any decoder."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterable, Iterator
from typing import TypeVar

import numpy as np

from extractors.frame_plan import Choice, FramePlan

T = TypeVar("T")

# Of HERO's network: it looks at 64 frames of a video at 30 frames a second.
_HERO_SPAN, _HERO_RATE = 64, 30


def windows_of(frames: Iterable[T], plan: FramePlan) -> Iterator[list[T]]:
    """Cuts a stream of frames into a plan's windows, before frames of them are chosen."""
    if plan.ending == "moved_back":
        return cut_windows(frames, plan.window, plan.stride)
    return fill_windows(frames, plan.window, plan.stride, plan.second if plan.ending == "looped" else 0)


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


def fill_windows(frames: Iterable[T], window: int, stride: int, second: int = 0) -> Iterator[list[T]]:
    """Cuts a stream of frames into windows, the last ones filled up where the frames end.

    For n frames, a window begins at every start in range(0, n, stride): ceil(n / stride) of them. With
    windows of one frame, every frame is a window. Beyond the end the last frame stands still; with `second`,
    only to the end of its second, and then that second is shown again and again (the rule of HERO's SlowFast
    features).

    Args:
        frames: the frames in order; at most `window` or `second` of them are kept.
        window: F, frames in a window.
        stride: frames between the starts of two windows.
        second: frames in a second that is shown again; 0 to stand still.

    Yields:
        The F frames of each window, as soon as the last of them has come.
    """
    recent: deque[T] = deque(maxlen=max(window, second))
    count = start = 0
    for frame in frames:
        recent.append(frame)
        count += 1
        if count == start + window:
            yield list(recent)[-window:]
            start += stride
    kept = list(recent)
    for begin in range(start, count, stride):
        shown = (_within(number, count, second) for number in range(begin, begin + window))
        yield [kept[number - count] for number in shown]


def _within(number: int, count: int, second: int) -> int:
    """Which of `count` frames stands for a number that may lie beyond them."""
    if second:
        whole = math.ceil(count / second) * second
        if number >= whole:
            number = whole - second + number % second
    return min(number, count - 1)


def choose_frames(choice: Choice, window: int, taken: int, native_rate: float | None) -> list[int]:
    """Says which frames of a window a network sees.

    - `even`: evenly from the first to the last of the window.
    - `hero_at_30`: evenly over 64 frames, as the network was trained on videos of 30 frames a second; where
      the window is shorter, its last frame is repeated.
    - `hero`: as the published features were made. Their code scales the 64 frames by the video's own rate
      (cut to a whole number) over 30, though its frames are at 30 a second already. So a video of 25 frames a
      second is seen faster than one of 60, and not to its window's end.

    Args:
        choice: the rule.
        window: frames in the window.
        taken: frames the network sees.
        native_rate: the video's own frames a second, which only `hero` needs.

    Returns:
        Places in the window, not falling.
    """
    if choice == "even":
        last = window - 1.0
    else:
        rate = _HERO_RATE if choice == "hero_at_30" else math.floor(native_rate or _HERO_RATE)
        last = _HERO_SPAN * rate / _HERO_RATE - 1
    # In single precision, as the published features: their places are cut to whole numbers.
    places = np.linspace(0, last, taken).astype(np.float32)
    return np.clip(places, 0, window - 1).astype(int).tolist()
