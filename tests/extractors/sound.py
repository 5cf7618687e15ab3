"""Sound files for the tests, written chunk by chunk with timestamps of the test's own."""

from collections.abc import Iterable, Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np


def telling_time(start: float, seconds: float, rate: int, channels: int = 1) -> np.ndarray:
    """Samples float32 [S, C], each the second at which it is heard, divided by 100."""
    times = start + np.arange(round(seconds * rate)) / rate
    return np.repeat(times[:, None].astype(np.float32) / 100, channels, axis=1)


def write_chunks(
    path: Path,
    chunks: Iterable[tuple[float, np.ndarray]],
    rate: int,
    *,
    layout: str = "mono",
    codec: str = "pcm_s16le",
    frame_times: Sequence[float] = (),
    options: dict[str, str] | None = None,
) -> Path:
    """Writes sound whose chunks begin when the test says.

    Args:
        path: where; its suffix chooses the container.
        chunks: seconds, and float samples [S, C].
        rate: samples per second.
        layout: of the channels.
        codec: the sound's encoder.
        frame_times: seconds of each frame of a small grey video; none for sound alone.
        options: of the container.
    """
    with av.open(str(path), "w", options=options) as container:
        video = container.add_stream("mpeg4", rate=1000) if frame_times else None
        audio = container.add_stream(codec, rate=rate, layout=layout)
        if video is not None:
            video.width = video.height = 32
            video.pix_fmt, video.codec_context.time_base = "yuv420p", Fraction(1, 1000)
            for time in frame_times:
                picture = av.VideoFrame.from_ndarray(np.full((32, 32), 128, np.uint8), format="gray")
                picture.pts, picture.time_base = round(time * 1000), Fraction(1, 1000)
                container.mux(video.encode(picture))
            container.mux(video.encode(None))
        for start, samples in chunks:
            container.mux(audio.encode(_frame(start, samples, rate, layout)))
        container.mux(audio.encode(None))
    return path


def _frame(start: float, samples: np.ndarray, rate: int, layout: str) -> av.AudioFrame:
    frame = av.AudioFrame.from_ndarray(samples.astype(np.float64).reshape(1, -1), format="dbl", layout=layout)
    frame.sample_rate, frame.time_base, frame.pts = rate, Fraction(1, rate), round(start * rate)
    return frame
