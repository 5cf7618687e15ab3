"""Sequences of different lengths in one tensor, padded to batches without a loop over samples."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Ragged:
    """Sequences that lie in one tensor; several may share rows.

    Attributes:
        rows: [R, ...], at least one row where any sequence has one.
        first: [Q] int64, the row at which each sequence begins.
        lengths: [Q] int64, the rows of each sequence.
    """

    rows: Tensor
    first: Tensor
    lengths: Tensor

    @staticmethod
    def of(sequences: Sequence[Sequence[int]]) -> Ragged:
        """Lays sequences of whole numbers one after the other."""
        lengths = torch.tensor([len(sequence) for sequence in sequences])
        rows = torch.tensor([number for sequence in sequences for number in sequence], dtype=torch.int64)
        return Ragged(rows, lengths.cumsum(0) - lengths, lengths)

    def mask(self, samples: Tensor) -> Tensor:
        """Tells what is real of the padded sequences of some samples, [B] -> [B, longest] bool."""
        lengths = self.lengths[samples]
        return torch.arange(int(lengths.max())) < lengths[:, None]

    def pad(self, samples: Tensor) -> Tensor:
        """Gathers the sequences of some samples, [B], padded with zeros: [B, longest, ...]."""
        mask = self.mask(samples)
        rows = self.first[samples, None] + torch.arange(mask.shape[1])
        padded = self.rows[rows.masked_fill_(~mask, 0)]
        return padded.masked_fill_(~mask.view(*mask.shape, *(1,) * (padded.dim() - 2)), 0)
