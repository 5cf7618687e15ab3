"""Settings of VGGish."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from extractors.parameters import Parameters


class VggishParameters(Parameters):
    """VGGish (Hershey et al. 2017) on 16 kHz sound: 0.96 s windows, PCA, 8-bit quantisation."""

    pca: Path = Field(description="Path of the PCA parameters (.npz or .pth) of VGGish's postprocessing.")

    def sampling(self) -> str:
        """Says in words how sound is cut into windows."""
        return "sound at 16 kHz, windows of 0.96 s every 0.96 s"
