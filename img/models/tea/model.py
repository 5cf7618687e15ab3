"""TEA: EMB told by a narrator what is seen in each clip (Pattern Recognition 2025).

Its authors published no code; each choice that the paper leaves open is an option.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from img.models.blocks.best_spans import decode
from img.models.blocks.clip_logits import Branch
from img.models.blocks.embedding import FeatureProjection
from img.models.blocks.streams import Mask
from img.models.emb.elastic import describe_best
from img.models.emb.encoder import ClipEncoder, EncodedClips, ProposalEncoder
from img.models.emb.guided import PlainUnit
from img.models.emb.heads import ProposalRanker, SpanHead
from img.models.emb.losses import (
    Opinions,
    gather_opinions,
    highlight_loss,
    location_loss,
    ranking_loss,
)
from img.models.emb.model import ElasticSystem
from img.models.emb.proposals import Proposals
from img.models.protocol import Answers, Batch, Progress, Stream
from img.models.sizes import Sizes
from img.models.tea.combination import combine
from img.models.tea.merge import Merge
from img.models.tea.options import TeaOptions

if TYPE_CHECKING:
    from img.config.runs import InferenceOptions


@dataclass(frozen=True)
class Outputs:
    """What the model computes of one batch; a branch's saliency is its highlight's logits."""

    branches: dict[str, Branch]
    """`visual`, of the clips told of narratives; with a paragraph also `narrative`, and `fusion` of both."""
    proposals: Proposals
    scores: Tensor
    """[B, P], the proposals' logits; -1e30 for those that a video has not."""


@dataclass(frozen=True)
class _Encoded:
    """Sequences that have attended to a query, and what they say."""

    clips: EncodedClips
    words: Tensor
    """[S, B, N, D], before they look at the clips."""
    answers: list[Branch]
    """Of each stream."""


def build(options: TeaOptions, sizes: Sizes, vectors: Tensor) -> TEA:
    """Builds the model with random weights."""
    return TEA(options, sizes, vectors)


