"""What is drawn of a video whatever the question: its frames, and how loud it is."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from extractors.media.errors import MediaError
from extractors.media.preview import Preview, preview
from img.page.looking.killable import KilledError, run_killable

_PICTURES = 12
_HEIGHT = 88
_PARTS = 300
_SECONDS = 180.0
"""In which half an hour of video is decoded once."""

_HALF = 100
"""Height of the waveform above its middle, in units of its drawing."""


@dataclass(frozen=True)
class Strip:
    """A video in little, ready to be drawn.

    Attributes:
        pictures: data URIs of frames from the middles of equal parts of the video.
        sound: the waveform as an SVG path in a box from (0, -100) to (1000, 100); empty without sound.
    """

    pictures: Sequence[str] = ()
    sound: str = ""


def make_strip(path: Path, duration: float) -> Strip:
    """Looks into a video, in a process that can be killed; what cannot be seen is left out.

    Args:
        path: the video.
        duration: of the timeline, in seconds.
    """
    try:
        seen = run_killable(preview, path, _PICTURES, _HEIGHT, _PARTS, timeout=_SECONDS)
    except (MediaError, KilledError):
        return Strip()
    return draw_strip(seen, duration)


def draw_strip(seen: Preview, duration: float) -> Strip:
    """Draws what was seen and heard of a video along a timeline of `duration` seconds."""
    return Strip(
        [_encode(picture) for picture in seen.pictures],
        _draw_sound(seen.loudness, 1000 * seen.sound_seconds / duration),
    )


def _encode(picture: np.ndarray) -> str:
    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, "JPEG", quality=72)
    return "data:image/jpeg;base64," + base64.b64encode(buffer.getvalue()).decode("ascii")


def _draw_sound(loudness: np.ndarray, width: float) -> str:
    if not len(loudness):
        return ""
    places = np.linspace(0, width, len(loudness))
    heights = np.clip(loudness, 0.01, 1) * _HALF
    upper = [f"{x:.1f},{-y:.1f}" for x, y in zip(places, heights, strict=True)]
    lower = [f"{x:.1f},{y:.1f}" for x, y in zip(places, heights, strict=True)][::-1]
    return "M" + " L".join(upper + lower) + " Z"
