"""Options of the system without training; without torch."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from extractors.settings import Whole
from img.models.options import Needs, SystemOptions


class SimilarityOptions(SystemOptions):
    """How clips are compared with the query."""

    kind: Literal["similarity"] = Field("similarity", description="The system: Similarity.")
    compared: tuple[str, ...] = Field(
        ("visual", "audio"),
        min_length=1,
        description="Streams whose clips lie in the query's space; the first one's length is the video's.",
    )
    smoothing: Whole = Field(
        3, ge=1, le=999, description="Clips that each one's similarity is averaged over; an odd number."
    )

    @model_validator(mode="after")
    def _sensible(self) -> SimilarityOptions:
        if self.smoothing % 2 == 0:
            raise ValueError(f"smoothing: expected an odd number, found {self.smoothing}")
        if len(set(self.compared)) < len(self.compared):
            raise ValueError(f"compared: expected each stream once, found {list(self.compared)}")
        return self

    def needs(self) -> Needs:
        """Says what the system reads: the compared streams, and words or features."""
        return Needs(frozenset(self.compared))
