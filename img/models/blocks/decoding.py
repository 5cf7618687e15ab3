"""From the logits of every clip to the most probable spans."""

from __future__ import annotations

import torch
from torch import Tensor

from img.models.protocol import Branch, Spans

NOTHING = -1
"""Stands for the clips of a span that a video is too short to have."""


@torch.no_grad()
def decode(branch: Branch, clip_mask: Tensor, answers: int = 1, nms_threshold: float = 1.0) -> Spans:
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
    start = branch.start_logits.masked_fill(~clip_mask, -torch.inf).log_softmax(-1)
    end = branch.end_logits.masked_fill(~clip_mask, -torch.inf).log_softmax(-1)
    # All spans, in the order in which equally probable ones are taken: `max` gives the first.
    last, before = torch.tril_indices(clip_mask.shape[1], clip_mask.shape[1], device=clip_mask.device)
    first = last - before
    joint = start[:, first] + end[:, last]
    found: list[tuple[Tensor, Tensor, Tensor]] = []
    while True:
        score, place = joint.max(-1)
        i, j = first[place], last[place]
        none = score == -torch.inf
        found.append((i.masked_fill(none, NOTHING), j.masked_fill(none, NOTHING), score.exp()))
        if len(found) >= answers:
            return Spans(*(torch.stack(part, 1) for part in zip(*found, strict=True)))
        out = _overlap(first, last, i[:, None], j[:, None]) > nms_threshold
        joint = joint.masked_fill(out.scatter(1, place[:, None], True), -torch.inf)


def _overlap(first: Tensor, last: Tensor, other_first: Tensor, other_last: Tensor) -> Tensor:
    """Returns the IoU of spans of clips, their last clips included (broadcast)."""
    intersection = (torch.minimum(last, other_last) - torch.maximum(first, other_first) + 1).clamp(min=0)
    lengths = (last - first + 1) + (other_last - other_first + 1)
    return intersection / (lengths - intersection)
