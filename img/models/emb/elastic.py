"""Elastic boundaries: a second opinion on where a moment starts and ends, and the clips between both."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from img.models.emb.options import ElasticOptions
from img.models.emb.proposals import Proposals
from img.models.protocol import Progress

STEEPNESS = 0.05
"""Share of the training over which the required overlap falls the most."""


def required_overlap(progress: Progress, lowest: float) -> float:
    """Return the IoU that a proposal needs to be a second opinion: about 1 at first, `lowest` at last."""
    reached = (progress.epoch / progress.epochs - 0.5) / STEEPNESS
    return lowest + (1 - lowest) * (1 - 1 / (1 + math.exp(-reached)))


def overlaps(proposals: Proposals, start: Tensor, end: Tensor) -> Tensor:
    """Return each proposal's IoU with its sample's span, [B, P]; start and end [B] are inclusive clips."""
    first, last = proposals.bounds.unbind(-1)
    start, end = start[:, None], end[:, None]
    shared = (torch.minimum(last, end) - torch.maximum(first, start) + 1).clamp(min=0)
    return shared / (torch.maximum(last, end) - torch.minimum(first, start) + 1)


def second_opinion(
    proposals: Proposals, scores: Tensor, start: Tensor, end: Tensor, least: float, options: ElasticOptions
) -> tuple[Tensor, Tensor]:
    """Return the best-scored proposal that overlaps the label well enough, else the label.

    Args:
        proposals: P of them.
        scores: [B, P], the logits of their scores; no gradient goes through the choice.
        start: [B], the label's first clip.
        end: [B], its last clip (inclusive).
        least: the IoU it takes.
        options: how its end is counted.

    Returns:
        First and last clip, [B] each.
    """
    fits = (overlaps(proposals, start, end) >= least) & (proposals.mask.keep > 0)
    first, last = best_bounds(proposals, scores.masked_fill(~fits, -torch.inf))
    found = fits.any(1)
    return torch.where(found, first, start), torch.where(found, last, end) + int(
        options.elastic_end == "one_late"
    )


def best_bounds(proposals: Proposals, scores: Tensor) -> tuple[Tensor, Tensor]:
    """Return the first and last clip of each sample's best-scored proposal, [B] each, of scores [B, P]."""
    best = scores.argmax(1)[:, None, None].expand(-1, 1, 2)
    first, last = proposals.bounds.gather(1, best).squeeze(1).unbind(-1)
    return first, last


def describe_best(proposals: Proposals, scores: Tensor, clip_mask: Tensor) -> dict[str, Tensor]:
    """Return the best-scored proposal of each sample, [B] by name.

    Between it and an answer lie the clips on which that answer's boundaries may be (its elastic boundary).

    Args:
        proposals: P of them.
        scores: [B, P], the logits of their scores.
        clip_mask: [B, T] bool.

    Returns:
        Start and end as shares of the clips' time, and the score, which stands for its IoU with the moment.
    """
    first, last = best_bounds(proposals, scores)
    clips = clip_mask.sum(1)
    return {
        "proposal_start": first / clips,
        "proposal_end": (last + 1) / clips,
        "proposal_score": scores.amax(1).sigmoid(),
    }


def between(one: Tensor, other: Tensor, clips: int) -> Tensor:
    """Tell which clips lie between two, both included, [B, T] of [B] and [B]."""
    at = torch.arange(clips, device=one.device)
    return (at >= torch.minimum(one, other)[:, None]) & (at <= torch.maximum(one, other)[:, None])
