"""Similarity: clips and query share a space, and the answer lies where they are most alike. No training.

The space is that of a model of pictures or sounds and sentences (CLIP, Radford et al. 2021; CLAP, Wu et al.
2023), or one that class probabilities are brought into by the classes' names (ConSE, Norouzi et al. 2014).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from torch import Tensor

from img.models.blocks.best_spans import list_spans, take_best
from img.models.protocol import Answers, Batch, Progress, Spans, System
from img.models.similarity.options import SimilarityOptions
from img.models.sizes import Sizes

if TYPE_CHECKING:
    from img.config.runs import InferenceOptions

FUSION = "fusion"
"""The branch that adds the streams up."""

_FIRST_WORD = 2
"""Ids below stand for padding and for words without a vector."""


class Similarity(System):
    """Cosines of query and clips, smoothed; the best span has the largest sum above the video's mean."""

    options: SimilarityOptions
    vectors: Tensor

    def __init__(self, options: SimilarityOptions, sizes: Sizes, vectors: Tensor) -> None:
        """Builds the system.

        Args:
            options: which streams are compared and how.
            sizes: of streams and queries.
            vectors: of words [V, D], for queries that are not given as features.

        Raises:
            ValueError: the widths of streams and queries are those of no common space.
        """
        super().__init__()
        self.options = options
        self.branches = (FUSION, *options.compared) if len(options.compared) > 1 else options.compared
        self.register_buffer(
            "vectors", torch.cat((vectors.new_zeros(_FIRST_WORD, sizes.word_width), vectors))
        )
        width = sizes.word_width if sizes.query_width is None else sizes.query_width
        self._parts = _divide(width, {name: sizes.streams[name] for name in options.compared})

    @property
    def fallback(self) -> str:
        """The first stream answers where another is absent."""
        return self.options.compared[0]

    def losses(self, batch: Batch, progress: Progress) -> dict[str, Tensor]:
        """Return no loss: there is nothing to learn."""
        return {"total": batch.clip_mask.new_zeros((), dtype=torch.float32)}

    def answer(self, batch: Batch, options: InferenceOptions) -> Answers:
        """Answer a batch; a trace tells each branch's similarity, smoothed, from its mean."""
        query = self._embed(batch)
        mask, smoothing = batch.clip_mask, self.options.smoothing
        curves = {}
        for name, part in self._parts.items():
            cosines = F.cosine_similarity(query[:, None, part], batch.streams[name].values, dim=-1)
            curves[name] = _centre(_smooth(cosines, mask, smoothing), mask)
        if len(curves) > 1:
            curves = {FUSION: torch.stack(list(curves.values())).sum(0), **curves}
        spans = {
            name: best_spans(curve, mask, options.answers, options.nms_threshold)
            for name, curve in curves.items()
        }
        return Answers(spans, traces={name: {"similarity": curve} for name, curve in curves.items()})

    def add_words(self, vectors: Tensor) -> None:
        """Append vectors [W, D] of words met later."""
        self.vectors = torch.cat((self.vectors, vectors.to(self.vectors)))

    def _embed(self, batch: Batch) -> Tensor:
        """Return the mean of each query's rows, or of its words' vectors, [B, D]; 0 where it has none."""
        if batch.query_features is not None:
            return _mean(batch.query_features, batch.word_mask)
        if batch.words is None:
            raise ValueError("the batch has neither words nor features of queries")
        return _mean(self.vectors[batch.words], batch.words >= _FIRST_WORD)


def best_spans(curve: Tensor, clip_mask: Tensor, answers: int = 1, nms_threshold: float = 1.0) -> Spans:
    """Finds the spans with the largest sum.

    Of equal sums the span that ends first is the answer, of those the shortest.

    Args:
        curve: [B, T], above 0 where clips speak for a moment and below where they speak against it.
        clip_mask: [B, T] bool, real clips.
        answers: n, spans of each sample.
        nms_threshold: the largest IoU of two answers.

    Returns:
        Spans [B, n]; their score is the sum divided by the video's clips.
    """
    first, last = list_spans(clip_mask.shape[1], clip_mask.device)
    # Sums of single precision differ in their last bits with the padding that a batch brings.
    before = F.pad((curve.double() * clip_mask).cumsum(1), (1, 0))
    sums = (before[:, last + 1] - before[:, first]).masked_fill(~clip_mask[:, last], -torch.inf)
    found = take_best(sums, first, last, answers, nms_threshold)
    score = found.score / clip_mask.sum(1, keepdim=True)
    shares = found.as_shares(clip_mask)
    return Spans(shares.start, shares.end, score.masked_fill(found.score == -torch.inf, 0))


def build(options: SimilarityOptions, sizes: Sizes, vectors: Tensor) -> Similarity:
    """Build the system."""
    return Similarity(options, sizes, vectors)


def _divide(width: int, streams: dict[str, int]) -> dict[str, slice]:
    """Tells which part of a query each stream is compared with: all of it, or one of its own."""
    if all(stream == width for stream in streams.values()):
        return dict.fromkeys(streams, slice(None))
    if sum(streams.values()) != width:
        raise ValueError(
            f"similarity: expected queries as wide as each stream, or as all side by side, found queries of "
            f"{width} values and streams of {streams}"
        )
    parts, start = {}, 0
    for name, stream in streams.items():
        parts[name] = slice(start, start + stream)
        start += stream
    return parts


def _mean(rows: Tensor, mask: Tensor) -> Tensor:
    """Return the mean of the rows [B, N, D] that count, [B, D]; 0 where none does."""
    return (rows * mask[:, :, None]).sum(1) / mask.sum(1, keepdim=True).clamp(min=1)


def _smooth(curve: Tensor, mask: Tensor, clips: int) -> Tensor:
    """Return the mean of each real clip and its real neighbours, [B, T]; 0 where padded."""
    kernel = curve.new_ones(1, 1, clips)
    sums, counts = (
        F.conv1d(values[:, None], kernel, padding=clips // 2)[:, 0]
        for values in (curve * mask, mask.to(curve))
    )
    return sums / counts.clamp(min=1) * mask


def _centre(curve: Tensor, mask: Tensor) -> Tensor:
    """Subtract each sample's mean over its real clips."""
    mean = (curve * mask).sum(1, keepdim=True) / mask.sum(1, keepdim=True)
    return (curve - mean) * mask
