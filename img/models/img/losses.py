"""Losses of IMG, each per sample or for a batch (paper sections 3.3 to 3.5)."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from img.models.blocks.clip_logits import Branch


def ramp(epoch: int, length: int) -> float:
    """Rise from 0 at epoch 0 to 1 at epoch `length` and stay there: 1 + cos((e / (2 length) - 1) pi)."""
    if epoch >= length:
        return 1.0
    return 1.0 + math.cos((epoch / (2 * length) - 1.0) * math.pi)


def retrieval_loss(branch: Branch, start: Tensor, end: Tensor) -> Tensor:
    """CE(P_s, Y_s) + CE(P_e, Y_e) per sample, [B] (equation 8)."""
    start_loss = F.cross_entropy(branch.start_logits, start, reduction="none")
    return start_loss + F.cross_entropy(branch.end_logits, end, reduction="none")


def pseudo_label(
    visual_loss: Tensor, audio_loss: Tensor, gamma: float, eps_min: float, eps_max: float
) -> Tensor:
    """Importance that the audio proved to have, [B], without gradient (equation 1).

    y = exp(Lv / g) / (exp(La / g) + exp(Lv / g)), 0 where y <= eps_min, 1 where y > eps_max. At the
    thresholds themselves the paper has it the other way round; this is the authors' code.
    """
    label = torch.sigmoid((visual_loss - audio_loss).detach() / gamma)
    label = label.masked_fill(label <= eps_min, 0.0)
    return label.masked_fill(label > eps_max, 1.0)


def importance_loss(importance: Tensor, label: Tensor) -> Tensor:
    """Binary cross-entropy of the predicted importance per sample, [B] (equation 2, its sign restored)."""
    # What is no number would end the process on a GPU; the other losses carry it on to who checks them.
    return F.binary_cross_entropy(importance.nan_to_num(0.5), label.nan_to_num(0.5), reduction="none")


def distillation_loss(student: Branch, teacher: Branch, temperature: float) -> Tensor:
    """tau^2 KL(teacher || student), start and end, summed over clips per sample, [B] (equation 7).

    The teacher gets no gradient.
    """

    def divergence(student_logits: Tensor, teacher_logits: Tensor) -> Tensor:
        told = F.log_softmax(student_logits / temperature, -1)
        taught = F.log_softmax(teacher_logits.detach() / temperature, -1)
        return F.kl_div(told, taught, reduction="none", log_target=True).sum(-1)

    start = divergence(student.start_logits, teacher.start_logits)
    return temperature**2 * (start + divergence(student.end_logits, teacher.end_logits))


def saliency_loss(saliency: Tensor, positive: Tensor, negative: Tensor, margin: float) -> Tensor:
    """Sum over pairs of max(0, margin + s_negative - s_positive) / B per sample, [B]; pairs are [B, 2]."""
    gap = margin + saliency.gather(1, negative) - saliency.gather(1, positive)
    return gap.clamp(min=0).sum(1) / len(saliency)


def moment_loss(logits: Tensor, start: Tensor, end: Tensor, clip_mask: Tensor) -> Tensor:
    """Binary cross-entropy of logits, [S, B, T], with lying in the moment, [S, B] (paper section C.3).

    The mean over the real clips; start and end (both [B]) are the moment's first and last clip.
    """
    clips = torch.arange(logits.shape[-1], device=logits.device)
    inside = ((start[:, None] <= clips) & (clips <= end[:, None])).to(logits.dtype).expand_as(logits)
    loss = F.binary_cross_entropy_with_logits(logits, inside, reduction="none") * clip_mask
    return loss.sum(-1) / clip_mask.sum(-1)


def mean_over(loss: Tensor, counted: Tensor) -> Tensor:
    """Mean of a per-sample loss over the samples counted (both [B]); 0 where none is."""
    return (loss * counted).sum() / counted.sum().clamp(min=1)
