"""Settings of arrays that were made elsewhere."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import Field, model_validator

from extractors.parameters import KindParameters, MergeRule, Modality, NormaliseRule
from extractors.settings import Real, Whole


class ImportedArrays(KindParameters):
    """Arrays that were made elsewhere: where they are, and what is known of them."""

    arrays: Path | tuple[Path, ...] = Field(
        description="Folder of `{video}.npy`, `.npz` or `.pt`, or a pickle of a dict of arrays; of several, "
        "a video's rows are put side by side, in this order."
    )
    merge: MergeRule = Field(
        default="cut_to_shortest",
        description="How several get one number of rows: `cut_to_shortest` keeps the first rows of each, as "
        "Moment-DETR and its kin; `bring_to_last` averages or repeats rows to the number of the last one's, "
        "as IMG's authors.",
    )
    max_rows: Whole | None = Field(
        default=None,
        ge=1,
        le=100_000,
        description="Most rows that `bring_to_last` brings them to; 128 in the code of IMG's authors.",
    )
    normalise: NormaliseRule = Field(
        default="none",
        description="`l2` divides each row of each array by its norm, before they are merged, as Moment-DETR "
        "and its kin; IMG's authors normalise nothing.",
    )
    width: Whole = Field(
        ge=1, le=100_000, description="Values of a row; videos with another row width are reported as failed."
    )
    divisor: Real = Field(
        default=1.0,
        ge=0.001,
        le=100_000,
        description="What values are divided by when they become a model's inputs: 255 for VGGish's 8-bit "
        "values.",
    )

    @property
    def paths(self) -> tuple[Path, ...]:
        """Every folder and pickle, in the order in which their values are put side by side."""
        return (self.arrays,) if isinstance(self.arrays, Path) else self.arrays

    @property
    def scale(self) -> float:
        """Divides values by the divisor."""
        return 1 / self.divisor

    @property
    def recipe(self) -> dict[str, Any]:
        """What the values depend on beside the arrays: each choice that is not the default."""
        return self.model_dump(include={"merge", "max_rows", "normalise"}, exclude_defaults=True)

    @model_validator(mode="after")
    def _fits_together(self) -> ImportedArrays:
        if not self.paths:
            raise ValueError("arrays: expected a folder or pickle, or several, found none")
        if self.merge != "cut_to_shortest" and len(self.paths) == 1:
            raise ValueError(f"merge: expected several arrays for {self.merge}, found one")
        if self.max_rows is not None and self.merge != "bring_to_last":
            raise ValueError(f"max_rows: expected with merge: bring_to_last, found with {self.merge}")
        return self


class ImportedParameters(ImportedArrays):
    """No network: arrays that were made elsewhere take the place of extracted ones."""

    modality: Modality = Field(description="What of a video the arrays describe.")
