"""Settings of CNN14."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from extractors.parameters import SoundParameters
from extractors.settings import Real


class PannParameters(SoundParameters):
    """CNN14 of PANNs (Kong et al. 2020) on 32 kHz sound, one row for each window."""

    widths: ClassVar[tuple[int, ...]] = (2048,)

    sample_rate: ClassVar[int] = 32_000

    window_seconds: Real = Field(
        default=1.0,
        ge=0.31,
        le=600,
        description="Length of a window; the network needs 9,920 samples (0.31 s).",
    )
