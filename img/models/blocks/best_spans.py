"""From the logits of every clip to the most probable spans."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from img.models.blocks.clip_logits import Branch
from img.models.protocol import Spans

NOTHING = -1
"""Stands for the clips of a span that a video is too short to have."""


@dataclass(frozen=True)
class ClipSpans:
    """The n best spans of clips of each sample of a batch, the most probable first."""

    start: Tensor
    """[B, n] int64, first clip; `NOTHING` where a video has fewer spans than n."""
    end: Tensor
    """[B, n] int64, last clip (inclusive); `NOTHING` where there is none."""
    score: Tensor
    """[B, n], of `decode` the joint probability of start and end, 0 where there is none."""

    def as_shares(self, clip_mask: Tensor) -> Spans:
        """Return the spans as shares of the clips' time: i/T and (j+1)/T."""
        clips = clip_mask.sum(1, keepdim=True).double()
        none = self.start == NOTHING
        start = (self.start.double() / clips).masked_fill(none, torch.nan)
        end = ((self.end.double() + 1) / clips).masked_fill(none, torch.nan)
        return Spans(start, end, self.score)


@torch.no_grad()
def decode(branch: Branch, clip_mask: Tensor, answers: int = 1, nms_threshold: float = 1.0) -> ClipSpans:
    """Finds the spans (i, j), i <= j, of the highest P(start = i) P(end = j), no padded clip among them.

    Temporal non-maximum suppression: a span that overlaps an answer by more than the threshold is out. Of
    equally probable spans the one that ends first is the answer, of those the shortest.

    Args:
        branch: the logits.
        clip_mask: [B, T] bool, real clips.
        answers: n, spans of each sample.
        nms_threshold: the largest IoU of two answers; 1 keeps every other span.

    Returns:
        Spans [B, n] by falling probability.
    """
    start = branch.start_logits.masked_fill(~clip_mask, -torch.inf)
    end = branch.end_logits.masked_fill(~clip_mask, -torch.inf)
    first, last = list_spans(clip_mask.shape[1], clip_mask.device)
    # Sums of logits tie where sums of their log-probabilities would differ by rounding.
    found = take_best(start[:, first] + end[:, last], first, last, answers, nms_threshold)
    log_start = start.log_softmax(-1).gather(1, found.start.clamp(min=0))
    log_end = end.log_softmax(-1).gather(1, found.end.clamp(min=0))
    score = (log_start + log_end).exp().masked_fill(found.start == NOTHING, 0)
    return ClipSpans(found.start, found.end, score)


def list_spans(clips: int, device: torch.device) -> tuple[Tensor, Tensor]:
    """Lists the first and last clips of all spans of T clips: by their ends, of those the shortest first."""
    last, before = torch.tril_indices(clips, clips, device=device)
    return last - before, last


def take_best(
    scores: Tensor, first: Tensor, last: Tensor, answers: int, nms_threshold: float = 1.0
) -> ClipSpans:
    """Takes the spans of the highest scores one by one, none that overlaps an earlier one too much.

    Args:
        scores: [B, spans], minus infinity where a sample lacks the span; of equal ones the first is taken.
        first: [spans], their first clips.
        last: [spans], their last clips (inclusive).
        answers: n, spans of each sample.
        nms_threshold: the largest IoU of two answers; 1 keeps every other span.

    Returns:
        Spans [B, n] by falling score; minus infinity is that of none.
    """
    found: list[tuple[Tensor, Tensor, Tensor]] = []
    while True:
        score, index = scores.max(-1)
        i, j = first[index], last[index]
        none = score == -torch.inf
        found.append((i.masked_fill(none, NOTHING), j.masked_fill(none, NOTHING), score))
        if len(found) >= answers:
            return ClipSpans(*(torch.stack(part, 1) for part in zip(*found, strict=True)))
        out = _overlap(first, last, i[:, None], j[:, None]) > nms_threshold
        scores = scores.masked_fill(out.scatter(1, index[:, None], True), -torch.inf)


def _overlap(first: Tensor, last: Tensor, other_first: Tensor, other_last: Tensor) -> Tensor:
    """Returns the IoU of spans of clips, their last clips included (broadcast)."""
    intersection = (torch.minimum(last, other_last) - torch.maximum(first, other_first) + 1).clamp(min=0)
    lengths = (last - first + 1) + (other_last - other_first + 1)
    return intersection / (lengths - intersection)
