"""Frames of a video, decoded as a stream and cut into windows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np

from extractors.media.container import check_complete
from extractors.media.decord_reader import decode_with_decord
from extractors.media.errors import MediaError
from extractors.media.pyav_reader import Pixels, decode_with_pyav
from extractors.media.sampling import Timed, Window, cut_windows, frames_at_rate, resize_and_crop
from extractors.parameters import FrameParameters

# No picture stands still for longer in a real video; damaged timestamps reach into months.
_LONGEST_GAP = 600.0

# Several frames at the slowest of common rates.
_LONGEST_STEP_BACK = 1.0


def frame_windows(path: Path, parameters: FrameParameters, decoder: str) -> Iterator[Window]:
    """Decodes a video and cuts it into windows of frames, holding one window of them in memory.

    Args:
        path: the video.
        parameters: rate, windows and size of the frames.
        decoder: "decord" or "pyav". They give the same frames, and decord refuses files of which it might
            not. decord cannot be stopped where it hangs, so it belongs in a process of its own.

    Yields:
        Windows of frames uint8 [F, crop, crop, 3], in the order of the published rule (see `cut_windows`).
        Their times count from the video's first frame: at a fixed rate the slots of 1 / frame_rate seconds,
        at the native rate the frames' own times.

    Raises:
        ShortMediaError: after all windows, where the file ends before its header says.
        MediaError: the file is not a readable video, or is damaged, which may show after some windows.
    """
    decode = {"decord": decode_with_decord, "pyav": decode_with_pyav}[decoder]
    decoded = _Watched(path, decode(path))
    frames = _resize(frames_at_rate(decoded, parameters.frame_rate), parameters)
    empty = True
    for window in cut_windows(frames, parameters.window, parameters.stride):
        yield Window(np.stack([frame.item for frame in window]), window[0].start, window[-1].end)
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


def _resize(shown: Iterator[list[Timed[Pixels]]], parameters: FrameParameters) -> Iterator[Timed[np.ndarray]]:
    for slots in shown:
        pixels = resize_and_crop(slots[0].item(), parameters.shorter_side, parameters.shrink, parameters.crop)
        yield from (Timed(pixels, start, end) for _, start, end in slots)
