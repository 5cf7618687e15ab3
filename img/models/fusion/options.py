"""What a host says of the fusion it takes in; without torch, so that planning stays fast."""

from __future__ import annotations

from typing import Literal, Protocol

Level = Literal["local", "event", "global"]
FusionWeight = Literal["importance", "addition", "concatenation", "similarity", "entropy"]
SlotNoise = Literal["fixed", "fresh", "none"]


class FusionOptions(Protocol):
    """Choices that the options of any host may hold; those of IMG explain each."""

    @property
    def width(self) -> int:
        """Width D of the two sequences."""

    @property
    def heads(self) -> int:
        """Attention heads."""

    @property
    def dropout(self) -> float:
        """Dropout probability."""

    @property
    def fusion_weight(self) -> FusionWeight:
        """How sound joins sight at each level."""

    @property
    def importance_layers(self) -> int:
        """Linear layers of the importance predictor."""

    @property
    def levels(self) -> tuple[Level, ...]:
        """Granularities at which the sequences are fused."""

    @property
    def slots(self) -> int:
        """Event slots of each sequence."""

    @property
    def slot_iterations(self) -> int:
        """Slot attention iterations."""

    @property
    def slot_competition(self) -> bool:
        """Whether slots compete for clips."""

    @property
    def slot_noise_at_inference(self) -> SlotNoise:
        """Noise that slots start from outside training."""

    @property
    def slot_supervision_weight(self) -> float:
        """Whether the event level is told which clips lie in the moment: above 0."""
