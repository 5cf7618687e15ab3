"""Coarse proposals: runs of blocks of clips, each described by the maximum of its clips."""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from img.models.blocks.streams import MASKED_LOGIT, Mask
from img.models.emb.guided import Guides


@dataclass(frozen=True)
class Proposals:
    """The P proposals of a batch whose longest video has K blocks, the short ones first."""

    first: Tensor
    """[P] int64, a proposal's first block."""
    last: Tensor
    """[P] int64, its last block."""
    bounds: Tensor
    """[B, P, 2] int64, its first and its last clip (inclusive), cut to the video; 0 where it has none."""
    mask: Mask
    """[B, P], real where its last block has a real clip."""
    blocks: int
    """K."""

    @classmethod
    def of(cls, clip_mask: Mask, block: int, longest: int) -> Proposals:
        """List every run of up to `longest` blocks of `block` clips."""
        device = clip_mask.keep.device
        blocks = -(-clip_mask.keep.shape[1] // block)
        lengths = range(min(blocks, longest))
        first = torch.cat([torch.arange(blocks - further, device=device) for further in lengths])
        last = torch.cat([torch.arange(further, blocks, device=device) for further in lengths])
        clips = clip_mask.keep.sum(1).long()[:, None]
        real = last * block < clips
        bounds = torch.stack((first * block, last * block + block - 1), -1)
        bounds = torch.minimum(bounds, clips[:, :, None] - 1) * real[:, :, None]
        return cls(first, last, bounds, Mask.of(real, zero_padding=True), blocks)

    def features(self, maxima: Tensor) -> Tensor:
        """Describe every proposal by the maximum of its blocks, [S, B, K, D], as [S, B, P, D].

        Each length's maxima follow from those of the runs that are shorter by a block.
        """
        runs = [maxima]
        while sum(run.shape[2] for run in runs) < len(self.first):
            runs.append(torch.maximum(runs[-1][:, :, :-1], maxima[:, :, len(runs) :]))
        return torch.cat(runs, 2).masked_fill(self._unreal, 0)

    def guides(self, maxima: Tensor) -> Guides:
        """Return the maxima of the blocks that each proposal starts and ends in, of [S, B, K, D]."""
        left, right = (maxima.index_select(2, block) for block in (self.first, self.last))
        return left.masked_fill(self._unreal, 0), right.masked_fill(self._unreal, 0)

    def lay_out(self, x: Tensor) -> Tensor:
        """Lay proposals, [B, P, ...], on the grid of their bounds, [B, K, K, ...]; the rest is zero."""
        grid = x.new_zeros(len(x), self.blocks**2, *x.shape[2:])
        return grid.index_copy(1, self._cells, x).unflatten(1, (self.blocks, self.blocks))

    def pick_up(self, grid: Tensor) -> Tensor:
        """Return what a grid, [B, K, K, ...], holds of every proposal, [B, P, ...]."""
        return grid.flatten(1, 2).index_select(1, self._cells)

    @property
    def _cells(self) -> Tensor:
        return self.first * self.blocks + self.last

    @property
    def _unreal(self) -> Tensor:
        return self.mask.keep[:, :, None] == 0


def hide_padding(clips: Tensor, mask: Mask) -> Tensor:
    """Put padded clips of [S, B, T, D] below every real one, at -1e30."""
    return clips.masked_fill(mask.keep[:, :, None] == 0, MASKED_LOGIT)


def block_maxima(clips: Tensor, block: int, tail: float) -> Tensor:
    """Take the maximum of every block of clips, [S, B, T, D], as [S, B, K, D].

    Args:
        clips: the clips.
        block: clips of a block.
        tail: what fills the last block up.
    """
    missing = -clips.shape[2] % block
    # Not amax, which shares a gradient among equals: padded clips that leak are equal, the first gets it all.
    return F.pad(clips, (0, 0, 0, missing), value=tail).unflatten(2, (-1, block)).max(3).values
