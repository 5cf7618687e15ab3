"""How much a video's sound matters to a query (paper section 3.3.1)."""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn

from img.models.blocks.streams import Mask, StreamPool, xavier_linear


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


def fusion_weight(importance: Tensor, trust: float) -> Tensor:
    """Blend the neutral weight 0.5 into the predicted importance: 0.5 (1 - trust) + trust p."""
    return 0.5 * (1.0 - trust) + trust * importance
