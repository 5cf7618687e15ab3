"""Slot attention: a sequence summarised by a few slots (Locatello et al., 2020)."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn

from img.models.blocks.streams import Mask, StreamLayerNorm, StreamLinear, xavier_per_stream_

NORM_EPS = 1e-5
EMPTY_SLOT = 1e-8
"""Keeps the mean over clips finite for a slot that won none."""


class StreamGRUCell(nn.Module):
    """One step of a GRU per stream."""

    def __init__(self, streams: int, width: int) -> None:
        super().__init__()
        bound = width**-0.5
        self.weight_ih = nn.Parameter(torch.empty(streams, 3 * width, width).uniform_(-bound, bound))
        self.weight_hh = nn.Parameter(torch.empty(streams, 3 * width, width).uniform_(-bound, bound))
        self.bias_ih = nn.Parameter(torch.empty(streams, 3 * width).uniform_(-bound, bound))
        self.bias_hh = nn.Parameter(torch.empty(streams, 3 * width).uniform_(-bound, bound))

    def forward(self, x: Tensor, state: Tensor) -> Tensor:
        """Return the state, [S, R, D], that follows `state` on input x, both [S, R, D]."""
        from_x = torch.baddbmm(self.bias_ih[:, None], x, self.weight_ih.transpose(1, 2)).chunk(3, -1)
        from_state = torch.baddbmm(self.bias_hh[:, None], state, self.weight_hh.transpose(1, 2)).chunk(3, -1)
        reset = (from_x[0] + from_state[0]).sigmoid()
        update = (from_x[1] + from_state[1]).sigmoid()
        candidate = (from_x[2] + reset * from_state[2]).tanh()
        return torch.lerp(candidate, state, update)


class SlotAttention(nn.Module):
    """Slots start from one learned Gaussian and take turns to attend to the sequence and to be updated.

    All slots share mean and deviation, so only noise tells them apart: it is drawn at every training call,
    for each sample by itself. One draw, the same for all samples, is kept with the weights, so that answers
    do not change between calls.
    """

    fixed_noise: Tensor

    def __init__(
        self,
        streams: int,
        width: int,
        slots: int,
        iterations: int,
        competition: bool,
        noise_at_inference: Literal["fixed", "fresh", "none"],
    ) -> None:
        super().__init__()
        self.iterations = iterations
        self.competition = competition
        self.noise_at_inference = noise_at_inference
        self.mean = nn.Parameter(torch.randn(streams, 1, 1, width))
        self.log_deviation = nn.Parameter(torch.empty(streams, 1, 1, width))
        xavier_per_stream_(self.log_deviation)
        self.register_buffer("fixed_noise", torch.randn(streams, 1, slots, width))
        self.query = StreamLinear(streams, width, width)
        self.key = StreamLinear(streams, width, width)
        self.value = StreamLinear(streams, width, width)
        self.cell = StreamGRUCell(streams, width)
        self.hidden = StreamLinear(streams, width, width)
        self.output = StreamLinear(streams, width, width)
        # Not called layer_norm: names holding that are spared weight decay, which these are only by option.
        self.input_norm = StreamLayerNorm(streams, width, NORM_EPS)
        self.slot_norm = StreamLayerNorm(streams, width, NORM_EPS)
        self.update_norm = StreamLayerNorm(streams, width, NORM_EPS)

    def _noise(self, batch: int) -> Tensor:
        if self.training or self.noise_at_inference == "fresh":
            streams, _, slots, width = self.fixed_noise.shape
            return torch.randn(streams, batch, slots, width, device=self.fixed_noise.device)
        noise = self.fixed_noise if self.noise_at_inference == "fixed" else torch.zeros_like(self.fixed_noise)
        return noise.expand(-1, batch, -1, -1)

    def _weights(self, logits: Tensor, mask: Mask) -> Tensor:
        """Turn logits, [S, B, slots, T], into each slot's weights of the clips, which sum to 1."""
        if not self.competition:
            return (logits + mask.logit_bias[:, None]).softmax(-1)
        shares = logits.softmax(-2) * mask.keep[:, None]
        return shares / (shares.sum(-1, keepdim=True) + EMPTY_SLOT)

    def forward(self, x: Tensor, mask: Mask) -> Tensor:
        """Summarise x, [S, B, T, D], by slots, [S, B, slots, D]."""
        normal = self.input_norm(x)
        keys, values = self.key(normal).transpose(-1, -2) * x.shape[-1] ** -0.5, self.value(normal)
        slots = self.mean + self.log_deviation.exp() * self._noise(x.shape[1])
        for _ in range(self.iterations):
            weights = self._weights(self.query(self.slot_norm(slots)) @ keys, mask)
            state = self.cell((weights @ values).flatten(1, 2), slots.flatten(1, 2)).view_as(slots)
            slots = state + self.output(self.hidden(self.update_norm(state)).relu())
        return slots
