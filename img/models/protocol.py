"""What training and evaluation know of a system: the batch it takes, what it answers, what it can do.

Shapes throughout the package: B batch, T clips of the longest video, N words of the longest query, C
characters of the longest word, D width, S streams (sequences that share a structure and not their weights).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields, is_dataclass
from typing import TYPE_CHECKING, Any, TypeVar

import torch
from torch import Tensor, nn

if TYPE_CHECKING:
    from img.config.runs import InferenceOptions
    from img.models.options import SystemOptions

AUTO = "auto"
"""What a deployed system answers: its preferred branch, or its fallback where a sample lacks a stream."""


@dataclass(frozen=True)
class Stream:
    """What one kind of feature says of a batch's clips."""

    values: Tensor
    """[B, T, D] float32 on the batch's clips; zeros where padded and where a sample lacks the stream."""
    present: Tensor
    """[B] bool, False for a sample without it, such as a video without sound."""


@dataclass(frozen=True)
class Targets:
    """What a task asks of a batch's samples; each task has a class of its own, of tensors [B, ...]."""


Wanted = TypeVar("Wanted", bound=Targets)


@dataclass(frozen=True)
class MomentTargets(Targets):
    """Where the annotated moment lies."""

    start: Tensor
    """[B] int64, the moment's first clip."""
    end: Tensor
    """[B] int64, the moment's last clip (inclusive)."""
    span: Tensor
    """[B, 2] float32, the moment's start and end as annotated, as shares of the clips' time, 0 to 1."""
    positive_clips: Tensor
    """[B, 2] int64, clips inside the moment, for losses that compare clips."""
    negative_clips: Tensor
    """[B, 2] int64, clips outside the moment; the k-th is compared with the k-th positive clip."""


@dataclass(frozen=True)
class Batch:
    """One collated batch of video-query pairs, padded to its own longest video, query and word."""

    streams: Mapping[str, Stream]
    """By the names that the dataset gives them; those that a system needs are among them."""
    clip_mask: Tensor
    """[B, T] bool, True where a clip is real."""
    word_mask: Tensor
    """[B, N] bool, True where a word is real."""
    targets: Targets
    """What the task asks for; its class tells a system of several tasks which one the batch is of."""
    words: Tensor | None = None
    """[B, N] int64; 0 is PAD, 1 is UNK. None where the queries are given as features."""
    characters: Tensor | None = None
    """[B, N, C] int64; 0 is PAD, 1 is UNK. None where the queries are given as features."""
    query_features: Tensor | None = None
    """[B, N, Dq] float32, in the place of words and characters; zeros where padded."""
    clip_counts: Tensor | None = None
    """[B] int64, the real clips of each video, kept on the CPU where the other tensors are on a device: what
    needs them there need not wait for the device. None on the CPU."""

    def targets_of(self, kind: type[Wanted]) -> Wanted:
        """Return the targets, which are to be of one task.

        Raises:
            TypeError: the batch is of another task.
        """
        if not isinstance(self.targets, kind):
            raise TypeError(f"targets: expected {kind.__name__}, found {type(self.targets).__name__}")
        return self.targets

    def to(self, device: torch.device | str) -> Batch:
        """Return the batch on `device`, from the CPU to a GPU without making either wait for the other."""
        if torch.device(device).type == self.clip_mask.device.type:
            return self
        moved = {
            part.name: _move(getattr(self, part.name), torch.device(device))
            for part in fields(self)
            if part.name != "clip_counts"
        }
        return Batch(**moved, clip_counts=self.clip_mask.sum(1))


def _move(value: Any, device: torch.device) -> Any:
    """Return the same structure with its tensors on a device."""
    if isinstance(value, Tensor):
        to_gpu = device.type == "cuda"
        return (value.pin_memory() if to_gpu else value).to(device, non_blocking=to_gpu)
    if isinstance(value, Mapping):
        return {name: _move(part, device) for name, part in value.items()}
    if is_dataclass(value) and not isinstance(value, type):
        return type(value)(**{part.name: _move(getattr(value, part.name), device) for part in fields(value)})
    return value


@dataclass(frozen=True)
class Progress:
    """How far training has come; losses and schedules inside a system may depend on it."""

    epoch: int
    """Counted from 0."""
    epochs: int
    """How many there will be."""


@dataclass(frozen=True)
class Spans:
    """The n best spans of each sample of a batch, the best first."""

    start: Tensor
    """[B, n] float64, as a share of the clips' time, 0 to 1; NaN where there are fewer spans than n."""
    end: Tensor
    """[B, n] float64, likewise."""
    score: Tensor
    """[B, n], the system's own confidence; 0 where there is no span."""


@dataclass(frozen=True)
class Answers:
    """A system's answer to a batch."""

    spans: Mapping[str, Spans] = field(default_factory=dict)
    """Of each branch that answers in spans, the preferred one first."""
    texts: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """Of each branch that answers in words, a text for each sample [B]."""
    columns: Mapping[str, Tensor] = field(default_factory=dict)
    """Further numbers of each sample, [B], which become columns of the predictions; NaN where it has none."""
    traces: Mapping[str, Mapping[str, Tensor]] = field(default_factory=dict)
    """Curves over the clips of a branch by name, [B, T]; what they say of padded clips means nothing."""

    def to(self, device: torch.device | str) -> Answers:
        """Return the answers on `device`."""
        return Answers(
            **{part.name: _move(getattr(self, part.name), torch.device(device)) for part in fields(self)}
        )


class System(nn.Module, ABC):
    """A system: what every one can do.

    Attributes:
        branches: names of the branches that answer, the preferred one first; each answers one task.
        options: what it was built with.
    """

    branches: tuple[str, ...]
    options: SystemOptions

    @property
    def fallback(self) -> str:
        """The branch that answers for a video without sound."""
        return self.branches[0]

    @abstractmethod
    def losses(self, batch: Batch, progress: Progress) -> dict[str, Tensor]:
        """Return named scalar losses, of which `total` is the one to minimise."""

    @abstractmethod
    def answer(self, batch: Batch, options: InferenceOptions) -> Answers:
        """Answer a batch."""

    def add_words(self, vectors: Tensor) -> None:
        """Append frozen vectors [W, width] of words met after training; their ids follow those there are.

        A system that reads words overrides this.
        """

    def parts(self) -> Iterator[tuple[str, nn.Module]]:
        """Yield the parts whose cost is counted, by their dotted names."""
        yield from self.named_children()

    def monitors(self, progress: Progress) -> dict[str, float]:
        """Return what to log beside the losses, such as how far something is phased in."""
        return {}

    def undecayed_parameters(self) -> frozenset[str]:
        """Return the names of the parameters to spare weight decay: biases and layer norms."""
        norms = {
            f"{name}.weight" for name, module in self.named_modules() if isinstance(module, nn.LayerNorm)
        }
        return frozenset(norms | {name for name, _ in self.named_parameters() if "bias" in name})
