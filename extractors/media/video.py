"""Frames of a video, decoded as a stream and cut into windows."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import av
import numpy as np

from extractors.media.container import open_media, video_stream
from extractors.media.errors import MediaError
from extractors.media.sampling import Timed, Window, cut_windows, frames_at_rate, resize_and_crop
from extractors.registry import FrameParameters

# Decoding is spread over videos, one process each: more threads in each would only fight.
_DECODER_THREADS = 1

# In place of frames it cannot decode, decord hands out copies of others: one at most before it gives up.
_DECORD_REPAIRS = 1

# Bytes of frames fetched from decord after which its queue, by then about as long again, is emptied.
_DECORD_BYTES_TO_KEY_FRAME = 128 << 20
_DECORD_BYTES = 512 << 20

Pixels = Callable[[], np.ndarray]
"""Gives a frame's pixels, uint8 [H, W, 3] in RGB, upright. Called only for frames that are used."""


def frame_windows(path: Path, parameters: FrameParameters, decoder: str) -> Iterator[Window]:
    """Decodes a video and cuts it into windows of frames, holding one window of them in memory.

    Args:
        path: the video.
        parameters: rate, windows and size of the frames.
        decoder: "decord" or "pyav". They give the same frames; decord cannot be stopped where it hangs, so it
            belongs in a process of its own.

    Yields:
        Windows of frames uint8 [F, crop, crop, 3], in the order of the published rule (see `cut_windows`).
        Their times count from the video's first frame: at a fixed rate the slots of 1 / frame_rate seconds,
        at the native rate the frames' own times.

    Raises:
        MediaError: the file is not a readable video, or is damaged, which may show after some windows. An MP4
            cut short is always noticed; a Matroska or AVI file cut short just gives fewer windows.
    """
    decode = {"decord": _decode_with_decord, "pyav": decode_with_pyav}[decoder]
    frames = _resize(frames_at_rate(decode(path), parameters.frame_rate), parameters)
    empty = True
    for window in cut_windows(frames, parameters.window, parameters.stride):
        yield Window(np.stack([frame.item for frame in window]), window[0].start, window[-1].end)
        empty = False
    if empty:
        raise MediaError(f"{path}: expected video frames, found a video stream that holds none")


def _resize(shown: Iterator[list[Timed[Pixels]]], parameters: FrameParameters) -> Iterator[Timed[np.ndarray]]:
    for slots in shown:
        pixels = resize_and_crop(slots[0].item(), parameters.shorter_side, parameters.shrink, parameters.crop)
        yield from (Timed(pixels, start, end) for _, start, end in slots)


def decode_with_pyav(path: Path) -> Iterator[Timed[Pixels]]:
    """Yields a video's frames, upright, in time order; their pixels are converted only where asked for.

    Raises:
        MediaError: the file is not a readable video, or is damaged, which may show after some frames.
    """
    with open_media(path) as container:
        stream = video_stream(path, container)
        stream.codec_context.thread_count = _DECODER_THREADS
        end = 0.0
        for frame in container.decode(stream):
            start = end if frame.time is None else frame.time
            end = start + _duration(frame, stream)
            yield Timed(partial(_upright, frame), start, end)


def _duration(item: av.VideoFrame | av.Packet, stream: av.VideoStream) -> float:
    if item.duration and item.time_base:
        return float(item.duration * item.time_base)
    return float(1 / stream.average_rate) if stream.average_rate else 0.0


def _upright(frame: av.VideoFrame) -> np.ndarray:
    return np.rot90(frame.to_ndarray(format="rgb24"), round(frame.rotation / 90))


def _decode_with_decord(path: Path) -> Iterator[Timed[Pixels]]:
    times = packet_times(path)
    reader = _DecordReader(path)
    if len(reader) != len(times):
        raise MediaError(f"{path}: expected {len(times)} frames with timestamps, decord finds {len(reader)}")
    for index, (start, end) in enumerate(times):
        yield Timed(partial(reader.fetch, index), start, end)


class _DecordReader:
    """decord's reader, kept from filling the memory.

    Its decoding thread runs ahead of a slower consumer without bound (8 MB a frame at 1080p); only seeking
    empties its queue. Seeking is free where the next frame is a key frame, and else costs decoding again from
    the last one.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        with _decord_errors(path) as decord:
            self._reader = decord.VideoReader(
                str(path), num_threads=_DECODER_THREADS, fault_tol=_DECORD_REPAIRS
            )
            self._key_frames = frozenset(self._reader.get_key_indices())
        self._fetched_bytes = 0

    def __len__(self) -> int:
        return len(self._reader)

    def fetch(self, index: int) -> np.ndarray:
        limit = _DECORD_BYTES_TO_KEY_FRAME if index in self._key_frames else _DECORD_BYTES
        with _decord_errors(self._path):
            if self._fetched_bytes > limit:
                self._reader.seek(0)
                self._fetched_bytes = 0
            frame: np.ndarray = self._reader[index].asnumpy()
        self._fetched_bytes += frame.nbytes
        return frame


def packet_times(path: Path) -> list[tuple[float, float]]:
    """When each frame is shown, in order, read from the container without decoding.

    decord's own timestamps are in single precision, and wrong in the last frame's duration: with them the two
    decoders would sample different frames.
    """
    with open_media(path) as container:
        stream = video_stream(path, container)
        intervals = []
        for packet in container.demux(stream):
            if packet.size and packet.pts is not None and packet.time_base is not None:
                start = float(packet.pts * packet.time_base)
                intervals.append((start, start + _duration(packet, stream)))
    return sorted(intervals)


@contextmanager
def _decord_errors(path: Path) -> Iterator[Any]:
    import decord  # Brings a second FFmpeg: only processes that decode with it should load that.

    decord.logging.set_level(decord.logging.QUIET)
    try:
        yield decord
    except (decord.DECORDError, decord.DECORDLimitReachedError, RuntimeError) as error:
        # Without the clock times and source lines that decord writes: the same fault, the same words.
        reason = re.sub(r"\[\d\d:\d\d:\d\d\] \S+:\d+: ", "", str(error).strip().partition("\n")[0])
        raise MediaError(f"{path}: decord cannot decode it ({reason})") from error
