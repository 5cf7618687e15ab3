"""Frames of a video, decoded as a stream and cut into windows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np

from extractors.frame_plan import FramePlan
from extractors.media.container import check_complete, native_rate
from extractors.media.decord_reader import decode_with_decord
from extractors.media.errors import MediaError
from extractors.media.pyav_reader import Pixels, decode_with_pyav
from extractors.media.resizing import resize_and_crop
from extractors.media.sampling import Timed, Window, frames_at_rate
from extractors.media.windows import choose_frames, windows_of
from extractors.parameters import VideoParameters

# No picture stands still for longer in a real video; damaged timestamps reach into months.
_LONGEST_GAP = 600.0

# Several frames at the slowest of common rates.
_LONGEST_STEP_BACK = 1.0


def frame_windows(path: Path, parameters: VideoParameters, decoder: str) -> Iterator[Window]:
    """Decodes a video and cuts it into windows of frames, holding one window of them in memory.

    Args:
        path: the video.
        parameters: whose plan says which frames there are, in which windows, and of what size.
        decoder: "decord" or "pyav". They give the same frames, and decord refuses files of which it might
            not. decord cannot be stopped where it hangs, so it belongs in a process of its own.

    Yields:
        Windows of frames uint8 [F, crop, crop, 3], in the order of their starts (see `windows_of`).
        Their times count from the video's first frame: at a fixed rate the slots of 1 / frame_rate seconds,
        at the native rate the frames' own times.

    Raises:
        ShortMediaError: after all windows, where the file ends before its header says.
        MediaError: the file is not a readable video, or is damaged, which may show after some windows.
    """
    plan = parameters.plan()
    decode = {"decord": decode_with_decord, "pyav": decode_with_pyav}[decoder]
    decoded = _Watched(path, decode(path))
    frames = _resize(frames_at_rate(decoded, plan.frame_rate, plan.shown), plan)
    seen = _frames_seen(path, plan)
    empty = True
    for window in windows_of(frames, plan):
        pictures = [window[index].item for index in seen]
        yield Window(np.stack(pictures), window[0].start, max(frame.end for frame in window))
        empty = False
    if empty:
        raise MediaError(f"{path}: expected video frames, found a video stream that holds none")
    check_complete(path, "video", decoded.seconds)


class _Watched:
    """Passes frames on, unless their times cannot be: those go far back, or stand still for minutes.

    Muxers without times of display (AVI, MPEG-PS) make FFmpeg guess them: small steps back are taken as none.

    Attributes:
        seconds: from the start of the first frame that was passed on to the end of the last.
    """

    def __init__(self, path: Path, frames: Iterable[Timed[Pixels]]) -> None:
        self._path = path
        self._frames = frames
        self.seconds = 0.0

    def __iter__(self) -> Iterator[Timed[Pixels]]:
        origin: float | None = None
        newest = end = 0.0
        for frame in self._frames:
            if origin is None:
                origin = newest = frame.start
            self._check_step(newest, frame.start)
            newest, end = max(newest, frame.start), frame.end
            self.seconds = max(newest, end) - origin
            yield Timed(frame.item, newest, max(newest, end))
        self._check_step(newest, max(newest, end))

    def _check_step(self, before: float, after: float) -> None:
        if after < before - _LONGEST_STEP_BACK:
            raise MediaError(f"{self._path}: timestamps go back from {before:.3f} to {after:.3f} s; remux it")
        if after > before + _LONGEST_GAP:
            raise MediaError(
                f"{self._path}: expected a frame at least every {_LONGEST_GAP:g} s, found none from "
                f"{before:.3f} to {after:.3f} s; its timestamps are damaged, fetch it again"
            )


def _resize(shown: Iterator[list[Timed[Pixels]]], plan: FramePlan) -> Iterator[Timed[np.ndarray]]:
    for slots in shown:
        pixels = resize_and_crop(slots[0].item(), plan)
        yield from (Timed(pixels, start, end) for _, start, end in slots)


def _frames_seen(path: Path, plan: FramePlan) -> list[int]:
    """Which frames of every window the network sees."""
    if plan.taken is None:
        return list(range(plan.window))
    rate = native_rate(path) if plan.choice == "hero" else None
    return choose_frames(plan.choice, plan.window, plan.taken, rate)
