"""Losses of EMB (emb: equations of ECCV 2022, as TEA's equations 15 to 17 and A.1 to A.5 restate them)."""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from img.models.blocks.clip_logits import Branch
from img.models.emb.elastic import between, overlaps, required_overlap, second_opinion
from img.models.emb.options import ElasticOptions
from img.models.emb.proposals import Proposals
from img.models.protocol import Batch, MomentTargets, Progress


@dataclass(frozen=True)
class Opinions:
    """Where the moment starts and ends: as annotated, and by the proposals' second opinion, [B] each."""

    start: Tensor
    end: Tensor
    other_start: Tensor
    other_end: Tensor


def gather_opinions(
    proposals: Proposals, scores: Tensor, batch: Batch, progress: Progress, options: ElasticOptions
) -> Opinions:
    """Find the second opinion on each label of a batch, from the proposals' logits [B, P]."""
    targets = batch.targets_of(MomentTargets)
    start, end = targets.start, targets.end
    is_required = options.required_overlap == "falling"
    least = required_overlap(progress, options.lowest_overlap) if is_required else 0.0
    return Opinions(start, end, *second_opinion(proposals, scores, start, end, least, options))


def location_loss(branch: Branch, opinions: Opinions) -> Tensor:
    """Return -log of the probability that a boundary lies between both opinions (TEA equation 15).

    Start and end added, per sample, [B].
    """
    clips = branch.start_logits.shape[1]
    starts = between(opinions.start, opinions.other_start, clips)
    ends = between(opinions.end, opinions.other_end, clips)
    return _miss(branch.start_logits, starts) + _miss(branch.end_logits, ends)


def _miss(logits: Tensor, allowed: Tensor) -> Tensor:
    return -logits.log_softmax(1).masked_fill(~allowed, -torch.inf).logsumexp(1)


def highlight_loss(
    highlight: Tensor, opinions: Opinions, clip_mask: Tensor, options: ElasticOptions
) -> Tensor:
    """Binary cross-entropy of the highlight with the clips of both opinions, grown (TEA equation 16).

    Args:
        highlight: [B, T], its logits.
        opinions: where the moment lies.
        clip_mask: [B, T] bool.
        options: which end counts, growth, weight of the highlighted clips.

    Returns:
        The sum over the real clips of the whole batch, divided by their number.
    """
    first = torch.minimum(opinions.start, opinions.other_start)
    choose = torch.maximum if options.highlight_end == "later" else torch.minimum
    last = choose(opinions.end, opinions.other_end)
    growth = ((last - first + 1).float() * options.highlight_growth).round().long()
    first = (first - growth).clamp(min=0)
    last = torch.minimum(last + growth, clip_mask.sum(1) - 1)
    clips = torch.arange(clip_mask.shape[1], device=clip_mask.device)
    inside = ((clips >= first[:, None]) & (clips <= last[:, None])).to(highlight.dtype)
    loss = F.binary_cross_entropy_with_logits(highlight, inside, reduction="none")
    weighted = loss * (1 + inside * (options.highlight_positive_weight - 1))
    return (weighted * clip_mask).sum() / clip_mask.sum().clamp(min=1)


def ranking_loss(proposals: Proposals, scores: Tensor, batch: Batch, options: ElasticOptions) -> Tensor:
    """Binary cross-entropy of the proposals' scores with their overlaps, scaled (TEA equation A.3).

    Args:
        proposals: P of them.
        scores: [B, P], their logits.
        batch: whose labels count.
        options: which overlaps become 0 and 1.

    Returns:
        The mean over the proposals that the videos have.
    """
    low, high = options.target_low, options.target_high
    targets = batch.targets_of(MomentTargets)
    overlap = overlaps(proposals, targets.start, targets.end)
    target = ((overlap - low) / (high - low)).clamp(0, 1).to(scores.dtype)
    loss = F.binary_cross_entropy_with_logits(scores, target, reduction="none") * proposals.mask.keep
    return loss.sum() / proposals.mask.keep.sum()
