"""IMG: importance-aware multi-granularity fusion for video moment retrieval (Lin et al., 2025)."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from img.models.blocks.attention import (
    ContextQueryAttention,
    CrossAttention,
    QueryConcatenation,
    SelfAttention,
)
from img.models.blocks.best_spans import ClipSpans, decode
from img.models.blocks.clip_logits import Branch
from img.models.blocks.embedding import FeatureProjection, QueryEmbedding, QueryProjection
from img.models.blocks.encoder import Encoder, SinusoidalPosition
from img.models.blocks.predictor import SpanPredictor
from img.models.blocks.streams import Mask, StreamLayerNorm, StreamLinear
from img.models.fusion.importance_aware import ImportanceAwareFusion
from img.models.fusion.slots import SlotAttention
from img.models.img.losses import (
    distillation_loss,
    importance_loss,
    mean_over,
    moment_loss,
    pseudo_label,
    ramp,
    retrieval_loss,
    saliency_loss,
)
from img.models.img.options import ImgOptions
from img.models.protocol import Answers, Batch, MomentTargets, Progress, System
from img.models.sizes import Sizes

if TYPE_CHECKING:
    from img.config.runs import InferenceOptions

ENCODER_CONVOLUTIONS = 2


@dataclass(frozen=True)
class Outputs:
    """What the model computes of one batch."""

    branches: dict[str, Branch]
    importance: Tensor
    """[B], the weight of the sound from 0 to 1, 0 for a video without; NaN for a model that weighs none."""
    auxiliary: dict[str, Tensor] = field(default_factory=dict)
    """What only the model's own losses read."""


def build(options: ImgOptions, sizes: Sizes, vectors: Tensor) -> IMG:
    """Builds the model; without an audio stream among the sizes, that of the visual baseline."""
    audio_width = sizes.streams.get("audio", 1)
    return IMG(options, sizes.streams["visual"], audio_width, vectors, sizes.characters, sizes.query_width)


