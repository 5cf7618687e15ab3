"""Span predictor: where a moment starts and ends."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from img.models.blocks.encoder import Encoder, LearnedPosition
from img.models.blocks.streams import Mask, StreamLayerNorm, StreamLinear

CONVOLUTIONS = 4


class BoundaryHead(nn.Module):
    """A logit per clip from the encoded and the plain sequence."""

    def __init__(self, streams: int, width: int) -> None:
        super().__init__()
        self.layer_norm = StreamLayerNorm(streams, width)
        self.hidden = StreamLinear(streams, 2 * width, width)
        self.output = StreamLinear(streams, width, 1)

    def forward(self, encoded: Tensor, x: Tensor, mask: Mask) -> Tensor:
        """Return logits, [S, B, T], from two sequences [S, B, T, D]; -1e30 at padding."""
        joined = torch.cat((self.layer_norm(encoded), x), -1)
        return self.output(self.hidden(joined).relu()).squeeze(-1) + mask.logit_bias


class SpanPredictor(nn.Module):
    """Start logits from one pass through an encoder, end logits from a second pass through the same."""

    def __init__(self, streams: int, width: int, heads: int, dropout: float, max_clips: int) -> None:
        super().__init__()
        position = LearnedPosition(streams, width, max_clips)
        self.encoder = Encoder(position, streams, width, heads, dropout, CONVOLUTIONS)
        self.start = BoundaryHead(streams, width)
        self.end = BoundaryHead(streams, width)

    def forward(self, x: Tensor, mask: Mask) -> tuple[Tensor, Tensor]:
        """Return start and end logits, [S, B, T] each, of x, [S, B, T, D]."""
        for_start = self.encoder(x, mask)
        for_end = self.encoder(for_start, mask)
        return self.start(for_start, x, mask), self.end(for_end, x, mask)
