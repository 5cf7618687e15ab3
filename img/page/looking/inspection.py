"""What is in a file: whether it is a video, how long it is, and whether browsers can play it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from extractors.media.container import length_of, open_media, video_stream
from extractors.media.errors import MediaError
from extractors.media.pyav_reader import packet_times
from img.page.looking.killable import KilledError, run_killable
from img.page.visitors.limits import RefusedError

_PLAYED = {
    "h264": frozenset({"yuv420p", "yuvj420p"}),
    "vp8": frozenset({"yuv420p"}),
    "vp9": frozenset({"yuv420p"}),
    "av1": frozenset({"yuv420p"}),
}
"""The codecs and pixel formats that Chrome, Firefox, Edge and Safari play alike."""

_PLAYED_CONTAINERS = frozenset({"mp4", "webm"})

_SECONDS = 60.0
"""In which a file's packets are listed; a gigabyte takes a few."""


@dataclass(frozen=True)
class Facts:
    """What a video file is.

    Attributes:
        seconds: how long its pictures last.
        codec: of its pictures, such as `h264`.
        heard: whether it has sound.
        playable: whether every browser is expected to play it.
    """

    seconds: float
    codec: str
    heard: bool
    playable: bool


def inspect(path: Path, name: str) -> Facts:
    """Looks into a file, in a process that can be killed.

    Args:
        path: the file.
        name: what the visitor calls it, for messages.

    Raises:
        RefusedError: it is not a video that can be read.
    """
    try:
        return run_killable(read_facts, path, timeout=_SECONDS)
    except MediaError as error:
        raise RefusedError(f"This file cannot be used: {in_words(error, path, name)}.") from error
    except KilledError as error:
        raise RefusedError(f"{name} cannot be used: reading it failed, as {error}.") from error


def in_words(error: Exception, path: Path, name: str) -> str:
    """Returns an error's message with the visitor's name for a file in the place of the server's."""
    return str(error).replace(str(path), name).rstrip(".")


def read_facts(path: Path) -> Facts:
    """Reads what a file says of itself and when its frames are shown; decodes nothing.

    Raises:
        MediaError: the file is not a readable video.
    """
    with open_media(path) as container:
        stream = video_stream(path, container)
        codec, pixels = stream.codec_context.name, stream.codec_context.pix_fmt
        heard = bool(container.streams.audio)
        names = set(container.format.name.split(","))
    times = packet_times(path)
    if not times:
        raise MediaError(f"{path}: expected video frames, found a video stream that holds none")
    seconds = length_of(path) or max(end for _, end in times) - times[0][0]
    playable = bool(names & _PLAYED_CONTAINERS) and pixels in _PLAYED.get(codec, ())
    # FFmpeg gives Matroska and WebM one name; only the latter plays everywhere.
    return Facts(seconds, codec, heard, playable and ("webm" not in names or path.suffix == ".webm"))
