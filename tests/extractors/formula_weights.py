"""Weights made by a formula, as those of the recorded outputs in tests/golden/ were."""

import math
import re
import zlib
from collections.abc import Collection
from pathlib import Path

import numpy as np
import torch

GOLDEN = Path(__file__).parents[1] / "golden"
_NORMALISES = re.compile(r"norm|ln_|\.bn\.|_bn\.|layrnorm|\.ln\.")


def draw(name: str, shape: tuple[int, ...], scale: float) -> np.ndarray:
    """Draws a tensor from its name: matrices by their fan-in, vectors near 0, or near 1 where they scale."""
    generator = np.random.default_rng(zlib.crc32(name.encode()))
    if name.endswith("running_var"):
        return 0.5 + generator.random(shape)
    if name.endswith("running_mean"):
        return 0.1 * generator.standard_normal(shape)
    if len(shape) < 2:
        centre = 1.0 if name.endswith("weight") and _NORMALISES.search(name) else 0.0
        return centre + 0.1 * generator.standard_normal(shape)
    fan_in = max(math.prod(shape[1:]), 16)
    return generator.standard_normal(shape) * scale / math.sqrt(fan_in)


@torch.no_grad()
def fill(network: torch.nn.Module, scale: float, without: Collection[str] = ()) -> torch.nn.Module:
    """Fills a network's tensors of numbers by their names, but those whose name ends in one of `without`."""
    for name, tensor in network.state_dict().items():
        if tensor.is_floating_point() and not any(name.endswith(end) for end in without):
            tensor.copy_(torch.from_numpy(draw(name, tuple(tensor.shape), scale).astype(np.float32)))
    return network.eval()
