"""Media files opened: which streams are read, how long they should be, and words for what is wrong."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, TypeVar

import av
from av.container import InputContainer
from av.stream import Disposition

from extractors.media.errors import MediaError, NoAudioError, ShortMediaError
from extractors.storage.files import check_regular

_Stream = TypeVar("_Stream", av.VideoStream, av.AudioStream)

# Demuxers that read one file and nothing that it names: no playlists, image sequences or descriptions.
_FORMATS = (
    *("mov", "matroska", "avi", "flv", "asf", "mpegts", "mpeg", "ogg", "nut", "mxf", "dv", "rm", "ivf"),
    *("gif", "apng", "wav", "w64", "aiff", "au", "caf", "flac", "mp3", "aac", "ac3", "eac3", "amr"),
)
# A QuickTime track may lie in another file; FFmpeg looks for it only when told to.
_OPTIONS = {"format_whitelist": ",".join(_FORMATS), "protocol_whitelist": "file", "enable_drefs": "0"}

# Where durations come from the header. In others FFmpeg guesses from what is there, however little.
_PROMISING_FORMATS = frozenset({"mov", "matroska", "avi", "flv", "asf", "flac", "nut", "mxf"})

_TOLERANCE_SECONDS = 0.5
_TOLERANCE_SHARE = 0.1

_NO_PICTURES = Disposition.attached_pic | Disposition.timed_thumbnails

# Of the object of an ASF file that holds its size, after 40 bytes.
_ASF_PROPERTIES = bytes.fromhex("a1dcab8c47a9cf118ee400c00c205365")

# Sizes that programs write when they do not know them.
_UNKNOWN_SIZES = (0, 0xFFFFFFFF)


@contextmanager
def open_media(path: Path) -> Iterator[InputContainer]:
    """Opens a media file; whatever goes wrong in reading it becomes an error that names it.

    Only the file itself is read, whatever its content says.

    Raises:
        MediaError: the file is absent, empty or damaged, or of a format that is not read.
    """
    _check_content(path)
    try:
        container = av.open(f"file:{path}", options=_OPTIONS)
    except av.ArgumentError as error:
        raise MediaError(
            f"{path}: expected media in one file ({', '.join(_FORMATS)}), found another format, or damage"
        ) from error
    except (av.FFmpegError, ValueError) as error:
        raise damage(path, error) from error
    with container:
        try:
            yield container
        except av.FFmpegError as error:
            raise damage(path, error) from error
        except IndexError as error:
            # PyAV knows only the streams that were there when it opened the file.
            raise MediaError(f"{path}: damaged, another stream begins midway; fetch it again") from error


def damage(path: Path, error: Exception) -> MediaError:
    """Words for what FFmpeg says of a file."""
    reason = getattr(error, "strerror", None) or str(error)
    return MediaError(f"{path}: damaged, or not a media file ({reason}); fetch it again")


def _check_content(path: Path) -> None:
    try:
        check_regular(path)
    except FileNotFoundError as error:
        raise MediaError(f"{path}: expected a media file, found none") from error
    except OSError as error:
        raise MediaError(str(error)) from error
    if path.stat().st_size == 0:
        raise MediaError(f"{path}: expected a media file, found an empty file; fetch it again")


def video_stream(path: Path, container: InputContainer) -> av.VideoStream:
    """The video among a file's streams: the first that is marked as default, else the first.

    Cover pictures and thumbnails are no videos.

    Raises:
        MediaError: there is none, and the message says what there is; or no decoder is known for it.
    """
    stream = _find_video(container)
    if stream is None:
        found = ", ".join(stream.type for stream in container.streams) or "nothing"
        raise MediaError(f"{path}: expected a video stream, found only {found}")
    return _decodable(path, stream)


def audio_stream(path: Path, container: InputContainer) -> av.AudioStream:
    """The sound among a file's streams: the first that is marked as default, else the first.

    Raises:
        NoAudioError: there is none.
        MediaError: no decoder is known for it.
    """
    stream = _choose(container.streams.audio)
    if stream is None:
        raise NoAudioError(f"{path}: expected an audio stream, found none")
    return _decodable(path, stream)


def _find_video(container: InputContainer) -> av.VideoStream | None:
    return _choose([stream for stream in container.streams.video if not stream.disposition & _NO_PICTURES])


def _choose(streams: list[_Stream] | tuple[_Stream, ...]) -> _Stream | None:
    default = (stream for stream in streams if stream.disposition & Disposition.default)
    return next(default, next(iter(streams), None))


def _decodable(path: Path, stream: _Stream) -> _Stream:
    if stream.codec_context is None:
        raise MediaError(f"{path}: its {stream.type} is of a codec that FFmpeg does not know, or damaged")
    return stream


def promised_seconds(container: InputContainer, stream: av.VideoStream | av.AudioStream) -> float | None:
    """How long a file's header says that a stream lasts, from its first frame or sample; None if it does not.

    Where only the whole file's length is told, it is that of a stream that has no other beside it.
    """
    if _PROMISING_FORMATS.isdisjoint(container.format.name.split(",")):
        return None
    if "avi" in container.format.name and isinstance(stream, av.VideoStream) and stream.average_rate:
        # FFmpeg takes the bytes that are missing off an AVI's duration, but not off its count of frames.
        return float(stream.frames / stream.average_rate)
    if stream.duration is not None and stream.time_base is not None:
        return float(stream.duration * stream.time_base)
    end = _matroska_end(stream.metadata.get("DURATION", ""))
    if end is None and len(container.streams.video) + len(container.streams.audio) == 1:
        end = _file_seconds(container)
    if end is None:
        return None
    return end - float((stream.start_time or 0) * (stream.time_base or 0))


def _matroska_end(tag: str) -> float | None:
    """Reads hours:minutes:seconds, which FFmpeg writes beside every track of a Matroska file."""
    try:
        hours, minutes, seconds = tag.split(":")
        return int(hours) * 3600 + int(minutes) * 60 + float(seconds)
    except ValueError:
        return None


def _file_seconds(container: InputContainer) -> float | None:
    return None if container.duration is None else container.duration / av.time_base


def check_complete(path: Path, kind: str, reached: float) -> None:
    """Holds what was read of a stream against what the file promises.

    A stream may end before its promise by half a second, or a tenth of it where it is shorter than 5 s, or by
    one and a half of its frames where those are long. Where a header tells only the length of the whole file,
    the stream that lasts longest must reach it. Where a fragmented MP4, WAV, ASF or AVI file tells no length,
    the bytes that it announces must be there.

    Args:
        path: the file.
        kind: "video" or "audio", the stream that was read.
        reached: seconds it gave, from its first frame or sample.

    Raises:
        ShortMediaError: what was read ends before.
        MediaError: the file cannot be read.
    """
    with open_media(path) as container:
        stream = video_stream(path, container) if kind == "video" else audio_stream(path, container)
        promised = promised_seconds(container, stream)
        counts_frames = "avi" in container.format.name and kind == "video"
        if promised is not None:
            if reached < promised - _tolerance(promised, stream):
                raise ShortMediaError(path, reached, promised)
        elif not _PROMISING_FORMATS.isdisjoint(container.format.name.split(",")):
            whole = _file_seconds(container)
            if whole is not None and _last_end(container) < whole - _tolerance(whole, stream):
                raise ShortMediaError(path, reached, whole)
    if not counts_frames and _lacks_bytes(path):
        raise ShortMediaError(path, reached, None)


def _tolerance(promised: float, stream: av.VideoStream | av.AudioStream) -> float:
    rate = stream.average_rate if isinstance(stream, av.VideoStream) else None
    frames = 1.5 / float(rate) if rate else 0.0
    return max(min(_TOLERANCE_SECONDS, _TOLERANCE_SHARE * promised), frames)


def _last_end(container: InputContainer) -> float:
    """When the last packet of any stream ends, in the container's seconds."""
    ends = [
        float((packet.pts + (packet.duration or 0)) * packet.time_base)
        for packet in container.demux()
        if packet.pts is not None and packet.time_base is not None
    ]
    return max(ends, default=0.0)


