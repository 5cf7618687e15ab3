"""Sound of a video as a stream: decoded, mixed to one channel, laid along the video's time, resampled."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import Path

import av
import numpy as np
import soxr
from av.container import InputContainer

from extractors.media.container import audio_stream, check_complete, damage, first_frame_time, open_media
from extractors.media.errors import MediaError, NoAudioError
from extractors.media.mixing import Mixer
from extractors.media.placement import Chunk, DatedChunk, date, place

# Sample rates that a header may claim; beyond them it is damaged, and a second of sound would be hours.
_SLOWEST, _FASTEST = 1_000, 1_000_000


def read_audio(path: Path, sample_rate: int) -> Iterator[np.ndarray]:
    """Streams a file's sound, so that sample 0 is heard when the first video frame is seen.

    Channels are mixed to one (see `mixing.mono_weights`). Sound that begins after the first frame is preceded
    by zeros, holes in the sound are zeros, and what comes before the first frame is cut off (see
    `placement.place`). A file without video begins with its first sample. The resampler is soxr's HQ, which
    moves nothing in time. A few seconds are held at most, whatever the length of the file.

    Args:
        path: a video or a sound file.
        sample_rate: samples per second wanted.

    Yields:
        float32 [S], full scale is 1; S is whatever has come.

    Raises:
        NoAudioError: the file can be read, but holds no sound, or none that is heard after the first frame.
        ShortMediaError: the sound ends before the file says, which shows at its end.
        MediaError: the file cannot be read, its timestamps are impossible, or its samples are no sound, which
            may show after some samples.
    """
    origin = first_frame_time(path)
    heard = False
    with open_media(path) as container:
        chunks = _read_chunks(path, container)
        first = next(chunks, None)
        if first is None:
            raise NoAudioError(f"{path}: expected sound, found an audio stream that holds none")
        placed = place(path, chain([first], chunks), first.start if origin is None else origin)
        for block in _resample(placed, first.rate, sample_rate):
            heard = heard or len(block) > 0
            yield block
    if not heard:
        raise NoAudioError(
            f"{path}: expected sound, found only some that ends before the first video frame, "
            f"or less than one sample at {sample_rate} Hz"
        )


class _LastPacketError(MediaError):
    """The last packet of the sound is damaged, as it is where a file is cut short."""


def _read_chunks(path: Path, container: InputContainer) -> Iterator[DatedChunk]:
    """Gives the sound's chunks with their times, and holds what came against what the file promises."""
    first = last = None
    fault: MediaError | None = None
    try:
        for chunk in date(_decode(path, container)):
            first, last = first or chunk, chunk
            yield chunk
    except _LastPacketError as error:
        fault = error
    check_complete(path, "audio", last.start + last.seconds - first.start if first and last else 0.0)
    if fault:
        raise fault


def _decode(path: Path, container: InputContainer) -> Iterator[Chunk]:
    stream = audio_stream(path, container)
    mixer = Mixer(path)
    fault: MediaError | None = None
    for packet in container.demux(stream):
        if fault and packet.size:
            raise fault
        try:
            frames = stream.decode(packet)
        except av.FFmpegError as error:
            fault = damage(path, error)
            continue
        for frame in frames:
            if frame.is_corrupt:
                fault = MediaError(
                    f"{path}: damaged {frame.time or 0.0:.3f} s into its sound; fetch it again"
                )
                break
            if not _SLOWEST <= frame.sample_rate <= _FASTEST:
                raise MediaError(
                    f"{path}: expected sound of {_SLOWEST} to {_FASTEST} Hz, found {frame.sample_rate} Hz; "
                    "the file is damaged: fetch it again"
                )
            yield Chunk(mixer.mix(frame), frame.sample_rate, frame.time)
    if fault:
        raise _LastPacketError(str(fault))


def _resample(blocks: Iterable[np.ndarray], source_rate: int, sample_rate: int) -> Iterator[np.ndarray]:
    if source_rate == sample_rate:
        yield from blocks
        return
    resampler = soxr.ResampleStream(source_rate, sample_rate, num_channels=1, dtype="float32", quality="HQ")
    for block in blocks:
        yield resampler.resample_chunk(block[:, None])[:, 0]
    yield resampler.resample_chunk(np.zeros((0, 1), np.float32), last=True)[:, 0]
