"""Settings of VGGish."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from pydantic import Field

from extractors.parameters import Parameters
from extractors.settings import Real

LEVELS = 255
"""Largest value of a row that is quantised to 8 bits."""


class VggishParameters(Parameters):
    """VGGish (Hershey et al. 2017) on 16 kHz sound: 0.96 s windows, PCA, 8-bit quantisation."""

    widths: ClassVar[tuple[int, ...]] = (128,)

    pca: Path = Field(description="Path of the PCA parameters (.npz or .pth) of VGGish's postprocessing.")
    hop_seconds: Real = Field(
        default=0.96, ge=0.01, le=3600, description="Seconds between the starts of two windows of 0.96 s."
    )
    quantise: bool = Field(
        default=True,
        description="Clip rows to [-2, 2] and round them to 0..255, as AudioSet's release; false gives the "
        "rows of the PCA.",
    )
    last_relu: bool = Field(
        default=True,
        description="Keep the ReLU after the last layer, as torchvggish; false leaves it out, as "
        "TensorFlow's VGGish since 2020, and as the published PCA was fitted (docs/sound_and_texts.md).",
    )

    @property
    def scale(self) -> float:
        """Brings quantised values to 0..1."""
        return 1 / LEVELS if self.quantise else 1.0

    def sampling(self) -> str:
        """Says in words how sound is cut into windows."""
        return f"sound at 16 kHz, windows of 0.96 s every {self.hop_seconds:g} s"
