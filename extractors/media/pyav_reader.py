"""Frames of a video as PyAV decodes them, and what the container says of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import av
import numpy as np

from extractors.media.container import check_complete, damage, open_media, video_stream
from extractors.media.errors import MediaError
from extractors.media.sampling import Timed

# Decoding is spread over videos, one process each: more threads in each would only fight.
_THREADS = 1

Pixels = Callable[[], np.ndarray]
"""Gives a frame's pixels, uint8 [H, W, 3] in RGB, upright. Called only for frames that are used."""


def decode_with_pyav(path: Path) -> Iterator[Timed[Pixels]]:
    """Yields a video's frames, upright, in time order; their pixels are converted only where asked for.

    Raises:
        ShortMediaError: the last packet is damaged because the file is cut short.
        MediaError: the file is not a readable video, or is damaged, which may show after some frames.
    """
    with open_media(path) as container:
        stream = video_stream(path, container)
        stream.codec_context.thread_count = _THREADS
        origin: float | None = None
        shown: Timed[Pixels] | None = None
        fault: MediaError | None = None
        for packet in container.demux(stream):
            if fault and packet.size:
                raise fault
            if shown and not packet.size and packet.pts is not None and packet.time_base is not None:
                # An empty packet repeats the picture before it.
                start = float(packet.pts * packet.time_base)
                shown = Timed(shown.item, start, start + _duration(packet, stream))
                yield shown
                continue
            try:
                frames = packet.decode()
            except av.FFmpegError as error:
                fault = damage(path, error)
                continue
            for frame in frames:
                start = frame.time if frame.time is not None else shown.end if shown else 0.0
                if frame.is_corrupt:
                    fault = MediaError(f"{path}: damaged {start:.3f} s into it; fetch it again")
                    break
                origin = start if origin is None else origin
                shown = Timed(partial(upright, frame), start, start + _duration(frame, stream))
                yield shown
    if fault:
        check_complete(path, "video", shown.end - origin if shown and origin is not None else 0.0)
        raise fault


def _duration(item: av.VideoFrame | av.Packet, stream: av.VideoStream) -> float:
    if item.duration and item.time_base:
        return float(item.duration * item.time_base)
    return float(1 / stream.average_rate) if stream.average_rate else 0.0


def upright(frame: av.VideoFrame) -> np.ndarray:
    """A frame's pixels, uint8 [H, W, 3] in RGB, turned as the file says."""
    return np.rot90(frame.to_ndarray(format="rgb24"), round(frame.rotation / 90))


def packet_times(path: Path) -> list[tuple[float, float]]:
    """When each frame is shown, in order, read from the container without decoding.

    Raises:
        MediaError: the file is not a readable video.
    """
    with open_media(path) as container:
        stream = video_stream(path, container)
        return sorted(
            interval for packet in container.demux(stream) if (interval := shown_from_to(packet, stream))
        )


def shown_from_to(packet: av.Packet, stream: av.VideoStream) -> tuple[float, float] | None:
    """When a packet's frame is shown; None where it is not, or nothing tells."""
    if packet.pts is None or packet.time_base is None or packet.is_discard:
        return None
    start = float(packet.pts * packet.time_base)
    return start, start + _duration(packet, stream)
