"""State dicts of a system's authors: what is wrong with one, and how its tensors fit ours.

They differ from ours by axes of length 1, 1x1 convolutions where we have Linears, and by one tensor for each
stream where ours holds the streams along its first axis.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

Shapes = Mapping[str, tuple[int, ...]]
"""The authors' names and their tensors' shapes, axes of length 1 left out."""


def essential(shape: Sequence[int]) -> tuple[int, ...]:
    """Return a shape without its axes of length 1."""
    return tuple(length for length in shape if length != 1)


def reshape(parts: Sequence[Tensor], shape: Sequence[int]) -> Tensor:
    """Return the authors' tensors, one per stream, as one of ours.

    Raises:
        RuntimeError: they have another size than the shape.
    """
    return torch.cat([part.flatten() for part in parts]).view(*shape)


def list_faults(expected: Shapes, state: Mapping[str, Tensor], shapes: bool = True) -> list[str]:
    """List, a line for each tensor, what of the authors' state dict is missing, unknown or of another shape.

    Args:
        expected: what the model takes.
        state: the authors' state dict.
        shapes: compare shapes too, not only names.
    """
    faults = [f"{name}: is missing" for name in expected if name not in state]
    faults += [f"{name}: is unknown" for name in state if name not in expected]
    if shapes:
        faults += [
            f"{name}: expected the shape {list(shape)}, found {list(state[name].shape)}"
            for name, shape in expected.items()
            if name in state and essential(state[name].shape) != shape
        ]
    return faults


def refuse(expected: Shapes, state: Mapping[str, Tensor], faults: Sequence[str]) -> ValueError:
    """Return the error for a state dict with faults; it lists every one."""
    return ValueError(
        f"expected the authors' state dict of {len(expected)} tensors, found one of {len(state)}, in which\n"
        + "\n".join(faults)
    )
