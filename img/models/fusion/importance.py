"""How much a video's sound matters to a query: predicted (paper section 3.3.1) or by a rule (Table 1)."""

from __future__ import annotations

from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from img.models.blocks.streams import Mask, StreamPool, xavier_linear

NEUTRAL = 0.5


class ImportancePredictor(nn.Module):
    """p = sigmoid(MLP([pool(audio); pool(visual)])), one number per sample."""

    def __init__(self, width: int, layers: int) -> None:
        super().__init__()
        self.pool = StreamPool(2, width)
        sizes = [2 * width] + [width] * (layers - 1) + [1]
        self.layers = nn.ModuleList(xavier_linear(inputs, outputs) for inputs, outputs in pairwise(sizes))

    def forward(self, streams: Tensor, mask: Mask) -> Tensor:
        """Predict the importance, [B], from the visual and the audio sequence, [2, B, T, D]."""
        visual, audio = self.pool(streams, mask)
        hidden = self.layers[0](torch.cat((audio, visual), -1))
        for layer in self.layers[1:]:
            hidden = layer(hidden.relu())
        return hidden.squeeze(-1).sigmoid()


def similarity_importance(streams: Tensor, mask: Mask) -> Tensor:
    """Weigh the sound, [B], by how much it agrees with what is seen: (1 + cos(visual, audio)) / 2.

    Section 4.3 has "cosine similarity between embeddings" and no more. Here they are the means of the visual
    and the audio sequence, [2, B, T, D], over real clips, which need no parameters, and the cosine is brought
    to the range of the p whose place in equation 5 it takes.
    """
    keep = mask.keep[:, :, None]
    visual, audio = (streams * keep).sum(2) / keep.sum(1)
    return (1.0 + F.cosine_similarity(visual, audio, dim=-1)) / 2.0


def entropy_importance(attention: Tensor, mask: Mask) -> Tensor:
    """Weigh the sound, [B], by how much sharper its attention is: softmax over the two sides of -entropy.

    Section 4.3 has "attention entropy calculated by the last attention layer". The last one before the fusion
    is context-query attention; its clips' attention to the words, [2, B, T, N], visual and audio, gives an
    entropy (in nats) for each clip, and their mean over real clips is the side's.
    """
    # No entropy comes from a word without attention, and no gradient that is no number.
    logarithm = attention.clamp(min=torch.finfo(attention.dtype).tiny).log()
    entropy = -(attention * logarithm).sum(-1)
    visual, audio = (entropy * mask.keep).sum(-1) / mask.keep.sum(-1)
    return (visual - audio).sigmoid()


def fusion_weight(importance: Tensor, trust: float) -> Tensor:
    """Blend the neutral weight 0.5 into the importance: 0.5 (1 - trust) + trust p."""
    return NEUTRAL * (1.0 - trust) + trust * importance
