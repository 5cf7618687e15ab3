"""Settings of YAMNet."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar, Literal

from pydantic import Field

from extractors.parameters import Parameters
from extractors.settings import Real


class YamnetParameters(Parameters):
    """YAMNet (AudioSet) on 16 kHz sound: windows of 0.96 s."""

    widths: ClassVar[tuple[int, ...]] = (1024, 521)

    weights: Path | Literal["random"] = Field(
        description="The user's own file: `YamNet_w8a8.onnx.zip` of the package sead 0.2.1, which states no "
        "licence; a state dict of these tensors; or `random` for seeded random weights.",
    )
    hop_seconds: Real = Field(
        default=0.96, ge=0.01, le=3600, description="Seconds between the starts of two windows of 0.96 s."
    )
    output: Literal["features", "classes"] = Field(
        default="features",
        description="`features`, 1024 values, the mean of the last map; `classes`, what each of AudioSet's "
        "521 classes is given, 0 to 1.",
    )

    def sampling(self) -> str:
        """Says in words how sound is cut into windows."""
        return f"sound at 16 kHz, windows of 0.96 s every {self.hop_seconds:g} s"
