"""Options of the IMG model. Needs pydantic only, so that planning does not load torch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

from pydantic import Field, model_validator

from extractors.settings import Real, Whole
from img.models.fusion.options import FusionWeight, Level, SlotNoise
from img.models.options import Needs, SystemOptions

PRESETS: dict[str, dict[str, Any]] = {
    # Sound mathematics where the paper leaves a choice; a sample's answer depends on that sample alone.
    "paper": {
        "position": "time",
        "mask_padding": True,
        "slot_competition": True,
        "slot_noise_at_inference": "fixed",
        "importance_layers": 2,
        "audio_losses": "all",
        "decay_slot_norms": False,
    },
    # The behaviour of the authors' published code, for comparison and for their checkpoints.
    "reference": {
        "position": "batch",
        "mask_padding": False,
        "slot_competition": False,
        "slot_noise_at_inference": "fresh",
        "importance_layers": 1,
        "audio_losses": "informative",
        "decay_slot_norms": True,
    },
}


class ImgOptions(SystemOptions):
    """Every choice that defines an IMG model; what is not given comes from the preset."""

    presets: ClassVar[Mapping[str, Mapping[str, Any]]] = PRESETS

    kind: Literal["img"] = Field("img", description="The system: IMG.")
    preset: Literal["paper", "reference"] = Field(
        "paper", description="Bundle that supplies every choice not given here."
    )

    position: Literal["time", "batch"] = Field(
        "time",
        description="What the encoders' position encoding counts: `time`, the clip or word; `batch`, the "
        "sample's place in the batch, as the authors' code does.",
    )
    mask_padding: bool = Field(
        True,
        description="Keep padded clips, words and characters out of convolutions and the character maximum.",
    )
    slot_competition: bool = Field(
        True,
        description="Slots compete for clips (softmax over slots, then a mean over clips); otherwise each "
        "slot takes its own softmax over clips.",
    )
    slot_noise_at_inference: SlotNoise = Field(
        "fixed",
        description="Noise that the slots start from outside training: `fixed`, one draw kept with the "
        "weights; `fresh`, drawn at every call; `none`, zero, which makes all slots equal (for tests).",
    )
    importance_layers: Literal[1, 2] = Field(
        2, description="Linear layers of the audio importance predictor, with ReLU between two."
    )
    audio_losses: Literal["all", "informative"] = Field(
        "all",
        description="Samples whose audio branch is trained: `all` with sound, or those whose pseudo-label "
        "exceeds `eps_min`.",
    )
    decay_slot_norms: bool = Field(
        False,
        description="Apply weight decay to the slot attention's layer norms, as the authors' code does.",
    )

    width: Whole = Field(128, ge=1, le=16_384, description="Hidden width D.")
    heads: Whole = Field(8, ge=1, le=1024, description="Attention heads; they divide the width.")
    dropout: Real = Field(0.2, ge=0, lt=1, description="Dropout probability, everywhere.")
    modalities: Literal["both", "visual"] = Field(
        "both",
        description="`visual` is the paper's baseline: the visual branch alone, trained alone. It has no "
        "part that reads or fuses sound, and the options of those have no effect.",
    )
    fusion_weight: FusionWeight = Field(
        "importance",
        description="How sound joins sight at each level, by a weight of the sound: `importance`, predicted; "
        "`addition`, one half; `similarity`, from the cosine of the two mean vectors; `entropy`, from how "
        "sharply each side attends to the query. `concatenation` has no weight but a Linear of both.",
    )
    levels: tuple[Level, ...] = Field(
        ("local", "event", "global"),
        min_length=1,
        description="Granularities at which sound and sight are fused.",
    )
    slots: Whole = Field(3, ge=1, le=1024, description="Event slots per stream.")
    slot_iterations: Whole = Field(3, ge=1, le=100, description="Slot attention iterations.")
    slot_supervision_weight: Real = Field(
        0.0,
        ge=0,
        le=100_000,
        description="Weight of the loss that tells the event level's sequences, if there are any, which "
        "clips lie in the moment (1 in the variant `event_supervised`; the paper does not give it).",
    )

    eps_min: Real = Field(
        0.2, ge=0, lt=0.5, description="Pseudo-labels up to this become 0 (0.1 on ActivityNet Captions)."
    )
    eps_max: Real | None = Field(
        None, gt=0, le=1, description="Pseudo-labels above this become 1; null for 1 - eps_min."
    )
    gamma: Real = Field(
        3.0, ge=0.01, le=1000, description="Temperature of the pseudo-labels (2 on ActivityNet Captions)."
    )
    temperature: Real = Field(2.0, ge=0.01, le=1000, description="Temperature tau of the distillation.")
    saliency_margin: Real = Field(0.2, ge=0, le=1000, description="Margin of the saliency loss.")
    importance_weight: Real = Field(
        5.0, ge=0, le=100_000, description="lambda_1, weight of the importance predictor's loss."
    )
    distillation_weight: Real = Field(
        10.0, ge=0, le=100_000, description="lambda_2, weight of the distillation."
    )
    saliency_weight: Real = Field(
        0.5, ge=0, le=100_000, description="lambda_3, weight of the saliency losses."
    )
    importance_ramp_epochs: Whole = Field(
        10,
        ge=1,
        le=100_000,
        description="Epochs over which the predicted importance replaces the neutral weight 0.5.",
    )
    distillation_ramp_epochs: Whole = Field(
        20, ge=1, le=100_000, description="Epochs over which distillation is phased in."
    )

    @model_validator(mode="before")
    @classmethod
    def _fill_from_preset(cls, given: Any) -> Any:
        if not isinstance(given, dict):
            return given
        return {**PRESETS.get(given.get("preset", "paper"), {}), **given}

    @model_validator(mode="after")
    def _check_consistency(self) -> ImgOptions:
        if self.width % (2 * self.heads):
            raise ValueError(
                f"width {self.width} must be a multiple of twice the heads ({self.heads}): "
                "heads and the two directions of a GRU share it equally"
            )
        if len(set(self.levels)) != len(self.levels):
            raise ValueError(f"levels {list(self.levels)} names one level twice; name each at most once")
        if self.eps_max is not None and self.eps_max <= self.eps_min:
            raise ValueError(f"eps_max {self.eps_max} must exceed eps_min {self.eps_min}")
        return self

    def needs(self) -> Needs:
        """Says what the model reads: sight, and sound unless it is the visual baseline."""
        return Needs(frozenset({"visual"} if self.modalities == "visual" else {"visual", "audio"}))