def _lacks_bytes(path: Path) -> bool:
    """Whether a file announces more bytes of media than it has.

    This is asked where FFmpeg takes seconds from what is there: in fragmented MP4, WAV, ASF, and for the
    sound of AVI, whose index (up to a twentieth of the file) may be missing.
    """
    size = path.stat().st_size
    with path.open("rb") as file:
        start = file.read(1 << 16)
        if start[:4] == b"RIFF":
            spare = size // 20 if start[8:12] == b"AVI " else 0
            return _announces(start[4:8], 8, size + spare)
        if _ASF_PROPERTIES in start:
            begin = start.index(_ASF_PROPERTIES) + 40
            return _announces(start[begin : begin + 8], 0, size)
        if start[4:8] not in (b"ftyp", b"styp"):
            return False
        boxes = list(_boxes(file, size))
    is_fragmented = any(name == b"moof" for name, _ in boxes)
    return is_fragmented and (boxes[-1][1] != size or not all(name.isalnum() for name, _ in boxes))


def _announces(field: bytes, offset: int, size: int) -> bool:
    """Whether a field of a header, plus its offset, says more than a size."""
    announced = int.from_bytes(field, "little")
    return announced not in _UNKNOWN_SIZES and announced + offset > size


def _boxes(file: BinaryIO, size: int) -> Iterator[tuple[bytes, int]]:
    """Gives the name and the end of each box at the top of an MP4 file, as the file announces them."""
    start = 0
    while start + 8 <= size:
        file.seek(start)
        header = file.read(16)
        length, name = int.from_bytes(header[:4]), header[4:8]
        if length == 1:
            length = int.from_bytes(header[8:])
        end = start + length if length else size
        if length and length < 8:
            return
        yield name, end
        start = end


def length_of(path: Path) -> float | None:
    """How long a file's header says that its video lasts, in seconds; None where it does not say.

    Raises:
        MediaError: the file is not a readable video.
    """
    with open_media(path) as container:
        return promised_seconds(container, video_stream(path, container)) or _file_seconds(container)


def first_frame_time(path: Path) -> float | None:
    """When a file's first video frame is shown, in the container's seconds; None where it holds no video.

    Raises:
        MediaError: the file, or its first frame, cannot be read.
    """
    with open_media(path) as container:
        if _find_video(container) is None:
            return None
        frame = next(container.decode(video_stream(path, container)), None)
    return frame.time if frame else None


def native_rate(path: Path) -> float | None:
    """How many frames a second a file says that its video has, on average; None where it does not.

    Raises:
        MediaError: the file cannot be read, or holds no video.
    """
    with open_media(path) as container:
        rate = video_stream(path, container).average_rate
    return float(rate) if rate else None
