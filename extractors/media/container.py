"""Media files opened: which streams are read, and words for what is wrong with a file."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import av
from av.container import InputContainer
from av.stream import Disposition

from extractors.media.errors import MediaError


@contextmanager
def open_media(path: Path) -> Iterator[InputContainer]:
    """Opens a media file; whatever goes wrong in reading it becomes an error that names it.

    Raises:
        MediaError: the file is absent, empty or damaged.
    """
    if not path.is_file():
        raise MediaError(f"{path}: expected a media file, found none")
    if path.stat().st_size == 0:
        raise MediaError(f"{path}: expected a media file, found an empty file; fetch it again")
    try:
        with av.open(str(path)) as container:
            yield container
    except av.FFmpegError as error:
        raise MediaError(
            f"{path}: damaged, or not a media file ({error.strerror}); fetch it again"
        ) from error


def video_stream(path: Path, container: InputContainer) -> av.VideoStream:
    """The video among a file's streams (a cover picture is none).

    Raises:
        MediaError: there is none; the message says what there is.
    """
    stream = _find_video(container)
    if stream is None:
        found = ", ".join(stream.type for stream in container.streams) or "nothing"
        raise MediaError(f"{path}: expected a video stream, found only {found}")
    return stream


def _find_video(container: InputContainer) -> av.VideoStream | None:
    streams = container.streams.video
    return next((stream for stream in streams if not stream.disposition & Disposition.attached_pic), None)


def first_frame_time(path: Path) -> float | None:
    """When a file's first video frame is shown, in the container's seconds; None where it holds no video.

    Raises:
        MediaError: the file, or its first frame, cannot be read.
    """
    with open_media(path) as container:
        stream = _find_video(container)
        frame = next(container.decode(stream), None) if stream else None
    return frame.time if frame else None