class TEA(ElasticSystem):
    """Clips merged with narratives, beside the narratives as a paragraph of their own.

    With `paragraph: own` both are streams, in this order, of the blocks that EMB has for its clips. A video
    without narratives is answered by its clips alone.
    """

    options: TeaOptions

    def __init__(self, options: TeaOptions, sizes: Sizes, word_vectors: Tensor) -> None:
        """Build the model with random weights.

        Args:
            options: every choice that defines the model.
            sizes: widths of the visual stream, the narratives and the words.
            word_vectors: [V, word width] float32, frozen; row i belongs to word id i + 2.

        Raises:
            ValueError: `share_text`, and narratives and words differ in width.
        """
        super().__init__(options, sizes, word_vectors)
        has_paragraph = options.paragraph != "none"
        self.branches: tuple[str, ...] = ("fusion", "visual", "narrative") if has_paragraph else ("visual",)
        width, heads, dropout = options.width, options.heads, options.dropout
        if options.reads_narrative:
            self.narrative_projection = self._build_narrative_projection(sizes)
        self.merge = Merge(options) if options.merge != "none" else None
        streams = 2 if options.paragraph == "own" else 1
        self.word_attention = PlainUnit(streams, width, heads, dropout)
        self.clips = ClipEncoder(streams, options)
        self.span = SpanHead(streams, width, dropout)
        self.proposals = ProposalEncoder(options)
        self.ranker = ProposalRanker(width, dropout)

    def _build_narrative_projection(self, sizes: Sizes) -> FeatureProjection:
        options, inputs = self.options, sizes.streams["narrative"]
        if not options.share_text:
            return FeatureProjection(inputs, options.width, options.dropout)
        words = self.query_projection.linear.in_features
        if inputs != words:
            raise ValueError(
                f"share_text: expected narratives as wide as the query's words, {words}, found {inputs}"
            )
        return self.query_projection

    @property
    def fallback(self) -> str:
        """The clips answer for a video without narratives."""
        return "visual"

    def forward(self, batch: Batch) -> Outputs:
        """Answer a batch."""
        mask, word_mask = Mask.of(batch.clip_mask, True), Mask.of(batch.word_mask, True)
        clips = self.visual_projection(batch.streams["visual"].values)[None]
        narrative = batch.streams["narrative"] if self.options.reads_narrative else None
        sequences = self._read(clips, narrative, mask)
        query = self.embed_query(batch)
        passes = sequences.split(1) if self.options.paragraph == "shared" else (sequences,)
        found = [self._encode(part, query, mask, word_mask) for part in passes]
        encoded, words = found[0].clips.stream(0), found[0].words[:1]
        proposals, features, proposal_words = self.proposals(encoded, words, mask, word_mask)
        scores = self.ranker(proposals, features, proposal_words, word_mask)
        visual, *paragraph = [answer for part in found for answer in part.answers]
        branches = {"visual": visual}
        if narrative is not None and paragraph:
            fused = combine(visual, paragraph[0], narrative.present, self.options.paragraph_weight)
            branches = {"fusion": fused, "visual": visual, "narrative": paragraph[0]}
        return Outputs(branches, proposals, scores)

    def _read(self, clips: Tensor, stream: Stream | None, mask: Mask) -> Tensor:
        """Return the clips, merged with narratives, and with a paragraph these, [1 or 2, B, T, D]."""
        if stream is None:
            return self.position(clips)
        narrative = self.narrative_projection(stream.values)[None]
        if self.options.merge_after_position:
            clips, narrative = self.position(clips), self.position(narrative)
        if self.merge is not None:
            present = stream.present[:, None, None]
            clips = torch.where(present, self.merge(clips, narrative, mask), clips)
        if not self.options.merge_after_position:
            clips, narrative = self.position(clips), self.position(narrative)
        return clips if self.options.paragraph == "none" else torch.cat((clips, narrative))

    def _encode(self, sequences: Tensor, query: Tensor, mask: Mask, word_mask: Mask) -> _Encoded:
        """Let sequences, [S, B, T, D], and a query, [1, B, N, D], attend to each other."""
        words = self.word_attention(query.expand(len(sequences), -1, -1, -1), word_mask)
        clips = self.clips(sequences, words, mask, word_mask)
        logits = self.span(clips.last, clips.words, mask, word_mask)
        return _Encoded(clips, words, [Branch(*answer) for answer in zip(*logits, strict=True)])

    def losses(self, batch: Batch, progress: Progress) -> dict[str, Tensor]:
        """Return the three terms of equation 17 before weighting, and their weighted sum `total`."""
        return self.loss_terms(self(batch), batch, progress)

    def loss_terms(self, outputs: Outputs, batch: Batch, progress: Progress) -> dict[str, Tensor]:
        """Return the losses of outputs; see `losses`."""
        options = self.options
        opinions = gather_opinions(outputs.proposals, outputs.scores, batch, progress, options)
        location = self._location(outputs.branches, opinions, batch)
        visual = outputs.branches["visual"]
        highlight = highlight_loss(visual.saliency, opinions, batch.clip_mask, options)
        if options.highlight_loss == "both":
            narrated = batch.clip_mask & batch.streams["narrative"].present[:, None]
            paragraph = outputs.branches["narrative"].saliency
            highlight = highlight + highlight_loss(paragraph, opinions, narrated, options)
        ranking = ranking_loss(outputs.proposals, outputs.scores, batch, options)
        total = location + options.highlight_weight * highlight + options.ranking_weight * ranking
        return {"total": total, "location": location, "highlight": highlight, "ranking": ranking}

    def _location(self, branches: dict[str, Branch], opinions: Opinions, batch: Batch) -> Tensor:
        """Return the loss of the boundaries, a scalar; videos without narratives are in no term of these."""
        if self.options.location_loss == "combined":
            return location_loss(branches[self.branches[0]], opinions).mean()
        loss = location_loss(branches["visual"], opinions).mean()
        if self.options.location_loss == "separate":
            present = batch.streams["narrative"].present
            paragraph = location_loss(branches["narrative"], opinions) * present
            loss = loss + self.options.paragraph_weight * paragraph.sum() / present.sum().clamp(min=1)
        return loss

    def answer(self, batch: Batch, options: InferenceOptions) -> Answers:
        """Answer a batch: each branch's spans and curves; the best proposal stands beside each answer."""
        outputs: Outputs = self(batch)
        branches = {name: outputs.branches[name] for name in self.branches}
        spans = {
            name: decode(branch, batch.clip_mask, options.answers, options.nms_threshold)
            for name, branch in branches.items()
        }
        return Answers(
            spans={name: found.as_shares(batch.clip_mask) for name, found in spans.items()},
            columns=describe_best(outputs.proposals, outputs.scores, batch.clip_mask),
            traces={name: branch.traces() for name, branch in branches.items()},
        )
