"""Channels of sound mixed to one, as FFmpeg does it, and values that are no sound refused."""

from __future__ import annotations

from math import sqrt
from pathlib import Path

import av
import numpy as np

from extractors.media.errors import MediaError

LOUDEST = 32.0
"""Largest absolute sample that passes for sound, full scale being 1: decoders and hot mixes exceed 1."""

_CENTRE, _FRONT, _SURROUND = 1.0, sqrt(0.5), 0.5

# FFmpeg's own downmix (libswresample): the low-frequency channel and those above and behind are left out.
_WEIGHTS = (
    {"FC": _CENTRE}
    | dict.fromkeys(("FL", "FR", "FLC", "FRC", "TFL", "TFR", "DL", "DR"), _FRONT)
    | dict.fromkeys(("SL", "SR", "BL", "BR", "BC"), _SURROUND)
)


class Mixer:
    """Turns decoded frames of sound, whatever their number format and channels, into one channel."""

    def __init__(self, path: Path) -> None:
        """Takes the file that the frames come from, to name it in errors."""
        self._path = path
        self._shape: tuple[str, str, int] | None = None

    def mix(self, frame: av.AudioFrame) -> np.ndarray:
        """Mixes a frame's channels.

        Returns:
            float32 [S], full scale is 1.

        Raises:
            MediaError: a sample is not finite, or beyond `LOUDEST`.
        """
        shape = (frame.format.name, frame.layout.name, frame.sample_rate)
        if shape != self._shape:
            # All channels in one plane: PyAV reads beyond the planes of a frame that has more than seven.
            self._to_packed = av.AudioResampler(format="flt")
            self._weights = mono_weights(frame.layout)
            self._shape = shape
        parts = [part.to_ndarray() for part in self._to_packed.resample(frame)]
        samples = np.concatenate(parts, axis=1).reshape(-1, len(self._weights))
        peak = np.abs(samples).max(initial=0.0)
        if not peak <= LOUDEST:
            raise MediaError(
                f"{self._path}: expected samples of at most {LOUDEST:g} times full scale, found {peak:g} "
                f"at {frame.time or 0.0:.3f} s of the sound; convert it again from its source"
            )
        mixed: np.ndarray = samples @ self._weights
        return mixed


def mono_weights(layout: av.AudioLayout) -> np.ndarray:
    """What each channel counts in one channel, their sum being 1, so that no mix exceeds full scale.

    They are FFmpeg's: 1 for the centre, 0.71 for the other speakers in front, 0.5 for those at the sides and
    behind, 0 for low frequencies. So two channels are averaged. Channels that the file gives no place are all
    averaged, too.

    Returns:
        float32 [C].
    """
    weights = np.array([_WEIGHTS.get(channel.name, 0.0) for channel in layout.channels], np.float32)
    if not weights.any():
        weights[:] = 1
    return weights / weights.sum()
