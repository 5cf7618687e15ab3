"""Sound of a video: decoded, mixed to one channel, resampled, and laid along the video's time."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import av
import numpy as np
from av.container import InputContainer

from extractors.media.container import first_frame_time, open_media
from extractors.media.errors import NoAudioError
from extractors.media.sampling import Window


def read_audio(path: Path, sample_rate: int) -> np.ndarray:
    """Reads a file's sound, so that sample 0 is heard when the first video frame is seen.

    Channels are averaged. Sound that begins after the first frame is preceded by zeros; what comes before the
    first frame is cut off. A file without video begins with its first sample.

    Args:
        path: a video or a sound file.
        sample_rate: samples per second wanted.

    Returns:
        float32 [S], full scale is 1.

    Raises:
        NoAudioError: the file can be read, but holds no sound, or none that is heard after the first frame.
        MediaError: the file cannot be read.
    """
    video_start = first_frame_time(path)
    with open_media(path) as container:
        samples, source_rate, start = _decode(path, container)
    samples = _resample(samples, source_rate, sample_rate)
    late = round((start - video_start) * sample_rate) if video_start is not None else 0
    samples = np.pad(samples, (late, 0)) if late > 0 else samples[-late:]
    if not len(samples):
        raise NoAudioError(f"{path}: expected sound, found only some that ends before the first video frame")
    return samples


def _decode(path: Path, container: InputContainer) -> tuple[np.ndarray, int, float]:
    """Decodes to float32 [S] at the file's own rate; gives that rate and the first sample's time."""
    if not container.streams.audio:
        raise NoAudioError(f"{path}: expected an audio stream, found none")
    to_float = av.AudioResampler(format="fltp")
    chunks: list[np.ndarray] = []
    source_rate, start = 0, 0.0
    for frame in container.decode(container.streams.audio[0]):
        if not chunks:
            source_rate, start = frame.sample_rate, frame.time or 0.0
        chunks += [planes.to_ndarray().mean(axis=0) for planes in to_float.resample(frame)]
    if not chunks:
        raise NoAudioError(f"{path}: expected sound, found an audio stream that holds none")
    return np.concatenate(chunks), source_rate, start


def _resample(samples: np.ndarray, source_rate: int, sample_rate: int) -> np.ndarray:
    import torch
    from torchaudio.functional import resample

    with torch.inference_mode():
        return resample(torch.from_numpy(samples), source_rate, sample_rate).numpy()


def cut(samples: np.ndarray, sample_rate: int, window_seconds: float, hop_seconds: float) -> Iterator[Window]:
    """Cuts sound into windows of a fixed length, up to the first that reaches the sound's end.

    That one, where the sound does not fill it, is padded with zeros; it is dropped where less than half of it
    is sound, unless it is the only one.

    Args:
        samples: float32 [S].
        sample_rate: samples per second.
        window_seconds: length of a window.
        hop_seconds: seconds between the starts of two windows.

    Yields:
        Windows of samples float32 [round(window_seconds * sample_rate)]; `end` is at most the sound's own.
    """
    length = round(window_seconds * sample_rate)
    index, end = 0, 0
    while end < len(samples):
        start = round(index * hop_seconds * sample_rate)
        end = start + length
        sound = samples[start:end]
        if index > 0 and 2 * len(sound) < length:
            return
        padded = np.pad(sound, (0, length - len(sound)))
        yield Window(padded, start / sample_rate, (start + len(sound)) / sample_rate)
        index += 1
