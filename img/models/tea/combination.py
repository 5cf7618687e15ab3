"""The clips' and the narratives' answers as one (TEA, equation 14)."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from img.models.blocks.clip_logits import Branch


def combine(visual: Branch, narrative: Branch, present: Tensor, weight: float) -> Branch:
    """Mix the probabilities of two answers: p = (p_v + alpha p_c) / (1 + alpha).

    A sample without narratives keeps the clips' answer.

    Args:
        visual: the clips' answer, whose saliency stays.
        narrative: the narratives' answer.
        present: [B] bool, samples with narratives.
        weight: alpha.

    Returns:
        The mixture's logarithms as logits.
    """
    log_weight = math.log(weight) if weight > 0 else -math.inf

    def mixed(one: Tensor, other: Tensor) -> Tensor:
        first, second = one.log_softmax(-1), other.log_softmax(-1)
        both = torch.logaddexp(first, second + log_weight) - math.log1p(weight)
        return torch.where(present[:, None], both, first)

    return Branch(
        mixed(visual.start_logits, narrative.start_logits),
        mixed(visual.end_logits, narrative.end_logits),
        visual.saliency,
    )
