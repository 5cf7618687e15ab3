"""The training loop: one run, resumable, the same answer however often it was interrupted (on a CPU)."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.tensorboard import SummaryWriter
from tqdm import tqdm

from extractors.storage.files import replacing
from img.config.protocols import best_on
from img.config.runs import InferenceOptions, TrainingOptions
from img.data.collation import Samples
from img.models.protocol import Batch, Progress, System
from img.runs.folder import EVENTS
from img.runs.optimisation import build_optimiser
from img.runs.prediction import predict
from img.tasks.task import Task

_RESUME = "resume.pt"
_ONE_ANSWER = InferenceOptions(answers=1)

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Loop:
    """What stays the same over a training's epochs.

    Attributes:
        system: the system, on `device`; it is trained in place.
        task: the task whose metrics choose an epoch.
        samples: training samples of each task, by its name.
        selections: the task's samples of each split on which an epoch is chosen; the history tells the first
            one's metrics whole. The `last` weights depend on none.
        options: how to train.
        seed: source of all randomness.
        device: where the system is.
    """

    system: System
    task: Task
    samples: Mapping[str, Samples]
    selections: Mapping[str, Samples]
    options: TrainingOptions
    seed: int
    device: str

    @property
    def steps(self) -> int:
        """Steps of an epoch."""
        return sum(self.batches)

    @property
    def batches(self) -> list[int]:
        """Batches of each task in an epoch."""
        return [-(-len(samples) // self.options.batch_size) for samples in self.samples.values()]


@dataclass
class Best:
    """The epoch that was best on a split so far; of equals the earliest.

    Attributes:
        score: on the split, of the metric and branch that the task chooses by; the highest so far.
        epoch: the epoch, counted from 0, that reached it.
        state: the weights that reached it.
    """

    score: float = -1.0
    epoch: int = -1
    state: dict[str, Tensor] = field(default_factory=dict)


@dataclass
class Reached:
    """What a run has reached: everything a killed run needs to go on.

    Attributes:
        epoch: epochs done.
        best: the best epoch on each selection split.
        history: a row of losses and metrics for each epoch done.
    """

    epoch: int = 0
    best: dict[str, Best] = field(default_factory=dict)
    history: list[dict[str, float]] = field(default_factory=list)


def train(loop: Loop, folder: Path) -> Reached:
    """Trains a system in place, from its beginning or from where an interrupted run in `folder` stopped.

    Everything random in an epoch follows from (seed, epoch) alone, so a resumed run goes the same way. A
    system that has nothing to train is scored once, as its epoch 0.

    Args:
        loop: what to train, on what and how.
        folder: keeps the resume file and TensorBoard events.

    Returns:
        History and best weights; the system holds the last ones.

    Raises:
        ValueError: the loss became NaN or infinite.
    """
    if not any(parameter.requires_grad for parameter in loop.system.parameters()):
        return _take_as_it_is(loop, folder)
    options = loop.options
    optimiser, schedule = build_optimiser(loop.system, options, loop.steps)
    state = _State(folder / _RESUME, loop.system, optimiser, schedule)
    reached = state.load(loop.device)
    total = loop.steps * options.epochs
    bar = tqdm(total=total, initial=loop.steps * reached.epoch, unit="step", desc="train")
    with bar, SummaryWriter(str(folder / EVENTS), purge_step=reached.epoch) as events:
        for epoch in range(reached.epoch, options.epochs):
            generator = np.random.default_rng([loop.seed, epoch])
            torch.manual_seed(int(generator.integers(2**63)))
            row = {"epoch": float(epoch), "learning_rate": float(schedule.get_last_lr()[0])}
            losses = _train_epoch(loop, epoch, generator, optimiser, schedule, bar)
            row |= {f"loss_{name}": value for name, value in losses.items()}
            row |= loop.system.monitors(Progress(epoch, options.epochs))
            scores = _record(reached, loop, row, events)
            chosen_by = {loop.task.selection.metric: f"{next(iter(scores.values())):.1f}"}
            bar.set_postfix({"loss": f"{losses['total']:.3f}", **chosen_by})
            events.flush()
            state.save(reached)
    return reached


def _take_as_it_is(loop: Loop, folder: Path) -> Reached:
    """Scores a system that has nothing to train."""
    reached = Reached()
    with SummaryWriter(str(folder / EVENTS), purge_step=0) as events:
        _record(reached, loop, {"epoch": 0.0, "loss_total": 0.0}, events)
    return reached


def _record(reached: Reached, loop: Loop, row: dict[str, float], events: SummaryWriter) -> dict[str, float]:
    """Scores an epoch and writes down what it reached; returns what chooses an epoch on each split."""
    epoch = reached.epoch
    metrics, scores = _score_selections(loop)
    row |= metrics
    for name, value in row.items():
        events.add_scalar(name, value, epoch)
    _keep_best(reached, scores, loop.system, epoch)
    reached.history.append(row)
    reached.epoch = epoch + 1
    return scores


def _score_selections(loop: Loop) -> tuple[dict[str, float], dict[str, float]]:
    """Scores the selection splits: metrics for the history, and what chooses an epoch on each split."""
    metrics = {
        split: loop.task.score(
            predict(loop.system, samples, loop.options.batch_size, loop.device, _ONE_ANSWER)
        )
        for split, samples in loop.selections.items()
    }
    metric, branch = loop.task.selection.metric, loop.task.selection.branch or loop.system.branches[0]
    chosen_by = {split: scores[branch][metric] for split, scores in metrics.items()}
    first, *further = chosen_by
    row = {
        f"{branch}_{name}": value
        for branch, scores in metrics[first].items()
        for name, value in scores.items()
    }
    return row | {f"{best_on(split)}_{metric}": chosen_by[split] for split in further}, chosen_by


def _keep_best(reached: Reached, scores: Mapping[str, float], system: System, epoch: int) -> None:
    """Keeps the weights of an epoch for every split on which it is better than all before it."""
    better = [split for split, score in scores.items() if score > reached.best.get(split, Best()).score]
    if better:
        state = {name: value.detach().clone() for name, value in system.state_dict().items()}
        reached.best |= {split: Best(scores[split], epoch, state) for split in better}


def _train_epoch(
    loop: Loop,
    epoch: int,
    generator: np.random.Generator,
    optimiser: torch.optim.Optimizer,
    schedule: torch.optim.lr_scheduler.LRScheduler,
    bar: Any,
) -> dict[str, float]:
    """Passes over the training samples once; returns each loss's mean over the steps that had it."""
    system, options = loop.system.train(), loop.options
    progress = Progress(epoch, options.epochs)
    sums: dict[str, Tensor] = {}
    counts: Counter[str] = Counter()
    for batch in _draw_batches(loop, epoch, generator):
        with torch.autocast(loop.device, torch.bfloat16, enabled=options.precision == "bfloat16"):
            losses = system.losses(batch.to(loop.device), progress)
        optimiser.zero_grad(set_to_none=True)
        losses["total"].backward()
        nn.utils.clip_grad_norm_(system.parameters(), options.gradient_clip)
        optimiser.step()
        schedule.step()
        # Summed on the device: reading a loss at every step would make the device wait.
        for name, value in losses.items():
            sums[name] = sums.get(name, torch.zeros((), device=loop.device)) + value.detach()
        counts.update(losses.keys())
        bar.update()
    means = {name: float(value) / counts[name] for name, value in sums.items()}
    if not np.isfinite(means["total"]):
        raise ValueError(
            f"training: the loss became NaN or infinite in epoch {epoch}; lower training.learning_rate"
        )
    return means


