"""Options of EMB, and those it shares with TEA. Needs pydantic only, so that planning does not load torch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

from pydantic import Field, model_validator

from extractors.settings import Real, Whole
from img.models.options import Needs, SystemOptions

PRESETS: dict[str, dict[str, Any]] = {
    # The paper's sets, and a sample's answer depends on that sample alone.
    "paper": {
        "mask_padding": True,
        "elastic_end": "inclusive",
        "highlight_end": "later",
        "decay_unit_norms": False,
    },
    # The behaviour of the authors' published code, for comparison and for their checkpoints.
    "reference": {
        "mask_padding": False,
        "elastic_end": "one_late",
        "highlight_end": "earlier",
        "decay_unit_norms": True,
    },
}


class ElasticOptions(SystemOptions):
    """Choices of a system that predicts spans beside coarse proposals; what is not given is the preset's."""

    presets: ClassVar[Mapping[str, Mapping[str, Any]]] = PRESETS

    preset: Literal["paper", "reference"] = Field(
        "paper", description="Bundle that supplies every choice not given here."
    )

    mask_padding: bool = Field(
        True,
        description="Keep padded clips, and what fills the last block up, out of the maxima of blocks; the "
        "authors' code lets them in.",
    )
    elastic_end: Literal["inclusive", "one_late"] = Field(
        "inclusive",
        description="Last clip of the proposal that becomes a second opinion on the label: its own, or, as "
        "in the authors' code, the one after it.",
    )
    highlight_end: Literal["later", "earlier"] = Field(
        "later",
        description="Which of the label's and the second opinion's last clips ends the highlight; "
        "`earlier` as in the authors' code.",
    )
    decay_unit_norms: bool = Field(
        False,
        description="Apply weight decay to the attention units' layer norms, as the authors' code does.",
    )

    width: Whole = Field(128, ge=1, le=16_384, description="Hidden width D.")
    heads: Whole = Field(8, ge=1, le=1024, description="Attention heads; they divide the width.")
    dropout: Real = Field(0.2, ge=0, lt=1, description="Dropout probability, everywhere.")
    guides: Literal["sides", "video"] = Field(
        "sides",
        description="What guides a clip's attention: the maximum of the clips before it and of those after "
        "it, or twice that of the whole video, as TEA's equation 7 is printed.",
    )
    proposal_block: Whole = Field(
        8, ge=1, le=100_000, description="Clips of a block; proposals are runs of blocks. 1 for every span."
    )
    longest_proposal: Whole = Field(16, ge=1, le=100_000, description="Most blocks of a proposal.")
    required_overlap: Literal["falling", "none"] = Field(
        "falling",
        description="IoU with the label that a proposal needs to become the second opinion: `falling` from 1 "
        "to `lowest_overlap` over the training, or `none`, which takes the best-scored one.",
    )
    lowest_overlap: Real = Field(0.5, ge=0, le=1, description="Where the required overlap falls to.")
    target_low: Real = Field(
        0.3,
        ge=0,
        lt=1,
        description="IoU up to which a proposal's target is 0; 0 with 1 takes the IoU itself.",
    )
    target_high: Real = Field(0.7, gt=0, le=1, description="IoU from which a proposal's target is 1.")
    highlight_growth: Real = Field(
        0.1, ge=0, le=10, description="Share of its length by which the highlight grows at both of its ends."
    )
    highlight_positive_weight: Real = Field(
        2.0,
        ge=0,
        le=100_000,
        description="Weight of highlighted clips in the highlight's loss; others have 1.",
    )
    highlight_weight: Real = Field(5.0, ge=0, le=100_000, description="Weight of the highlight's loss.")
    ranking_weight: Real = Field(1.0, ge=0, le=100_000, description="Weight of the proposals' loss.")

    @model_validator(mode="before")
    @classmethod
    def _fill_from_preset(cls, given: Any) -> Any:
        if not isinstance(given, dict):
            return given
        return {**cls.presets.get(given.get("preset", "paper"), {}), **given}

    @model_validator(mode="after")
    def _check_consistency(self) -> ElasticOptions:
        if self.width % (2 * self.heads):
            raise ValueError(
                f"width {self.width} must be an even multiple of the heads ({self.heads}), which share it; "
                "positions are pairs of a sine and a cosine"
            )
        if self.target_high <= self.target_low:
            raise ValueError(f"target_high {self.target_high} must exceed target_low {self.target_low}")
        return self


class EmbOptions(ElasticOptions):
    """Every choice that defines an EMB model; what is not given comes from the preset."""

    kind: Literal["emb"] = Field("emb", description="The system: EMB.")

    def needs(self) -> Needs:
        """Says what the model reads: sight."""
        return Needs(frozenset({"visual"}))
