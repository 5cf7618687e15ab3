"""Pictures and sound encoded as a small video."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

SAMPLE_RATE = 32_000

_X264_OPTIONS = {"preset": "superfast", "crf": "32", "threads": "1"}
_AAC_BIT_RATE = 48_000
_AAC_OPTIONS = {"aac_coder": "fast"}


def encode_video(
    path: Path, frames: Iterable[np.ndarray], frame_rate: int, play: Callable[[], np.ndarray]
) -> None:
    """Encodes a video (H.264 and AAC).

    Args:
        path: the file to write; its suffix chooses the container.
        frames: uint8 [H, W, 3] (RGB), all of one size.
        frame_rate: frames in a second.
        play: gives the samples, float32 [S] at `SAMPLE_RATE`, within -1 to 1; called after the last frame, so
            that what is drawn at random keeps its order.
    """
    with av.open(str(path), "w") as container:
        video = container.add_stream("libx264", rate=frame_rate, options=_X264_OPTIONS)
        audio = container.add_stream("aac", rate=SAMPLE_RATE, layout="mono", options=_AAC_OPTIONS)
        audio.bit_rate = _AAC_BIT_RATE
        for index, image in enumerate(frames):
            if index == 0:
                video.height, video.width = image.shape[:2]
                video.pix_fmt = "yuv420p"
            frame = av.VideoFrame.from_ndarray(image, "rgb24")
            frame.pts, frame.time_base = index, Fraction(1, frame_rate)
            container.mux(video.encode(frame))
        container.mux(video.encode(None))
        sound = av.AudioFrame.from_ndarray(play()[None], "fltp", "mono")
        sound.sample_rate, sound.pts, sound.time_base = SAMPLE_RATE, 0, Fraction(1, SAMPLE_RATE)
        container.mux(audio.encode(sound))
        container.mux(audio.encode(None))
