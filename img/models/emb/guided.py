"""Attention units whose queries are guided by what lies around a step."""

from __future__ import annotations

from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from img.models.blocks.attention import MultiHeadAttention, pair_bias
from img.models.blocks.streams import Dropout, Mask, StreamLayerNorm, StreamLinear, xavier_per_stream_

Guides = tuple[Tensor, Tensor]
"""What lies on the left and on the right of every step, [S, B, L, D] each."""

COLUMNS = 3
"""The left guide, the right guide and the step itself."""


class AttentionUnit(nn.Module):
    """Attention, then a perceptron of two layers; both residual, each followed by a layer norm."""

    def __init__(self, streams: int, width: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.attention = MultiHeadAttention(streams, width, heads, dropout)
        self.layer_norm1 = StreamLayerNorm(streams, width)
        self.hidden = StreamLinear(streams, width, width)
        self.output = StreamLinear(streams, width, width)
        self.layer_norm2 = StreamLayerNorm(streams, width)
        self.dropout = Dropout(dropout)

    def forward(self, x: Tensor, query: Tensor, context: Tensor, logit_bias: Tensor) -> Tensor:
        """Add to x what `query` finds in `context`.

        Args:
            x: [S, B, L, D].
            query: [S, B, L, D], which attends in the place of x.
            context: [S, B, M, D].
            logit_bias: broadcasts to [B, heads, L, M].

        Returns:
            [S, B, L, D].
        """
        x = self.layer_norm1(x + self.dropout(self.attention(query, context, logit_bias)))
        return self.layer_norm2(x + self.dropout(self.output(self.hidden(x).relu())))


class PlainUnit(nn.Module):
    """A sequence attends to itself, or to another one."""

    def __init__(self, streams: int, width: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.unit = AttentionUnit(streams, width, heads, dropout)

    def forward(
        self, x: Tensor, mask: Mask, context: Tensor | None = None, context_mask: Mask | None = None
    ) -> Tensor:
        """Transform x, [S, B, L, D], by itself or by a context [S, B, M, D]."""
        return _attend(self.unit, x, x, mask, context, context_mask)


class GuidedUnit(nn.Module):
    """A sequence attends with queries mixed from its steps and their guides (EMB; TEA equation 7)."""

    def __init__(self, streams: int, width: int, heads: int, dropout: float, kernel: int) -> None:
        super().__init__()
        self.mix = GuideMix(streams, width, kernel, dropout)
        self.unit = AttentionUnit(streams, width, heads, dropout)

    def forward(
        self,
        x: Tensor,
        guides: Guides,
        mask: Mask,
        context: Tensor | None = None,
        context_mask: Mask | None = None,
    ) -> Tensor:
        """Transform x, [S, B, L, D], by itself or by a context [S, B, M, D].

        Without a context the mix is query, key and value.
        """
        x = mask.zeroed(x)
        return _attend(self.unit, x, self.mix(*guides, x), mask, context, context_mask)


def _attend(
    unit: AttentionUnit, x: Tensor, query: Tensor, mask: Mask, context: Tensor | None, other: Mask | None
) -> Tensor:
    if context is None:
        return unit(x, query, query, mask.logit_bias[:, None, None])
    return unit(x, query, context, pair_bias(mask, other))


class GuideMix(nn.Module):
    """Depthwise convolution over time and the three columns, pointwise one, dropout, layer norm, ReLU."""

    def __init__(self, streams: int, width: int, kernel: int, dropout: float) -> None:
        super().__init__()
        # As an image of T rows and three columns for each channel.
        self.weight = nn.Parameter(torch.empty(streams, width, 1, kernel, COLUMNS))
        xavier_per_stream_(self.weight)
        self.pointwise = StreamLinear(streams, width, width)
        self.layer_norm = StreamLayerNorm(streams, width)
        self.dropout = Dropout(dropout)

    def forward(self, left: Tensor, right: Tensor, x: Tensor) -> Tensor:
        """Mix three sequences, [S, B, L, D] each, into one."""
        kernel = self.weight.shape[3]
        mixed = self._weigh(left, right, x) if kernel == 1 else self._convolve(left, right, x)
        return self.layer_norm(self.dropout(self.pointwise(mixed))).relu()

    def _weigh(self, *columns: Tensor) -> Tensor:
        weights = self.weight[:, None, None, :, 0, 0].unbind(-1)
        return sum(column * weight for column, weight in zip(columns, weights, strict=True))  # type: ignore[return-value]

    def _convolve(self, *columns: Tensor) -> Tensor:
        streams, batch, length, width = columns[0].shape
        image = torch.stack(columns, -1).permute(1, 0, 3, 2, 4).reshape(batch, -1, length, COLUMNS)
        kernel = self.weight.shape[3]
        mixed = F.conv2d(image, self.weight.flatten(0, 1), padding=(kernel // 2, 0), groups=streams * width)
        return mixed.view(batch, streams, width, length).permute(1, 0, 3, 2)


def content_guides(x: Tensor, mask: Mask, scope: Literal["sides", "video"]) -> Guides:
    """Finds what guides each clip: the maxima of the real clips before it and of those after it.

    They are zero where there are none, and at padded clips. Running maxima from both ends give them in
    [B, T, D], where comparing every pair of clips would take [B, T, T, D].

    Args:
        x: clips, [S, B, T, D].
        mask: real clips.
        scope: `video` takes the maximum of all real clips in the place of both.
    """
    padded = mask.keep[:, :, None] == 0
    hidden = x.masked_fill(padded, -torch.inf)
    if scope == "video":
        whole = hidden.amax(2, keepdim=True).expand_as(x).masked_fill(padded, 0)
        return whole, whole
    before = hidden.cummax(2).values[:, :, :-1]
    after = hidden.flip(2).cummax(2).values.flip(2)[:, :, 1:]
    left, right = F.pad(before, (0, 0, 1, 0), value=-torch.inf), F.pad(after, (0, 0, 0, 1), value=-torch.inf)
    return tuple(side.masked_fill(side.isinf() | padded, 0) for side in (left, right))  # type: ignore[return-value]
