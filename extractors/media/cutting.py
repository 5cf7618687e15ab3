"""A moment of a video as a file of its own: copied where that is exact enough, else encoded again."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
from av.container import InputContainer, OutputContainer

from extractors.media.container import first_frame_time, open_media, video_stream
from extractors.media.errors import MediaError
from extractors.media.pyav_reader import shown_from_to, upright
from extractors.storage.files import replacing

TOLERANCE = 0.1
"""Seconds by which a copy may begin or end beside what was asked for."""

_CONTAINERS = {".mp4": "mp4", ".m4v": "mp4", ".mov": "mov", ".mkv": "matroska", ".webm": "webm"}
"""Containers that packets are copied into, by suffix."""

_ENCODED = ".mp4"
_QUALITY = {"crf": "18", "preset": "veryfast"}
_ROUNDING = 1e-6


@dataclass(frozen=True)
class _Part:
    """A part of a file, in the container's seconds."""

    path: Path
    start: float
    end: float


def cut(path: Path, start: float, end: float, out: Path) -> Path:
    """Writes a moment of a video, with its sound, as a file of its own.

    Packets are copied, without loss, where a key frame lies within `TOLERANCE` of the start and the last
    picture within it of the end. Else pictures are encoded again, as H.264 with AAC in an .mp4.

    Args:
        path: the video.
        start: of the moment, in seconds from the video's first picture.
        end: of the moment, in seconds.
        out: the file's name without suffix.

    Returns:
        The file written; its suffix is the video's where packets were copied.

    Raises:
        MediaError: the video cannot be read, or has no picture in the moment.
    """
    origin = first_frame_time(path)
    if origin is None:
        raise MediaError(f"{path}: expected a video stream, found none")
    part = _Part(path, start + origin, end + origin)
    key = _find_key(part) if path.suffix.lower() in _CONTAINERS else None
    target = out.with_name(out.name + (_ENCODED if key is None else path.suffix.lower()))
    with (
        replacing(target) as temporary,
        open_media(path) as source,
        av.open(str(temporary), "w", format=_CONTAINERS[target.suffix]) as made,
    ):
        if key is None:
            _encode(part, source, made)
        else:
            _copy(_Part(path, key, part.end), source, made)
    return target


def _find_key(part: _Part) -> float | None:
    """Finds when the key frame is shown to copy from; None where a copy is not exact enough."""
    with open_media(part.path) as source:
        stream = video_stream(part.path, source)
        _seek(source, stream, part.start + TOLERANCE)
        key: float | None = None
        reached = part.start
        for packet in source.demux(stream):
            shown = shown_from_to(packet, stream)
            if shown is None:
                continue
            if packet.is_keyframe and shown[0] <= part.start + TOLERANCE:
                key = shown[0]
            if _decoded_at(packet) >= part.end - _ROUNDING:
                break
            reached = max(reached, shown[1])
    is_exact = key is not None and max(abs(key - part.start), abs(reached - part.end)) <= TOLERANCE
    return key if is_exact else None


def _seek(source: InputContainer, stream: av.VideoStream, seconds: float) -> None:
    """Goes to the last key frame that is shown before a time."""
    source.seek(int(seconds / (stream.time_base or Fraction(1, av.time_base))), stream=stream)


def _decoded_at(packet: av.Packet) -> float:
    return float((packet.dts or 0) * (packet.time_base or 0))


def _copy(part: _Part, source: InputContainer, made: OutputContainer) -> None:
    """Copies the packets of a part that begins at a key frame, of the video and its first sound."""
    video = video_stream(part.path, source)
    streams = [video, *source.streams.audio[:1]]
    targets = {stream.index: made.add_stream_from_template(stream) for stream in streams}
    _seek(source, video, part.start + TOLERANCE)
    ended: set[int] = set()
    for packet in source.demux(streams):
        index = packet.stream.index
        if packet.pts is None or packet.dts is None or packet.time_base is None:
            continue
        if _decoded_at(packet) >= part.end - _ROUNDING:
            ended.add(index)
        if len(ended) == len(streams):
            break
        if index in ended or packet.pts * packet.time_base < part.start - _ROUNDING:
            continue
        shift = round(part.start / packet.time_base)
        packet.pts, packet.dts = packet.pts - shift, packet.dts - shift
        packet.stream = targets[index]
        made.mux(packet)


