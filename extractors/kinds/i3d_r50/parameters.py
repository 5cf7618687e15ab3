"""Settings of I3D with a ResNet-50."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from extractors.parameters import FrameParameters
from extractors.settings import Real, Whole


class I3DR50Parameters(FrameParameters):
    """I3D with a ResNet-50 (pytorchvideo, Kinetics): 8 frames, every eighth of a 30 fps video."""

    widths: ClassVar[tuple[int, ...]] = (2048,)

    frame_rate: Real | None = Field(
        default=3.75, ge=0.01, le=1000, description="Frames per second, by timestamp."
    )
    window: Whole = Field(default=8, ge=2, le=1024, description="Frames in a window.")
    stride: Whole = Field(default=8, ge=1, le=10_000, description="Frames between the starts of two windows.")
    shorter_side: Whole = Field(
        default=256, ge=32, le=2048, description="Pixels of the shorter side after scaling."
    )
