"""The optimiser of a training run, and how its learning rate goes."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from img.config.runs import TrainingOptions
from img.models.protocol import System


def build_optimiser(
    system: System, options: TrainingOptions, steps: int
) -> tuple[torch.optim.Optimizer, torch.optim.lr_scheduler.LRScheduler]:
    """Builds AdamW and its schedule.

    Args:
        system: whose parameters to train.
        options: rates, decay and schedule.
        steps: in an epoch.
    """
    optimiser = torch.optim.AdamW(
        parameter_groups(system, options), lr=options.learning_rate, eps=options.epsilon, fused=True
    )
    return optimiser, torch.optim.lr_scheduler.LambdaLR(optimiser, lambda step: rate_at(step, steps, options))


def rate_at(step: int, steps: int, options: TrainingOptions) -> float:
    """Returns the learning rate of a step, counted from 0, as a share of the full one.

    Args:
        step: counted from 0.
        steps: in an epoch.
        options: schedule and warm-up.
    """
    total = steps * options.epochs
    warmup = round(options.warmup * total)
    if step < warmup:
        return (step + 1) / warmup
    match options.schedule:
        case "constant":
            return 1.0
        case "step":
            return float(options.step_factor ** (step // (steps * options.step_epochs)))
        case "linear":
            return 1 - (step - warmup) / (total - warmup)


def parameter_groups(system: System, options: TrainingOptions) -> list[dict[str, Any]]:
    """Splits trainable parameters into those that decay and those that are spared."""
    spared = frozenset() if options.decay == "all" else system.undecayed_parameters()
    groups: dict[bool, list[nn.Parameter]] = {False: [], True: []}
    for name, parameter in system.named_parameters():
        if parameter.requires_grad:
            groups[name in spared].append(parameter)
    return [
        {"params": groups[False], "weight_decay": options.weight_decay},
        {"params": groups[True], "weight_decay": 0.0},
    ]