def _encode(part: _Part, source: InputContainer, made: OutputContainer) -> None:
    """Decodes what is shown and heard of a part, and encodes it again."""
    video = video_stream(part.path, source)
    streams = [video, *source.streams.audio[:1]]
    pictures = _Pictures(made, video)
    sounds = {stream.index: _Sounds(made, min(stream.rate, 48_000)) for stream in source.streams.audio[:1]}
    _seek(source, video, part.start)
    ended: set[int] = set()
    for packet in source.demux(streams):
        index = packet.stream.index
        frames = packet.decode() if index not in ended else []
        for frame in frames:
            if not isinstance(frame, av.VideoFrame | av.AudioFrame) or frame.time is None:
                continue
            if frame.time >= part.end - _ROUNDING:
                ended.add(index)
            elif isinstance(frame, av.AudioFrame):
                sounds[index].add(frame, frame.time - part.start)
            elif _shown_until(frame, video) > part.start + _ROUNDING:
                pictures.add(frame, max(frame.time - part.start, 0.0))
        if len(ended) == len(streams):
            break
    if not pictures.count:
        raise MediaError(
            f"{part.path}: expected pictures from {part.start:.1f} to {part.end:.1f} s, found none"
        )
    pictures.finish()
    for sound in sounds.values():
        sound.finish()


def _shown_until(frame: av.VideoFrame, stream: av.VideoStream) -> float:
    seconds = 1 / stream.average_rate if stream.average_rate else Fraction(0)
    if frame.duration and frame.time_base:
        seconds = frame.duration * frame.time_base
    return float(frame.time or 0) + float(seconds)


class _Pictures:
    """Encodes pictures, upright and with even sides, as H.264 asks."""

    def __init__(self, made: OutputContainer, stream: av.VideoStream) -> None:
        self.count = 0
        self._made = made
        self._time_base = stream.time_base or Fraction(1, 1000)
        self._target = made.add_stream("libx264", rate=stream.average_rate or 25, options=_QUALITY)
        self._target.codec_context.time_base = self._time_base

    def add(self, frame: av.VideoFrame, seconds: float) -> None:
        """Adds a picture, shown from so many seconds on."""
        pixels = upright(frame)
        height, width = pixels.shape[0] // 2 * 2, pixels.shape[1] // 2 * 2
        picture = av.VideoFrame.from_ndarray(pixels[:height, :width].copy(), format="rgb24")
        if not self.count:
            self._target.width, self._target.height, self._target.pix_fmt = width, height, "yuv420p"
        picture.pts, picture.time_base = round(seconds / self._time_base), self._time_base
        self._made.mux(self._target.encode(picture))
        self.count += 1

    def finish(self) -> None:
        """Writes what the encoder still holds."""
        self._made.mux(self._target.encode(None))


class _Sounds:
    """Encodes sound as stereo AAC."""

    def __init__(self, made: OutputContainer, rate: int) -> None:
        self._made = made
        self._target = made.add_stream("aac", rate=rate, layout="stereo")
        self._resampler = av.AudioResampler("fltp", "stereo", rate)

    def add(self, frame: av.AudioFrame, seconds: float) -> None:
        """Adds a block of sound that begins so many seconds into the file; one before it is left out."""
        if seconds < 0:
            return
        for block in self._resampler.resample(frame):
            block.pts, block.time_base = round(seconds * block.sample_rate), Fraction(1, block.sample_rate)
            self._made.mux(self._target.encode(block))

    def finish(self) -> None:
        """Writes what the encoder still holds."""
        self._made.mux(self._target.encode(None))
