"""Settings of CLAP."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar, Literal

from pydantic import Field

from extractors.parameters import SoundParameters, WeightsForm
from extractors.settings import Real


class ClapParameters(SoundParameters):
    """CLAP's sound tower (Wu et al. 2023, LAION), HTSAT on 48 kHz sound, one row for each window."""

    extra: ClassVar[str] = "clap"
    widths: ClassVar[tuple[int, ...]] = (512, 768)

    sample_rate: ClassVar[int] = 48_000

    weights_are: ClassVar[WeightsForm] = "folder"

    weights: Path = Field(
        description="Folder of a ClapModel without fusion, as transformers saves it "
        "(laion/clap-htsat-unfused, laion/larger_clap_general), with its preprocessor_config.json."
    )
    window_seconds: Real = Field(
        default=1.0,
        ge=0.05,
        le=10,
        description="Length of a window; one below 10 s is repeated to fill them, as in CLAP's training.",
    )
    output: Literal["projected", "pooled"] = Field(
        default="projected",
        description="`projected`, 512 values of norm 1 in the space that text shares; `pooled`, 768 values, "
        "the mean of the last map.",
    )
