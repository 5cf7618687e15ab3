"""Running a network on windows: device, number format and rows, the same for every kind."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from types import MappingProxyType
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from extractors.parameters import Parameters


class NetworkExtractor:
    """An extractor whose network takes windows as its reader cuts them.

    Attributes:
        width: D, the width of a row.
        rows_per_window: R, the rows a window gives.
        facts: what the model's own files say of how its inputs are made.
    """

    def __init__(
        self,
        network: nn.Module,
        parameters: Parameters,
        device: str,
        width: int,
        rows_per_window: int,
        facts: Mapping[str, Any] = MappingProxyType({}),
    ) -> None:
        """Puts the network on its device, for evaluation.

        Args:
            network: turns windows [W, ...] into rows [W, R, D].
            parameters: of the extractor; their precision is that of the forward pass.
            device: name of the torch device.
            width: D.
            rows_per_window: R.
            facts: what the model's own files say, for the description of the rows.
        """
        self.width = width
        self.rows_per_window = rows_per_window
        self.facts = facts
        self._device = torch.device(device)
        self._network = _channels_last(network.eval().requires_grad_(False)).to(self._device)
        self._bfloat16 = parameters.precision == "bfloat16"

    @torch.inference_mode()
    def embed(self, windows: Tensor) -> Tensor:
        """Turns windows [W, ...] into rows [W, R, D], float32, on the network's device."""
        with number_format(self._device, self._bfloat16):
            return self._network(windows.to(self._device)).float()


class Float32(nn.Module):
    """Runs a module in float32 whatever the surrounding precision."""

    def __init__(self, module: nn.Module) -> None:
        super().__init__()
        self.module = module

    def forward(self, inputs: Tensor) -> Tensor:
        """Applies the module to the inputs, both in float32."""
        with torch.autocast(inputs.device.type, enabled=False):
            return self.module(inputs.float())


# Of the pictures that CLIP was trained on, for red, green and blue; its kin took them over.
CLIP_MEAN = (0.48145466, 0.4578275, 0.40821073)
CLIP_DEVIATION = (0.26862954, 0.26130258, 0.27577711)


class NormalisedFrames(nn.Module):
    """Brings frames from 0..255 to the scale of a network's training."""

    scale: Tensor
    shift: Tensor

    def __init__(self, mean: float | Sequence[float], deviation: float | Sequence[float]) -> None:
        """Takes the mean and the standard deviation of training, of values scaled to 0..1.

        Both are numbers for all channels, or one for each of red, green and blue.
        """
        super().__init__()
        means, deviations = (
            torch.tensor(numbers, dtype=torch.float64).reshape(-1, 1, 1, 1) for numbers in (mean, deviation)
        )
        self.register_buffer("scale", (1 / (255 * deviations)).float())
        self.register_buffer("shift", (-means / deviations).float())

    def forward(self, frames: Tensor) -> Tensor:
        """Turns frames uint8 [W, F, H, W', 3] into float32 [W, 3, F, H, W'], channels last in memory."""
        return frames.permute(0, 4, 1, 2, 3).float().mul_(self.scale).add_(self.shift)


class ImageRows(nn.Module):
    """A network of single pictures on windows of one frame."""

    def __init__(self, network: nn.Module, unit_rows: bool) -> None:
        """Takes a network that turns pictures [W, 3, H, W'] into rows [W, D], and whether to norm them."""
        super().__init__()
        self.network = network
        self._unit_rows = unit_rows

    def forward(self, frames: Tensor) -> Tensor:
        """Turns frames [W, 3, 1, H, W'] into rows [W, 1, D]."""
        rows = self.network(frames[:, :, 0])
        if self._unit_rows:
            rows = F.normalize(rows.float(), dim=-1)
        return rows[:, None]


def _channels_last(network: nn.Module) -> nn.Module:
    """Lays convolutions' weights out with their channels last, which runs about twice as fast on a CPU."""
    layouts = {4: torch.channels_last, 5: torch.channels_last_3d}
    for parameter in network.parameters():
        if parameter.dim() in layouts:
            parameter.data = parameter.data.contiguous(memory_format=layouts[parameter.dim()])
    return network


@contextmanager
def number_format(device: torch.device, bfloat16: bool) -> Iterator[None]:
    """Runs networks in the block in float32, or under autocast to bfloat16."""
    # cuDNN's default rounds the inputs of float32 convolutions to 10 bits (TF32).
    with (
        torch.backends.cudnn.flags(enabled=True, allow_tf32=False),
        torch.autocast(device.type, dtype=torch.bfloat16, enabled=bfloat16),
    ):
        yield