def _draw_batches(loop: Loop, epoch: int, generator: np.random.Generator) -> Iterator[Batch]:
    """Yields every training sample once, each batch of one task; tasks alternate in random order."""
    waiting = [
        samples.batches(loop.options.batch_size, generator, shuffle=True) for samples in loop.samples.values()
    ]
    turns = np.repeat(np.arange(len(waiting)), loop.batches)
    # From a generator of its own: what the samples draw does not depend on how many tasks there are.
    for turn in np.random.default_rng([loop.seed, epoch, len(turns)]).permutation(turns):
        yield next(waiting[turn])


class _State:
    """What an unfinished run keeps on disk."""

    def __init__(
        self,
        path: Path,
        system: System,
        optimiser: torch.optim.Optimizer,
        schedule: torch.optim.lr_scheduler.LRScheduler,
    ) -> None:
        self._path = path
        self._parts: dict[str, Any] = {"system": system, "optimiser": optimiser, "schedule": schedule}

    def save(self, reached: Reached) -> None:
        state: dict[str, Any] = {name: part.state_dict() for name, part in self._parts.items()}
        best = {split: vars(found) for split, found in reached.best.items()}
        state["reached"] = {**vars(reached), "best": best}
        with replacing(self._path) as temporary:
            torch.save(state, temporary)

    def load(self, device: str) -> Reached:
        if not self._path.is_file():
            return Reached()
        state: Mapping[str, Any] = torch.load(self._path, map_location=device, weights_only=True)
        for name, part in self._parts.items():
            part.load_state_dict(state[name])
        reached = state["reached"]
        log.info(f"resuming after epoch {reached['epoch']} from {self._path}")
        return Reached(
            **{**reached, "best": {split: Best(**best) for split, best in reached["best"].items()}}
        )