class IMG(System):
    """Three branches, visual, audio and their fusion, each of which answers where the moment is.

    Tensors hold the visual and the audio side as streams in this order, and the branches in the order of
    `branches`. With `modalities: visual` the visual side and its branch are all there is.
    """

    options: ImgOptions

    def __init__(
        self,
        options: ImgOptions,
        visual_width: int,
        audio_width: int,
        word_vectors: Tensor | None,
        character_count: int,
        query_width: int | None = None,
    ) -> None:
        """Build the model with random weights.

        Args:
            options: every choice that defines the model.
            visual_width: Dv of the visual features.
            audio_width: Da of the audio features.
            word_vectors: [V, 300] float32, frozen; row i belongs to word id i + 2.
            character_count: character ids, PAD and UNK included.
            query_width: Dq of queries given as features, for which there are no words and characters.

        Raises:
            ValueError: there are neither word vectors nor a width of given features.
        """
        super().__init__()
        self.options = options
        width, heads, dropout = options.width, options.heads, options.dropout
        hears = options.modalities == "both"
        self.branches: tuple[str, ...] = ("fusion", "visual", "audio") if hears else ("visual",)
        streams = 2 if hears else 1
        self.visual_projection = FeatureProjection(visual_width, width, dropout)
        self.audio_projection = FeatureProjection(audio_width, width, dropout) if hears else None
        self.query_embedding: QueryEmbedding | QueryProjection
        if query_width is not None:
            self.query_embedding = QueryProjection(streams, query_width, width, dropout)
        elif word_vectors is not None:
            self.query_embedding = QueryEmbedding(
                streams, word_vectors, character_count, width, dropout, options.mask_padding
            )
        else:
            raise ValueError("expected word vectors or the width of given query features, found neither")
        position = SinusoidalPosition(width, max(options.max_clips, options.max_words), options.position)
        self.encoder = Encoder(position, streams, width, heads, dropout, ENCODER_CONVOLUTIONS)
        self.self_attention = SelfAttention(streams, width, heads, dropout)
        self.cross_attention = CrossAttention(streams, width, heads, dropout)
        self.context_query = ContextQueryAttention(streams, width, dropout)
        self.query_concatenation = QueryConcatenation(streams, width)
        self.fusion = ImportanceAwareFusion(options) if hears else None
        self.saliency = StreamLinear(len(self.branches), width, 1)
        self.predictor = SpanPredictor(len(self.branches), width, heads, dropout, options.max_clips)

    @property
    def fallback(self) -> str:
        """The visual branch answers for a video without sound."""
        return "visual"

    def forward(self, batch: Batch, epoch: int, importance: float | None = None) -> Outputs:
        """Answer a batch; in training the sound's importance is phased in over the first epochs."""
        trust = ramp(epoch, self.options.importance_ramp_epochs) if self.training else 1.0
        return self.compute(batch, trust, importance)

    def losses(self, batch: Batch, progress: Progress) -> dict[str, Tensor]:
        """Return the terms of equation 10 before weighting, and their weighted sum `total`."""
        return self.loss_terms(self(batch, progress.epoch), batch, progress.epoch)

    def answer(self, batch: Batch, options: InferenceOptions) -> Answers:
        """Answer a batch: each branch's spans and curves, and the importance of the sound."""
        outputs: Outputs = self(batch, 0, options.importance)
        spans = self.decode(outputs, batch, options.answers, options.nms_threshold)
        return Answers(
            spans={name: found.as_shares(batch.clip_mask) for name, found in spans.items()},
            columns={"importance": outputs.importance},
            traces={name: branch.traces() for name, branch in outputs.branches.items()},
        )

    def parts(self) -> Iterator[tuple[str, nn.Module]]:
        """Yield the blocks; of the fusion, whose parts the paper counts, the blocks it is made of."""
        for name, part in self.named_children():
            if name != "fusion":
                yield name, part
                continue
            for inner_name, inner in part.named_children():
                groups = inner.named_children() if isinstance(inner, nn.ModuleDict) else [("", inner)]
                for last_name, block in groups:
                    yield ".".join(filter(None, (name, inner_name, last_name))), block

    def add_words(self, vectors: Tensor) -> None:
        """Append frozen vectors [W, width] of words met after training."""
        if isinstance(self.query_embedding, QueryEmbedding):
            self.query_embedding.words.add(vectors)

    def compute(
        self, batch: Batch, importance_trust: float, forced_importance: float | None = None
    ) -> Outputs:
        """Compute what every branch says of a batch.

        Args:
            batch: the batch.
            importance_trust: how far the sound's importance is trusted, from 0 (weight 0.5 for all) to 1.
            forced_importance: takes the place of the sound's importance (Table 17).

        Raises:
            ValueError: the batch has more clips than `max_clips`.
        """
        if batch.clip_mask.shape[1] > self.options.max_clips:
            raise ValueError(
                f"the batch has {batch.clip_mask.shape[1]} clips, the model at most max_clips = "
                f"{self.options.max_clips}; pool the features to that or raise the option"
            )
        clip_mask = Mask.of(batch.clip_mask, self.options.mask_padding, batch.clip_counts)
        sequences, attention = self._query_aware_sides(batch, clip_mask)
        auxiliary = {}
        if self.fusion is None:
            importance = sequences.new_full((sequences.shape[1],), math.nan)
        else:
            visual, audio = sequences
            told = batch.streams["audio"].present, importance_trust, attention, forced_importance
            fused = self.fusion(visual, audio, clip_mask, *told)
            sequences, importance = torch.cat((fused.sequence[None], sequences)), fused.importance
            if fused.moment_logits is not None:
                auxiliary["moment_logits"] = fused.moment_logits

        saliency = self.saliency(sequences).squeeze(-1)
        start, end = self.predictor(sequences, clip_mask)
        answers = zip(self.branches, start, end, saliency, strict=True)
        return Outputs({name: Branch(*answer) for name, *answer in answers}, importance, auxiliary)

    def _query_aware_sides(self, batch: Batch, clip_mask: Mask) -> tuple[Tensor, Tensor]:
        """Return the sides' sequences, each told of the query, and their last attention to its words.

        Returns:
            The visual and, if there is one, the audio sequence, [S, B, T, D], and [S, B, T, N].
        """
        word_mask = Mask.of(batch.word_mask, self.options.mask_padding)
        projected = [self.visual_projection(batch.streams["visual"].values)]
        if self.audio_projection is not None:
            projected.append(self.audio_projection(batch.streams["audio"].values))
        clips = self.encoder(torch.stack(projected), clip_mask)
        words = self.encoder(self._embed_query(batch), word_mask)
        clips = self.self_attention(clips, clip_mask)
        clips = self.cross_attention(clips, words, clip_mask, word_mask)
        clips, attention = self.context_query(clips, words, clip_mask, word_mask)
        return self.query_concatenation(clips, words, word_mask), attention

    def _embed_query(self, batch: Batch) -> Tensor:
        """Return each side's embedding of the query, [S, B, N, D]."""
        if isinstance(self.query_embedding, QueryProjection):
            if batch.query_features is None:
                raise ValueError("the model reads queries given as features, the batch has none")
            return self.query_embedding(batch.query_features)
        if batch.words is None or batch.characters is None:
            raise ValueError("the model reads words and characters, the batch has none")
        return self.query_embedding(batch.words, batch.characters)

    def loss_terms(self, outputs: Outputs, batch: Batch, epoch: int) -> dict[str, Tensor]:
        """Return the terms of equation 10 before weighting, and their weighted sum `total`.

        Samples without sound count in no audio term and not in the importance predictor's.
        """
        options, targets = self.options, batch.targets_of(MomentTargets)
        retrieval = {
            name: retrieval_loss(branch, targets.start, targets.end)
            for name, branch in outputs.branches.items()
        }
        everyone = torch.ones_like(retrieval["visual"])
        counted = dict.fromkeys(self.branches, everyone)
        if self.fusion is not None:
            with_audio = batch.streams["audio"].present.to(everyone.dtype)
            label = self._pseudo_label(retrieval)
            informative = with_audio * (label > options.eps_min)
            counted["audio"] = with_audio if options.audio_losses == "all" else informative

        terms = {name: mean_over(retrieval[name], counted[name]) for name in self.branches}
        for name, branch in outputs.branches.items():
            pairs = saliency_loss(
                branch.saliency, targets.positive_clips, targets.negative_clips, options.saliency_margin
            )
            terms[f"saliency_{name}"] = (pairs * counted[name]).sum()
        if self.fusion is not None:
            for name in ("visual", "audio"):
                divergence = distillation_loss(
                    outputs.branches[name], outputs.branches["fusion"], options.temperature
                )
                terms[f"distillation_{name}"] = mean_over(divergence, counted[name])
            if options.fusion_weight == "importance":
                terms["importance"] = mean_over(importance_loss(outputs.importance, label), with_audio)
        if "moment_logits" in outputs.auxiliary:
            logits = outputs.auxiliary["moment_logits"]
            visual, audio = moment_loss(logits, targets.start, targets.end, batch.clip_mask)
            terms["slots"] = mean_over(visual, everyone) + mean_over(audio, with_audio)
        return {"total": self._total(terms, epoch), **terms}

    def _pseudo_label(self, retrieval: dict[str, Tensor]) -> Tensor:
        options = self.options
        eps_max = 1.0 - options.eps_min if options.eps_max is None else options.eps_max
        return pseudo_label(retrieval["visual"], retrieval["audio"], options.gamma, options.eps_min, eps_max)

    def _total(self, terms: dict[str, Tensor], epoch: int) -> Tensor:
        """Weight and add the terms; each kind of them has a weight, those of retrieval 1."""
        options = self.options
        weights = {
            "saliency": options.saliency_weight,
            "distillation": options.distillation_weight * ramp(epoch, options.distillation_ramp_epochs),
            "importance": options.importance_weight,
            "slots": options.slot_supervision_weight,
        }
        weighted = [weights.get(name.partition("_")[0], 1.0) * term for name, term in terms.items()]
        return torch.stack(weighted).sum()

    def monitors(self, progress: Progress) -> dict[str, float]:
        """Return how far importance scores are trusted and distillation counts, from 0 to 1."""
        if self.options.modalities == "visual":
            return {}
        return {
            "ramp_importance": ramp(progress.epoch, self.options.importance_ramp_epochs),
            "ramp_distillation": ramp(progress.epoch, self.options.distillation_ramp_epochs),
        }

    def decode(
        self, outputs: Outputs, batch: Batch, answers: int = 1, nms_threshold: float = 1.0
    ) -> dict[str, ClipSpans]:
        """Return each branch's most probable spans; see `img.models.blocks.best_spans.decode`."""
        return {
            name: decode(branch, batch.clip_mask, answers, nms_threshold)
            for name, branch in outputs.branches.items()
        }

    def undecayed_parameters(self) -> frozenset[str]:
        """Names of the parameters to spare weight decay: biases and layer norms (slots' norms by option)."""
        slot_norms = {
            norm
            for module in self.modules()
            if isinstance(module, SlotAttention)
            for norm in module.children()
            if isinstance(norm, StreamLayerNorm)
        }
        spared = {
            f"{name}.weight"
            for name, module in self.named_modules()
            if isinstance(module, StreamLayerNorm)
            and not (self.options.decay_slot_norms and module in slot_norms)
        }
        return frozenset(spared | {name for name, _ in self.named_parameters() if "bias" in name})
