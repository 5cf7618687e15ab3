"""Sequence encoders: positions, depthwise separable convolutions, self-attention."""

from __future__ import annotations

from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from img.models.blocks.attention import SelfAttention
from img.models.blocks.streams import Dropout, Mask, StreamDepthwise, StreamLayerNorm, StreamLinear

CONVOLUTION_KERNEL = 7


class SinusoidalPosition(nn.Module):
    """Fixed sinusoids added to a sequence, counted over its steps or, as the authors do, over the batch.

    Channel c holds a sine (c even) or cosine (c odd) of the position times a frequency: over time
    10000^(-2 floor(c/2) / D); in the authors' table over the batch 10000^(c / D), all of them fast.
    """

    table: Tensor

    def __init__(self, width: int, rows: int, over: Literal["time", "batch"]) -> None:
        super().__init__()
        self.over = over
        channel = torch.arange(width)
        exponent = -2.0 * (channel // 2) / width if over == "time" else channel / width
        angle = torch.arange(rows, dtype=torch.float64)[:, None] * 10000.0 ** exponent.double()
        self.register_buffer("table", torch.where(channel % 2 == 0, angle.sin(), angle.cos()).float())

    def forward(self, x: Tensor) -> Tensor:
        """Add positions to x, [S, B, L, D].

        Raises:
            ValueError: the table has fewer rows than x has steps (or samples, counted over the batch).
        """
        count = x.shape[2] if self.over == "time" else x.shape[1]
        if count > len(self.table):
            raise ValueError(
                f"positions over {self.over}: the model knows {len(self.table)}, the batch needs {count}; "
                "raise max_clips or max_words, or make the batch smaller"
            )
        rows = self.table[:count]
        return x + (rows if self.over == "time" else rows[:, None])


class LearnedPosition(nn.Module):
    """A learned vector per step and stream, added to a sequence."""

    def __init__(self, streams: int, width: int, rows: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(streams, rows, width))

    def forward(self, x: Tensor) -> Tensor:
        """Add positions to x, [S, B, L, D] with L up to the rows."""
        return x + self.weight[:, None, : x.shape[2]]


class SeparableConvolution(nn.Module):
    """Layer norm, depthwise convolution over time, pointwise convolution, ReLU, dropout; residual."""

    def __init__(self, streams: int, width: int, dropout: float) -> None:
        super().__init__()
        self.layer_norm = StreamLayerNorm(streams, width)
        self.depthwise = StreamDepthwise(streams, width, CONVOLUTION_KERNEL, bias=False)
        self.pointwise = StreamLinear(streams, width, width)
        self.dropout = Dropout(dropout)

    def forward(self, x: Tensor, mask: Mask) -> Tensor:
        """Transform x, [S, B, L, D]."""
        local = self.depthwise(mask.zeroed(self.layer_norm(x)))
        return x + self.dropout(F.relu(self.pointwise(local)))


class Encoder(nn.Module):
    """Positions, separable convolutions, self-attention."""

    def __init__(
        self, position: nn.Module, streams: int, width: int, heads: int, dropout: float, convolutions: int
    ) -> None:
        super().__init__()
        self.position = position
        self.convolutions = nn.ModuleList(
            SeparableConvolution(streams, width, dropout) for _ in range(convolutions)
        )
        self.self_attention = SelfAttention(streams, width, heads, dropout)

    def forward(self, x: Tensor, mask: Mask) -> Tensor:
        """Encode x, [S, B, L, D]."""
        x = self.position(x)
        for convolution in self.convolutions:
            x = convolution(x, mask)
        return self.self_attention(x, mask)
