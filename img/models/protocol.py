"""What training and evaluation know of a model: the batch it takes, what it returns, what it can do.

Shapes throughout the package: B batch, T clips of the longest video, N words of the longest query, C
characters of the longest word, D width, S streams (sequences that share a structure and not their weights).
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import Any, Protocol, Self

import torch
from torch import Tensor


@dataclass(frozen=True)
class Batch:
    """One collated batch of video-query pairs, padded to its own longest video, query and word."""

    visual: Tensor
    """[B, T, Dv] float32."""
    audio: Tensor
    """[B, T, Da] float32, on the visual clips; zeros where there is no sound."""
    clip_mask: Tensor
    """[B, T] bool, True where a clip is real."""
    has_audio: Tensor
    """[B] bool, False for a video without sound."""
    words: Tensor | None
    """[B, N] int64; 0 is PAD, 1 is UNK. None where the queries are given as features."""
    characters: Tensor | None
    """[B, N, C] int64; 0 is PAD, 1 is UNK. None where the queries are given as features."""
    word_mask: Tensor
    """[B, N] bool, True where a word is real."""
    start: Tensor
    """[B] int64, the moment's first clip."""
    end: Tensor
    """[B] int64, the moment's last clip (inclusive)."""
    positive_clips: Tensor
    """[B, 2] int64, clips inside the moment, for the saliency loss."""
    negative_clips: Tensor
    """[B, 2] int64, clips outside the moment; the k-th is compared with the k-th positive clip."""
    clip_counts: Tensor | None = None
    """[B] int64, the real clips of each video, kept on the CPU where the other tensors are on a device: what
    needs them there need not wait for the device. None on the CPU."""
    query_features: Tensor | None = None
    """[B, N, Dq] float32, in the place of words and characters; zeros where padded."""

    def to(self, device: torch.device | str) -> Batch:
        """Return the batch on `device`, from the CPU to a GPU without making either wait for the other."""
        if torch.device(device).type == self.clip_mask.device.type:
            return self
        to_gpu = torch.device(device).type == "cuda"
        moved: dict[str, Any] = {}
        for name in (part.name for part in fields(self) if part.name != "clip_counts"):
            tensor = getattr(self, name)
            if tensor is not None:
                tensor = (tensor.pin_memory() if to_gpu else tensor).to(device, non_blocking=to_gpu)
            moved[name] = tensor
        return Batch(**moved, clip_counts=self.clip_mask.sum(1))


@dataclass(frozen=True)
class Branch:
    """What one branch of a model says about every clip; padded clips have logits of -1e30."""

    start_logits: Tensor
    """[B, T]."""
    end_logits: Tensor
    """[B, T]."""
    saliency: Tensor
    """[B, T], unbounded scores; those of padded clips mean nothing."""


@dataclass(frozen=True)
class Outputs:
    """A model's answer to one batch."""

    branches: dict[str, Branch]
    importance: Tensor
    """[B], the weight of the sound from 0 to 1, 0 for a video without; NaN for a model that weighs none."""
    auxiliary: dict[str, Tensor] = field(default_factory=dict)
    """What only the model's own losses read."""


@dataclass(frozen=True)
class Spans:
    """The n best spans of each sample of a batch, the most probable first."""

    start: Tensor
    """[B, n] int64, first clip; -1 where a video has fewer spans than n."""
    end: Tensor
    """[B, n] int64, last clip (inclusive); -1 where there is none."""
    score: Tensor
    """[B, n], joint probability of start and end; 0 where there is none."""


class MomentModel(Protocol):
    """A moment retrieval model: a `torch.nn.Module` that can also do this."""

    @property
    def branches(self) -> tuple[str, ...]:
        """Names of the branches that can be decoded, the preferred one first."""
        ...

    def forward(self, batch: Batch, epoch: int, importance: float | None = None) -> Outputs:
        """Answer a batch.

        Args:
            batch: the batch.
            epoch: counted from 0, drives what is phased in while training.
            importance: takes the place of the predicted importance of the sound, where the model has one.
        """
        ...

    def losses(self, outputs: Outputs, batch: Batch, epoch: int) -> dict[str, Tensor]:
        """Return named scalar losses, of which `total` is the one to minimise."""
        ...

    def decode(
        self, outputs: Outputs, batch: Batch, answers: int = 1, nms_threshold: float = 1.0
    ) -> dict[str, Spans]:
        """Return each branch's most probable spans, no two of which have a greater IoU than the threshold."""
        ...

    def ramps(self, epoch: int) -> dict[str, float]:
        """Return how far each thing that is phased in while training has come, from 0 to 1."""
        ...

    def undecayed_parameters(self) -> frozenset[str]:
        """Return the names of the parameters to spare weight decay."""
        ...

    def __call__(self, batch: Batch, epoch: int, importance: float | None = None) -> Outputs:
        """As `forward`."""
        ...

    def train(self, mode: bool = True) -> Self:
        """Enter or leave training mode, as every module does."""
        ...

    def eval(self) -> Self:
        """Leave training mode, as every module does."""
        ...
