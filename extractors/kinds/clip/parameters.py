"""Settings of CLIP's image tower."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar, Literal, NamedTuple

from pydantic import Field

from extractors.parameters import ImageParameters, NormaliseRule, WeightsForm

Architecture = Literal["ViT-B/32", "ViT-B/16", "ViT-L/14"]
Activation = Literal["quick_gelu", "gelu"]


class TowerSizes(NamedTuple):
    """Sizes of a vision transformer.

    Attributes:
        layers: blocks.
        width: of the tokens; the feed-forward layers are four times as wide.
        heads: of the attention.
        patch: pixels of a patch's side.
        rows: D, the width of a row.
    """

    layers: int
    width: int
    heads: int
    patch: int
    rows: int


TOWERS: dict[Architecture, TowerSizes] = {
    "ViT-B/32": TowerSizes(12, 768, 12, 32, 512),
    "ViT-B/16": TowerSizes(12, 768, 12, 16, 512),
    "ViT-L/14": TowerSizes(24, 1024, 16, 14, 768),
}


class ClipImageParameters(ImageParameters):
    """CLIP's image tower (Radford et al. 2021): one frame a row, in the space that it shares with texts."""

    weights_are: ClassVar[WeightsForm] = "file or folder"
    extra: ClassVar[str] = "clip"
    widths: ClassVar[tuple[int, ...]] = (512, 768)

    presets: ClassVar[dict[str, dict[str, Any]]] = {
        "moment_detr": {"clip_seconds": 2.0, "crop_offset": "truncated"},
        "univtg": {"clip_seconds": 2.0, "crop_offset": "truncated"},
        "cg_detr": {"clip_seconds": 1.0, "crop_offset": "truncated"},
    }

    weights: Path | Literal["random"] = Field(
        description="OpenAI's .pt, a state dict of open_clip (.pt, .safetensors), a CLIPModel's folder as "
        "transformers saves it, or `random` for seeded random weights."
    )
    architecture: Architecture = Field(
        default="ViT-B/32",
        description="The tower that the weights are of; rows are 512 wide, those of ViT-L/14 768. `crop` "
        "is the size of its pictures: 336 for ViT-L/14@336px, else 224.",
    )
    activation: Activation | None = Field(
        default=None,
        description="`quick_gelu` (OpenAI's weights, and open_clip's -quickgelu models) or `gelu` (most of "
        "open_clip's). null where the file says it: OpenAI's .pt and a folder with config.json do, a bare "
        "state dict does not.",
    )
    normalise: NormaliseRule = Field(
        default="none",
        description="`l2` divides each row by its norm. The published features hold rows as they are.",
    )
