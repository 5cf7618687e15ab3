"""A few small pictures and the loudness of a video, to be looked at beside what a model says of it."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import av
import numpy as np

from extractors.media.audio import read_audio
from extractors.media.audio_windows import stretches
from extractors.media.errors import MediaError, NoAudioError, ShortMediaError
from extractors.media.pyav_reader import decode_with_pyav, packet_times
from extractors.storage.files import replacing

SAMPLE_RATE = 8000
"""Samples per second of the sound: enough to see where it is loud."""

# Of each hundredth of a second only the largest sample is kept.
_PEAK_SAMPLES = SAMPLE_RATE // 100


@dataclass(frozen=True)
class Preview:
    """A video in little.

    Attributes:
        pictures: uint8 [K, H, W, 3] in RGB, from the middles of K equal parts of the video.
        loudness: float32 [M], the largest absolute sample of each of M equal parts of the sound (cut at
            hundredths of a second); [0] without sound.
        video_seconds: length of the video.
        sound_seconds: length of the sound, which begins with the video.
    """

    pictures: np.ndarray
    loudness: np.ndarray
    video_seconds: float
    sound_seconds: float


def preview(path: Path, pictures: int = 8, height: int = 72, parts: int = 400) -> Preview:
    """Looks into a video.

    Args:
        path: the video.
        pictures: K.
        height: H, in pixels; the width keeps the shape.
        parts: M, or fewer where the sound has fewer hundredths of a second.

    Raises:
        MediaError: the file is not a readable video.
    """
    times = packet_times(path)
    if not times:
        raise MediaError(f"{path}: expected video frames, found a video stream that holds none")
    seconds = max(end for _, end in times) - times[0][0]
    wanted = [times[0][0] + (part + 0.5) / pictures * seconds for part in range(pictures)]
    found: list[np.ndarray] = []
    # What there is of a file cut short can be looked at.
    with suppress(ShortMediaError):
        for frame in decode_with_pyav(path):
            while len(found) < pictures and frame.end > wanted[len(found)]:
                found.append(_shrink(frame.item(), height))
            if len(found) == pictures:
                break
    if not found:
        raise MediaError(f"{path}: expected video frames, found none that can be decoded")
    found += found[-1:] * (pictures - len(found))
    loudness, sound_seconds = _listen(path, parts)
    return Preview(np.stack(found), loudness, seconds, sound_seconds)


def _shrink(pixels: np.ndarray, height: int) -> np.ndarray:
    rows, columns = pixels.shape[:2]
    frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(pixels), format="rgb24")
    return frame.reformat(width=max(1, round(columns * height / rows)), height=height).to_ndarray()


def _listen(path: Path, parts: int) -> tuple[np.ndarray, float]:
    """Gives the loudness of equal parts of a file's sound, and how many seconds of it there are."""
    peaks, samples = [np.zeros(0, np.float32)], 0
    with suppress(NoAudioError, ShortMediaError):
        for _, sound in stretches(read_audio(path, SAMPLE_RATE), SAMPLE_RATE, count(0, SAMPLE_RATE)):
            peaks.append(np.maximum.reduceat(np.abs(sound), range(0, len(sound), _PEAK_SAMPLES)))
            samples += len(sound)
    if not samples:
        return np.zeros(0, np.float32), 0.0
    shares = np.array_split(np.concatenate(peaks), min(parts, sum(map(len, peaks))))
    return np.array([share.max() for share in shares], np.float32), samples / SAMPLE_RATE


def save_previews(previews: Mapping[str, Preview], out: Path) -> None:
    """Writes previews of several videos into one `.npz`."""
    arrays = {
        f"{video}/{name}": np.asarray(value)
        for video, preview in previews.items()
        for name, value in vars(preview).items()
    }
    with replacing(out) as temporary, temporary.open("wb") as file:
        np.savez_compressed(file, allow_pickle=False, **arrays)


def load_previews(path: Path) -> dict[str, Preview]:
    """Reads what `save_previews` wrote."""
    with np.load(path, allow_pickle=False) as arrays:
        videos = dict.fromkeys(name.rpartition("/")[0] for name in arrays.files)
        return {
            video: Preview(
                arrays[f"{video}/pictures"],
                arrays[f"{video}/loudness"],
                float(arrays[f"{video}/video_seconds"]),
                float(arrays[f"{video}/sound_seconds"]),
            )
            for video in videos
        }
