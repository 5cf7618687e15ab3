"""EMB: a span predictor whose boundaries stretch to the best of its coarse proposals (ECCV 2022)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from torch import Tensor

from img.models.blocks.best_spans import decode
from img.models.blocks.clip_logits import Branch
from img.models.blocks.embedding import FeatureProjection, WordEmbedding
from img.models.blocks.encoder import SinusoidalPosition
from img.models.blocks.streams import Mask, StreamLayerNorm
from img.models.emb.elastic import describe_best
from img.models.emb.encoder import ClipEncoder, ProposalEncoder
from img.models.emb.guided import AttentionUnit, PlainUnit
from img.models.emb.heads import ProposalRanker, SpanHead
from img.models.emb.losses import gather_opinions, highlight_loss, location_loss, ranking_loss
from img.models.emb.options import ElasticOptions, EmbOptions
from img.models.emb.proposals import Proposals
from img.models.protocol import Answers, Batch, Progress, System
from img.models.sizes import Sizes

if TYPE_CHECKING:
    from img.config.runs import InferenceOptions


@dataclass(frozen=True)
class Outputs:
    """What the model computes of one batch."""

    branch: Branch
    """The boundaries; its saliency is the highlight's logits, -1e30 at padding."""
    proposals: Proposals
    scores: Tensor
    """[B, P], the proposals' logits; -1e30 for those that a video has not."""


def build(options: EmbOptions, sizes: Sizes, vectors: Tensor) -> EMB:
    """Builds the model with random weights."""
    return EMB(options, sizes, vectors)


class ElasticSystem(System):
    """What EMB and TEA share: how they read a query, and what weight decay spares."""

    options: ElasticOptions

    def __init__(self, options: ElasticOptions, sizes: Sizes, word_vectors: Tensor) -> None:
        super().__init__()
        self.options = options
        self.words = WordEmbedding(1, word_vectors) if sizes.query_width is None else None
        query_width = sizes.word_width if sizes.query_width is None else sizes.query_width
        self.query_projection = FeatureProjection(query_width, options.width, options.dropout)
        self.visual_projection = FeatureProjection(sizes.streams["visual"], options.width, options.dropout)
        self.position = SinusoidalPosition(options.width, max(options.max_clips, options.max_words), "time")

    def embed_query(self, batch: Batch) -> Tensor:
        """Return the query's words with their positions, [1, B, N, D]. Characters are not read.

        Raises:
            ValueError: the batch lacks what the model reads.
        """
        if self.words is None:
            if batch.query_features is None:
                raise ValueError("the model reads queries given as features, the batch has none")
            given = batch.query_features[None]
        elif batch.words is None:
            raise ValueError("the model reads words, the batch has none")
        else:
            given = self.words(batch.words)
        return self.position(self.query_projection(given))

    def add_words(self, vectors: Tensor) -> None:
        """Append frozen vectors [W, width] of words met after training."""
        if self.words is not None:
            self.words.add(vectors)

    def undecayed_parameters(self) -> frozenset[str]:
        """Names of the parameters to spare weight decay: biases and layer norms (units' norms by option)."""
        spared = {name for name, _ in self.named_parameters() if "bias" in name}
        for name, module in self.named_modules():
            for child, norm in module.named_children():
                in_unit = isinstance(module, AttentionUnit)
                if isinstance(norm, StreamLayerNorm) and not (in_unit and self.options.decay_unit_norms):
                    spared.add(f"{name}.{child}.weight")
        return frozenset(spared)


class EMB(ElasticSystem):
    """One branch, of the clips; its proposals widen what counts as right in training."""

    branches = ("visual",)
    options: EmbOptions

    def __init__(self, options: EmbOptions, sizes: Sizes, word_vectors: Tensor) -> None:
        """Build the model with random weights.

        Args:
            options: every choice that defines the model.
            sizes: widths of the visual stream and of the words.
            word_vectors: [V, word width] float32, frozen; row i belongs to word id i + 2.
        """
        super().__init__(options, sizes, word_vectors)
        width, heads, dropout = options.width, options.heads, options.dropout
        self.word_attention = PlainUnit(1, width, heads, dropout)
        self.clips = ClipEncoder(1, options)
        self.proposals = ProposalEncoder(options)
        self.span = SpanHead(1, width, dropout)
        self.ranker = ProposalRanker(width, dropout)

    def forward(self, batch: Batch) -> Outputs:
        """Answer a batch."""
        mask, word_mask = Mask.of(batch.clip_mask, True), Mask.of(batch.word_mask, True)
        clips = self.position(self.visual_projection(batch.streams["visual"].values)[None])
        words = self.word_attention(self.embed_query(batch), word_mask)
        encoded = self.clips(clips, words, mask, word_mask)
        start, end, highlight = self.span(encoded.last, encoded.words, mask, word_mask)
        proposals, features, proposal_words = self.proposals(encoded, words, mask, word_mask)
        scores = self.ranker(proposals, features, proposal_words, word_mask)
        return Outputs(Branch(start[0], end[0], highlight[0]), proposals, scores)

    def losses(self, batch: Batch, progress: Progress) -> dict[str, Tensor]:
        """Return the three terms before weighting, and their weighted sum `total`."""
        return self.loss_terms(self(batch), batch, progress)

    def loss_terms(self, outputs: Outputs, batch: Batch, progress: Progress) -> dict[str, Tensor]:
        """Return the losses of outputs; see `losses`."""
        options = self.options
        opinions = gather_opinions(outputs.proposals, outputs.scores, batch, progress, options)
        location = location_loss(outputs.branch, opinions).mean()
        highlight = highlight_loss(outputs.branch.saliency, opinions, batch.clip_mask, options)
        ranking = ranking_loss(outputs.proposals, outputs.scores, batch, options)
        total = location + options.highlight_weight * highlight + options.ranking_weight * ranking
        return {"total": total, "location": location, "highlight": highlight, "ranking": ranking}

    def answer(self, batch: Batch, options: InferenceOptions) -> Answers:
        """Answer a batch; the best proposal stands beside each answer."""
        outputs: Outputs = self(batch)
        found = decode(outputs.branch, batch.clip_mask, options.answers, options.nms_threshold)
        return Answers(
            spans={"visual": found.as_shares(batch.clip_mask)},
            columns=describe_best(outputs.proposals, outputs.scores, batch.clip_mask),
            traces={"visual": outputs.branch.traces()},
        )
