"""Importance-aware multi-granularity fusion of two sequences (paper section 3.3)."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from img.models.blocks.attention import CrossAttention
from img.models.blocks.streams import (
    Dropout,
    Mask,
    StreamDepthwise,
    StreamLayerNorm,
    StreamLinear,
    StreamPool,
    xavier_linear,
)
from img.models.fusion.importance import (
    NEUTRAL,
    ImportancePredictor,
    entropy_importance,
    fusion_weight,
    similarity_importance,
)
from img.models.fusion.options import FusionOptions, Level
from img.models.fusion.recurrent import run_bidirectional
from img.models.fusion.slots import SlotAttention

LOCAL_KERNELS = (1, 3, 5)
PAIR_LAYERS = 3


class LocalLevel(nn.Module):
    """Neighbouring clips: depthwise convolutions of several widths side by side (equations 3 and 4)."""

    def __init__(self, options: FusionOptions) -> None:
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

    def __init__(self, options: FusionOptions) -> None:
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

    def __init__(self, options: FusionOptions) -> None:
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


class Concatenation(nn.Module):
    """A Linear of [LN(visual); LN(audio)], the layer norms their own."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.layer_norm = StreamLayerNorm(2, width)
        self.linear = xavier_linear(2 * width, width)

    def forward(self, streams: Tensor, weight: Tensor) -> Tensor:
        """Fuse the two sequences, [2, B, T, D], the audio times each sample's weight, [B], to [B, T, D]."""
        visual, audio = self.layer_norm(streams)
        return self.linear(torch.cat((visual, weight[:, None, None] * audio), -1))


class MomentProjection(nn.Module):
    """An MLP that tells from a sequence which of its clips lie in the moment (paper section C.3)."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.hidden = StreamLinear(2, width, width)
        self.output = StreamLinear(2, width, 1)

    def forward(self, streams: Tensor) -> Tensor:
        """Project the two sequences, [2, B, T, D], to a logit for each clip, [2, B, T]."""
        return self.output(self.hidden(streams).relu()).squeeze(-1)


class MultiScale(nn.Module):
    """GRUs over pairs of levels, then one over their outputs together.

    With one level only, its sequence goes through one GRU by itself.
    """

    def __init__(self, options: FusionOptions) -> None:
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
        grus: list[nn.GRU] = list(self.pairs)  # type: ignore[arg-type]
        scales = run_bidirectional(grus, x, mask.keep, mask.counts)
        together = scales.permute(1, 2, 0, 3).flatten(2)
        joint = run_bidirectional([self.joint], together[None], mask.keep, mask.counts)[0]
        return self.linear(self.dropout(joint))


@dataclass(frozen=True)
class Fused:
    """What a fusion makes of two sequences."""

    sequence: Tensor
    """[B, T, D]."""
    importance: Tensor
    """[B], the weight of the sound, 0 without sound; NaN where they are concatenated."""
    moment_logits: Tensor | None
    """[2, B, T], whether a clip lies in the moment, by each side's event level; None if unsupervised."""


class ImportanceAwareFusion(nn.Module):
    """Fuses sound into sight at several granularities, as far as the sound matters to the query.

    `addition` is the sum of both at equal weights: the one half that the weight of section 3.3.1 starts from,
    which is what is left of it without the predictor. It differs from the plain sum by a factor of 2, which
    the layer norms can learn, and keeps the scale of the other fusions.
    """

    def __init__(self, options: FusionOptions) -> None:
        super().__init__()
        self.kind = options.fusion_weight
        if self.kind == "importance":
            self.importance = ImportancePredictor(options.width, options.importance_layers)
        join = Concatenation if self.kind == "concatenation" else WeightedSum
        self.levels = nn.ModuleDict({name: LEVELS[name](options) for name in options.levels})
        self.joins = nn.ModuleDict({name: join(options.width) for name in options.levels})
        self.multi_scale = MultiScale(options)
        supervised = "event" in options.levels and options.slot_supervision_weight > 0
        self.moment = MomentProjection(options.width) if supervised else None

    def forward(
        self,
        visual: Tensor,
        audio: Tensor,
        mask: Mask,
        has_audio: Tensor,
        trust: float,
        attention: Tensor | None = None,
        forced_importance: float | None = None,
    ) -> Fused:
        """Fuse two sequences.

        Args:
            visual: [B, T, D].
            audio: [B, T, D].
            mask: real clips.
            has_audio: [B] bool; samples without sound are fused from the visual sequence alone.
            trust: how far the sound's importance replaces the neutral weight 0.5, from 0 to 1.
            attention: [2, B, T, N], what each side's clips give to each word, summing to 1; only the fusion
                weight `entropy` needs it.
            forced_importance: takes the place of the importance of all samples (Table 17); a concatenation
                has none.

        Raises:
            ValueError: the fusion weight is `entropy` and there is no attention.
        """
        streams = torch.stack((visual, audio))
        importance = self._importance(streams, mask, attention)
        if self.kind == "concatenation":
            weight = has_audio.to(importance.dtype)
        else:
            if forced_importance is not None:
                importance = torch.full_like(importance, forced_importance)
            weight = fusion_weight(importance, trust) * has_audio
        changed = {name: level(streams, mask) for name, level in self.levels.items()}
        joined = {name: self.joins[name](changed[name], weight) for name in changed}
        moment_logits = None if self.moment is None else self.moment(changed["event"])
        return Fused(self.multi_scale(joined, mask), importance * has_audio, moment_logits)

    def _importance(self, streams: Tensor, mask: Mask, attention: Tensor | None) -> Tensor:
        """Return the weight of each sample's sound, [B], before it is phased in."""
        match self.kind:
            case "importance":
                return self.importance(streams, mask)
            case "similarity":
                return similarity_importance(streams, mask)
            case "entropy":
                if attention is None:
                    raise ValueError(
                        "fusion weight entropy: expected the clips' attention to the words, found none; "
                        "choose another fusion weight for a model that has none"
                    )
                return entropy_importance(attention, mask)
            case "addition":
                return streams.new_full((streams.shape[1],), NEUTRAL)
            case "concatenation":
                return streams.new_full((streams.shape[1],), math.nan)
