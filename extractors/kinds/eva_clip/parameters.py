"""Settings of EVA-CLIP's image tower."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar, Literal

from pydantic import Field

from extractors.parameters import ImageParameters, NormaliseRule


class EvaClipParameters(ImageParameters):
    """EVA-CLIP g/14's image tower (Fang et al. 2023): one frame a row, in the space it shares with texts."""

    extra: ClassVar[str] = "eva_clip"
    widths: ClassVar[tuple[int, ...]] = (1024,)
    presets: ClassVar[dict[str, dict[str, Any]]] = {
        "hirest": {"clip_seconds": 1.0, "shown": "start", "normalise": "l2"},
    }

    weights: Path | Literal["random"] = Field(
        description="`eva_clip_psz14.pt`, open_clip's file of `EVA01-g-14` (.pt, .bin, .safetensors), or "
        "`random` for seeded random weights. The network takes 4 GB of memory."
    )
    normalise: NormaliseRule = Field(
        default="none", description="`l2` divides each row by its norm, as HiREST's published features."
    )
