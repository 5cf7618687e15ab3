"""Importance-aware multi-granularity fusion of two sequences (paper section 3.3)."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from img.models.blocks.attention import CrossAttention
from img.models.blocks.importance import ImportancePredictor, fusion_weight
from img.models.blocks.recurrent import run_bidirectional
from img.models.blocks.slots import SlotAttention
from img.models.blocks.streams import (
    Dropout,
    Mask,
    StreamDepthwise,
    StreamLayerNorm,
    StreamLinear,
    StreamPool,
    xavier_linear,
)
from img.models.options import ImgOptions, Level

LOCAL_KERNELS = (1, 3, 5)
PAIR_LAYERS = 3


class LocalLevel(nn.Module):
    """Neighbouring clips: depthwise convolutions of several widths side by side (equations 3 and 4)."""

    def __init__(self, options: ImgOptions) -> None:
        super().__init__()
        width = options.width
        self.convolutions = nn.ModuleList(
            StreamDepthwise(2, width, kernel, bias=True) for kernel in LOCAL_KERNELS
        )
        self.linear = StreamLinear(2, len(LOCAL_KERNELS) * width, width)
        self.dropout = Dropout(options.dropout)

    def forward(self, streams: Tensor, mask: Mask) -> Tensor:
        """Transform the two sequences, [2, B, T, D]."""
        streams = mask.zeroed(streams)
        local = torch.cat([F.relu(convolution(streams)) for convolution in self.convolutions], -1)
        return self.linear(self.dropout(local))


class EventLevel(nn.Module):
    """Events: each sequence attends to the slots that summarise it (equation 6)."""

    def __init__(self, options: ImgOptions) -> None:
        super().__init__()
        self.slots = SlotAttention(
            2,
            options.width,
            options.slots,
            options.slot_iterations,
            options.slot_competition,
            options.slot_noise_at_inference,
        )
        self.cross_attention = CrossAttention(2, options.width, options.heads, options.dropout)

    def forward(self, streams: Tensor, mask: Mask) -> Tensor:
        """Transform the two sequences, [2, B, T, D]."""
        return self.cross_attention(streams, self.slots(streams, mask), mask, None)


class GlobalLevel(nn.Module):
    """The whole video: each sequence's pooled vector beside each of its clips."""

    def __init__(self, options: ImgOptions) -> None:
        super().__init__()
        self.pool = StreamPool(2, options.width)
        self.linear = StreamLinear(2, 2 * options.width, options.width)
        self.dropout = Dropout(options.dropout)

    def forward(self, streams: Tensor, mask: Mask) -> Tensor:
        """Transform the two sequences, [2, B, T, D]."""
        pooled = self.pool(streams, mask)[:, :, None].expand_as(streams)
        return self.linear(self.dropout(torch.cat((pooled, streams), -1)))


LEVELS: dict[Level, type[LocalLevel] | type[EventLevel] | type[GlobalLevel]] = {
    "local": LocalLevel,
    "event": EventLevel,
    "global": GlobalLevel,
}
PAIRS: tuple[tuple[Level, Level], ...] = (("local", "event"), ("event", "global"), ("local", "global"))


class WeightedSum(nn.Module):
    """(1 - w) LN(visual) + w LN(audio), the layer norms their own (equation 5)."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.layer_norm = StreamLayerNorm(2, width)

    def forward(self, streams: Tensor, weight: Tensor) -> Tensor:
        """Fuse the two sequences, [2, B, T, D], by each sample's weight of the audio, [B], to [B, T, D]."""
        visual, audio = self.layer_norm(streams)
        return torch.lerp(visual, audio, weight[:, None, None])


class MultiScale(nn.Module):
    """GRUs over pairs of levels, then one over their outputs together.

    With one level only, its sequence goes through one GRU by itself.
    """

    def __init__(self, options: ImgOptions) -> None:
        super().__init__()
        width = options.width
        pairs = [pair for pair in PAIRS if set(pair) <= set(options.levels)]
        self.inputs: list[tuple[Level, ...]] = [*pairs] or [options.levels]
        self.pairs = nn.ModuleList(
            nn.GRU(len(names) * width, width // 2, PAIR_LAYERS, batch_first=True, bidirectional=True)
            for names in self.inputs
        )
        self.joint = nn.GRU(len(self.inputs) * width, width, batch_first=True, bidirectional=True)
        self.linear = xavier_linear(2 * width, width)
        self.dropout = Dropout(options.dropout)

    def forward(self, levels: dict[Level, Tensor], mask: Mask) -> Tensor:
        """Join the levels, each [B, T, D], to [B, T, D]."""
        x = torch.stack([torch.cat([levels[name] for name in names], -1) for names in self.inputs])
        lengths = None if x.device.type == "cpu" else mask.keep.sum(1).long().cpu()
        grus: list[nn.GRU] = list(self.pairs)  # type: ignore[arg-type]
        scales = run_bidirectional(grus, x, mask.keep, lengths)
        together = scales.permute(1, 2, 0, 3).flatten(2)
        joint = run_bidirectional([self.joint], together[None], mask.keep, lengths)[0]
        return self.linear(self.dropout(joint))


class ImportanceAwareFusion(nn.Module):
    """Fuses sound into sight at several granularities, as far as the sound matters to the query."""

    def __init__(self, options: ImgOptions) -> None:
        super().__init__()
        self.importance = ImportancePredictor(options.width, options.importance_layers)
        self.levels = nn.ModuleDict({name: LEVELS[name](options) for name in options.levels})
        self.sums = nn.ModuleDict({name: WeightedSum(options.width) for name in options.levels})
        self.multi_scale = MultiScale(options)

    def forward(
        self, visual: Tensor, audio: Tensor, mask: Mask, has_audio: Tensor, trust: float
    ) -> tuple[Tensor, Tensor]:
        """Fuse two sequences.

        Args:
            visual: [B, T, D].
            audio: [B, T, D].
            mask: real clips.
            has_audio: [B] bool; samples without sound are fused from the visual sequence alone.
            trust: how far the predicted importance replaces the neutral weight 0.5, from 0 to 1.

        Returns:
            The fused sequence, [B, T, D], and the predicted importance, [B], 0 without sound.
        """
        streams = torch.stack((visual, audio))
        predicted = self.importance(streams, mask)
        weight = fusion_weight(predicted, trust) * has_audio
        levels = {name: self.sums[name](level(streams, mask), weight) for name, level in self.levels.items()}
        return self.multi_scale(levels, mask), predicted * has_audio
