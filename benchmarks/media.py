"""Videos with sound for the benchmarks: moving noise, which compresses about as badly as real scenes."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np

_SAMPLE_RATE = 16_000


def write_video(path: Path, seconds: float, size: tuple[int, int], frame_rate: int, seed: int = 0) -> Path:
    """Writes H.264 video with AAC sound.

    Args:
        path: where.
        seconds: length.
        size: height and width in pixels, even.
        frame_rate: frames per second.
        seed: of picture and sound.
    """
    rng = np.random.default_rng(seed)
    height, width = size
    # Smooth noise larger than the picture, over which the camera pans.
    coarse = rng.integers(0, 256, (height // 8, width // 8, 3), dtype=np.uint8)
    scene = coarse.repeat(16, axis=0).repeat(16, axis=1)
    with av.open(str(path), "w") as container:
        video = container.add_stream("libx264", rate=frame_rate)
        video.width, video.height, video.pix_fmt = width, height, "yuv420p"
        audio = container.add_stream("aac", rate=_SAMPLE_RATE, layout="mono")
        for number in range(round(seconds * frame_rate)):
            top, left = (3 * number) % height, (5 * number) % width
            picture = np.ascontiguousarray(scene[top : top + height, left : left + width])
            container.mux(video.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(video.encode(None))
        samples = (0.1 * rng.standard_normal((1, round(seconds * _SAMPLE_RATE)))).astype(np.float32)
        sound = av.AudioFrame.from_ndarray(samples, format="fltp", layout="mono")
        sound.sample_rate, sound.time_base, sound.pts = _SAMPLE_RATE, Fraction(1, _SAMPLE_RATE), 0
        container.mux(audio.encode(sound))
        container.mux(audio.encode(None))
    return path
