"""Layers for several streams at once.

The visual and the audio side of IMG, and its three branches, pass through equal structures with weights of
their own. They are kept as one tensor [S, B, L, D] and every layer here holds S sets of weights along its
first axis, so that one operation serves all streams. Each set is initialised as a layer of its own.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

MASKED_LOGIT = -1e30


@dataclass(frozen=True)
class Mask:
    """Which steps of a batch of sequences are real, in the forms that the blocks need."""

    keep: Tensor
    """[B, L] float, 1 real, 0 padding."""
    logit_bias: Tensor
    """[B, L] float, 0 real, -1e30 padding; added to logits."""
    zero_padding: bool
    """Whether `zeroed` acts; False lets padding leak into convolutions, as the authors' code does."""
    counts: Tensor | None
    """[B] int64 on the CPU, the real steps, where the rest is on a device; else None."""

    @classmethod
    def of(cls, real: Tensor, zero_padding: bool, counts: Tensor | None = None) -> Mask:
        """Build from `real`, [B, L] bool."""
        keep = real.float()
        return cls(keep, (1.0 - keep) * MASKED_LOGIT, zero_padding, counts)

    def zeroed(self, x: Tensor) -> Tensor:
        """Return x, [S, B, L, D], with zeros at padded steps."""
        return x * self.keep[:, :, None] if self.zero_padding else x


def xavier_per_stream_(parameter: Tensor) -> None:
    """Draw each stream's part of `parameter`, [S, ...], from Xavier's uniform distribution."""
    for part in parameter.data:
        nn.init.xavier_uniform_(part)


def xavier_linear(inputs: int, outputs: int) -> nn.Linear:
    """Build a plain Linear with Xavier uniform weights and zero bias."""
    linear = nn.Linear(inputs, outputs)
    nn.init.xavier_uniform_(linear.weight)
    nn.init.zeros_(linear.bias)
    return linear


class Dropout(nn.Module):
    """Dropout. On a CPU the mask comes from uniform numbers, drawn three times as fast as Bernoulli ones."""

    def __init__(self, probability: float) -> None:
        super().__init__()
        self.probability = probability

    def forward(self, x: Tensor) -> Tensor:
        """Zero entries of x (any shape) and scale up the rest, while training."""
        if not self.training or self.probability == 0:
            return x
        if x.device.type != "cpu":
            return F.dropout(x, self.probability)
        kept = torch.rand_like(x).ge_(self.probability)
        return x * kept.mul_(1.0 / (1.0 - self.probability))


class StreamLinear(nn.Module):
    """Linear layer per stream, [S, B, L, inputs] -> [S, B, L, outputs]."""

    def __init__(self, streams: int, inputs: int, outputs: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(streams, outputs, inputs))
        self.bias = nn.Parameter(torch.zeros(streams, outputs))
        xavier_per_stream_(self.weight)

    def forward(self, x: Tensor) -> Tensor:
        """Map the last axis of x, stream by stream."""
        rows = torch.baddbmm(self.bias[:, None], x.flatten(1, -2), self.weight.transpose(1, 2))
        return rows.unflatten(1, x.shape[1:-1])


class StreamLayerNorm(nn.Module):
    """Layer normalisation per stream, [S, B, L, D] -> the same."""

    def __init__(self, streams: int, width: int, eps: float = 1e-6) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(streams, width))
        self.bias = nn.Parameter(torch.zeros(streams, width))
        self.eps = eps

    def forward(self, x: Tensor) -> Tensor:
        """Normalise the last axis of x, then scale and shift it."""
        normal = F.layer_norm(x, x.shape[-1:], eps=self.eps)
        return torch.addcmul(self.bias[:, None, None], normal, self.weight[:, None, None])


class StreamDepthwise(nn.Module):
    """Depthwise convolution over time per stream with "same" zero padding, [S, B, L, D] -> the same."""

    def __init__(self, streams: int, width: int, kernel: int, bias: bool) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(streams, width, 1, kernel))
        self.bias = nn.Parameter(torch.zeros(streams, width)) if bias else None
        xavier_per_stream_(self.weight)

    def forward(self, x: Tensor) -> Tensor:
        """Convolve x over its third axis."""
        streams, batch, length, width = x.shape
        kernel = self.weight.shape[-1]
        # As an image of height 1: the two-dimensional convolution has the faster depthwise kernels.
        rows = x.permute(1, 0, 3, 2).reshape(batch, streams * width, 1, length)
        result = F.conv2d(
            rows,
            self.weight.view(streams * width, 1, 1, kernel),
            None if self.bias is None else self.bias.flatten(),
            padding=(0, kernel // 2),
            groups=streams * width,
        )
        return result.view(batch, streams, width, length).permute(1, 0, 3, 2)


class StreamPool(nn.Module):
    """Attention pooling per stream: softmax over time of x.w, then the weighted sum."""

    def __init__(self, streams: int, width: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(streams, width, 1))
        xavier_per_stream_(self.weight)

    def forward(self, x: Tensor, mask: Mask) -> Tensor:
        """Pool x, [S, B, L, D], over its real steps to [S, B, D]."""
        scores = (x @ self.weight[:, None]).squeeze(-1) + mask.logit_bias
        return (scores.softmax(-1)[:, :, None] @ x).squeeze(2)
