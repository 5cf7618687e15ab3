"""What one branch of a per-clip system says about every clip."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor


@dataclass(frozen=True)
class Branch:
    """Logits and scores of every clip; padded clips have logits of -1e30."""

    start_logits: Tensor
    """[B, T]."""
    end_logits: Tensor
    """[B, T]."""
    saliency: Tensor
    """[B, T], unbounded scores; those of padded clips mean nothing."""

    def traces(self) -> dict[str, Tensor]:
        """Return the curves to show: the probability of each clip to be the first and the last, [B, T]."""
        return {"start": self.start_logits.softmax(-1), "end": self.end_logits.softmax(-1)}
