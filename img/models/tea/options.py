"""Options of TEA: EMB's, and one for each thing its paper leaves open. Needs pydantic only."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from extractors.settings import Real
from img.models.emb.options import ElasticOptions
from img.models.options import Needs


class TeaOptions(ElasticOptions):
    """Every choice that defines a TEA model; the defaults read the paper as it most likely means itself."""

    kind: Literal["tea"] = Field("tea", description="The system: TEA.")
    highlight_growth: Real = Field(
        0.0, ge=0, le=10, description="Share of its length by which the highlight grows at both of its ends."
    )

    merge: Literal["mlp", "add", "attention", "none"] = Field(
        "mlp",
        description="VN, how a clip and its narrative become one (Table 5): a perceptron of both side by "
        "side, their sum, or the clip's attention to all narratives; `none` leaves the clips alone.",
    )
    merge_layers: Literal[1, 2] = Field(
        2, description="Linear layers of the merge `mlp`, with ReLU between two; the paper says one MLP."
    )
    merge_after_position: bool = Field(
        False,
        description="Add positions to clips and narratives before the merge; otherwise to what it gives.",
    )
    paragraph: Literal["own", "shared", "none"] = Field(
        "own",
        description="PQ, the narratives' own answer: with parameters of its own, with those of the clips, or "
        "none.",
    )
    paragraph_weight: Real = Field(
        0.5,
        ge=0,
        le=1000,
        description="alpha, weight of the narratives' probabilities beside the clips' (equation 14); the "
        "sum is divided by 1 + alpha.",
    )
    share_text: bool = Field(
        False, description="Project narratives with the query's projection; both must be of equal width."
    )
    location_loss: Literal["combined", "separate", "video"] = Field(
        "combined",
        description="What the boundaries' loss sees: `combined` probabilities (Algorithm 1); each answer by "
        "itself, the narratives' times alpha; or the clips' answer alone (equation 15 to the letter, which "
        "leaves the narratives' answer untrained).",
    )
    highlight_loss: Literal["video", "both"] = Field(
        "video", description="Whose highlight is supervised: the clips' or the narratives' too."
    )

    @property
    def reads_narrative(self) -> bool:
        """Whether any part reads narratives; without, TEA is EMB."""
        return self.merge != "none" or self.paragraph != "none"

    @model_validator(mode="after")
    def _check_paragraph(self) -> TeaOptions:
        if self.paragraph == "none" and (self.location_loss != "combined" or self.highlight_loss != "video"):
            raise ValueError(
                "location_loss, highlight_loss: expected their defaults where paragraph is none, found "
                f"{self.location_loss} and {self.highlight_loss}"
            )
        return self

    def needs(self) -> Needs:
        """Says what the model reads: sight, and narratives unless both of their parts are off."""
        return Needs(frozenset({"visual", "narrative"} if self.reads_narrative else {"visual"}))
