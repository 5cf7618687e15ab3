"""Class probabilities brought into the space of their names' vectors."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn


class LabelSpace(nn.Module):
    """The convex combination of semantic embeddings (ConSE, Norouzi et al. 2014, equation 4)."""

    vectors: Tensor

    def __init__(self, vectors: np.ndarray, classes: int = 10) -> None:
        """Takes the vectors of the classes' names.

        Args:
            vectors: float32 [C, E], in the order of the classes.
            classes: T, how many of the most probable classes count.
        """
        super().__init__()
        self.register_buffer("vectors", torch.from_numpy(vectors))
        self._classes = min(classes, len(vectors))

    def forward(self, probabilities: Tensor) -> Tensor:
        """Turns probabilities [..., C] into means [..., E] of the best classes' vectors, weighted by them."""
        best, index = probabilities.topk(self._classes, dim=-1)
        weights = best / best.sum(-1, keepdim=True).clamp(min=torch.finfo(best.dtype).tiny)
        return (weights[..., None] * self.vectors[index]).sum(-2)
