"""Small videos for the tests; every frame shows its own number, so that a test sees which it was given."""

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

_BITS = 8
MILLISECOND = Fraction(1, 1000)


def picture(number: int, height: int, width: int) -> np.ndarray:
    """Grey uint8 [height, width]: in the upper half a bar for each bit of the number, below black."""
    bars = np.array([200 if number >> bit & 1 else 50 for bit in range(_BITS)], dtype=np.uint8)
    image = np.zeros((height, width), dtype=np.uint8)
    image[: height // 2] = bars[np.arange(width) * _BITS // width]
    return image


def number_of(frame: np.ndarray) -> int:
    """The number that a square crop of a square picture (uint8 [H, W, 3]) shows."""
    height, width, _ = frame.shape
    bars = frame[height // 4, (np.arange(_BITS) * 2 + 1) * width // (2 * _BITS), 0]
    return sum(1 << bit for bit in range(_BITS) if bars[bit] > 125)


def write_video(
    path: Path,
    times: Sequence[float] | np.ndarray,
    *,
    size: tuple[int, int] = (64, 64),
    codec: str = "libx264",
    rotation: int = 0,
    sound: np.ndarray | None = None,
    sample_rate: int = 16000,
    sound_start: float = 0.0,
) -> Path:
    """Writes a video whose frame k is picture k, shown from times[k] (seconds, to the millisecond).

    Args:
        path: where; its suffix chooses the container.
        times: seconds of each frame.
        size: height and width.
        codec: the video's encoder.
        rotation: degrees counter-clockwise, written as metadata only.
        sound: float samples [S], mono; None for a video without sound.
        sample_rate: samples per second of the sound.
        sound_start: seconds at which the sound begins.
    """
    height, width = size
    with av.open(str(path), "w") as container:
        video = container.add_stream(codec, rate=1000)
        video.width, video.height, video.pix_fmt = width, height, "yuv420p"
        video.codec_context.time_base = MILLISECOND
        video.codec_context.thread_count = 1
        if rotation:
            video.set_display_rotation(rotation)
        audio = container.add_stream("aac", rate=sample_rate, layout="mono") if sound is not None else None
        for number, time in enumerate(times):
            frame = av.VideoFrame.from_ndarray(picture(number, height, width), format="gray")
            frame.pts, frame.time_base = round(time * 1000), MILLISECOND
            frame.duration = round(1000 * (times[number + 1] - time)) if number + 1 < len(times) else 40
            container.mux(video.encode(frame))
        container.mux(video.encode(None))
        if audio is not None:
            block = av.AudioFrame.from_ndarray(
                np.asarray(sound, dtype=np.float32)[None], format="fltp", layout="mono"
            )
            block.sample_rate, block.time_base = sample_rate, Fraction(1, sample_rate)
            block.pts = round(sound_start * sample_rate)
            container.mux(audio.encode(block))
            container.mux(audio.encode(None))
    return path


def write_frames(
    path: Path,
    codec: str,
    count: int,
    *,
    pixel_format: str = "yuv420p",
    container_options: dict[str, str] | None = None,
    **options: str,
) -> Path:
    """Writes a video at 25 frames a second whose frame k is picture k, encoded with these options."""
    with av.open(str(path), "w", options=container_options or {}) as container:
        video = container.add_stream(codec, rate=25, options=options)
        video.width, video.height, video.pix_fmt = 64, 64, pixel_format
        video.codec_context.thread_count = 1
        for number in range(count):
            frame = av.VideoFrame.from_ndarray(picture(number, 64, 64), format="gray")
            frame.pts, frame.time_base = number, Fraction(1, 25)
            container.mux(video.encode(frame))
        container.mux(video.encode(None))
    return path


def write_sound(path: Path, channels: np.ndarray, sample_rate: int) -> Path:
    """Writes 16-bit PCM from float samples [C, S], C at most 2."""
    with av.open(str(path), "w") as container:
        layout = "mono" if len(channels) == 1 else "stereo"
        stream = container.add_stream("pcm_s16le", rate=sample_rate, layout=layout)
        packed = (channels.T.reshape(1, -1) * 32767).round().astype(np.int16)
        frame = av.AudioFrame.from_ndarray(packed, format="s16", layout=layout)
        frame.sample_rate, frame.pts = sample_rate, 0
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path
