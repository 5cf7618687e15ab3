"""VN: a clip and its narrative become one vector (TEA, equations 4 and 5, Table 5)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from img.models.blocks.streams import Mask, StreamLinear
from img.models.emb.guided import PlainUnit
from img.models.tea.options import TeaOptions


class Merge(nn.Module):
    """Clips told of their narratives."""

    def __init__(self, options: TeaOptions) -> None:
        super().__init__()
        width = options.width
        self.kind = options.merge
        if self.kind == "mlp":
            widths = [2 * width] + [width] * (options.merge_layers - 1)
            self.layers = nn.ModuleList(StreamLinear(1, inputs, width) for inputs in widths)
        elif self.kind == "attention":
            self.attention = PlainUnit(1, width, options.heads, options.dropout)

    def forward(self, clips: Tensor, narrative: Tensor, mask: Mask) -> Tensor:
        """Merge two sequences, [1, B, T, D] each."""
        if self.kind == "add":
            return clips + narrative
        if self.kind == "attention":
            return self.attention(clips, mask, narrative, mask)
        first, *further = self.layers
        merged: Tensor = first(torch.cat((clips, narrative), -1))
        for layer in further:
            merged = layer(merged.relu())
        return merged
