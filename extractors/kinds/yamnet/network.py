"""YAMNet: 1024-d rows of sound, or what AudioSet's classes are given.

TensorFlow's models/research/audioset/yamnet: MobileNet v1 (Howard et al. 2017) on log-mel examples, its batch
normalisation folded into the convolutions.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from extractors.kinds.vggish.network import SAMPLE_RATE, examples
from extractors.kinds.yamnet.onnx import is_onnx, read_tensors
from extractors.kinds.yamnet.parameters import YamnetParameters
from extractors.media.audio import read_audio
from extractors.media.sampling import Window
from extractors.models import weights
from extractors.models.network import NetworkExtractor

WIDTH, CLASSES = 1024, 521
_LOG_OFFSET = 0.001

# Channels and stride of each pair of a depthwise and a pointwise convolution.
_PAIRS: tuple[tuple[int, int], ...] = (
    *((64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2)),
    *((512, 1),) * 5,
    *((1024, 2), (1024, 1)),
)
_STEM = 32
_CLASSIFIER = ("model.classifier.weight", "model.classifier.bias")


class _SameConv(nn.Conv2d):
    """Convolution with TensorFlow's "same" padding: ceil(size / stride) outputs; an odd zero goes behind."""

    def forward(self, x: Tensor) -> Tensor:
        padding: list[int] = []
        for axis in (1, 0):
            size, stride = x.shape[2 + axis], self.stride[axis]
            total = max(self.kernel_size[axis] - (size % stride or stride), 0)
            padding += [total // 2, total - total // 2]
        return super().forward(F.pad(x, padding))


class Yamnet(nn.Module):
    """YAMNet with its classifier."""

    def __init__(self) -> None:
        super().__init__()
        self.convolutions = nn.ModuleList([_SameConv(1, _STEM, 3, stride=2)])
        inputs = _STEM
        for outputs, stride in _PAIRS:
            self.convolutions.append(_SameConv(inputs, inputs, 3, stride=stride, groups=inputs))
            self.convolutions.append(_SameConv(inputs, outputs, 1))
            inputs = outputs
        self.classifier = nn.Linear(WIDTH, CLASSES)

    def forward(self, spectra: Tensor) -> Tensor:
        """Turns log-mel examples [B, 96, 64] into features [B, 1024]."""
        x = spectra[:, None]
        for convolution in self.convolutions:
            x = F.relu(convolution(x))
        return x.mean(dim=(2, 3))

    def classify(self, features: Tensor) -> Tensor:
        """Turns features [B, 1024] into what each class is given [B, 521], 0 to 1."""
        scores: Tensor = self.classifier(features).sigmoid()
        return scores


class _Rows(nn.Module):
    """Features or classes, one row an example."""

    def __init__(self, network: Yamnet, classifies: bool) -> None:
        super().__init__()
        self.network = network
        self._classifies = classifies

    def forward(self, spectra: Tensor) -> Tensor:
        """Turns examples [W, 96, 64] into rows [W, 1, D]."""
        rows = self.network(spectra)
        return (self.network.classify(rows) if self._classifies else rows)[:, None]


def windows(path: Path, parameters: YamnetParameters, decoder: str) -> Iterator[Window]:
    """Cuts a media file's sound into log-mel examples [96, 64], 0.96 s each; the kind's reader.

    Raises:
        MediaError: if the file has no sound or cannot be decoded, which may show after some windows.
    """
    yield from examples(read_audio(path, SAMPLE_RATE), parameters.hop_seconds, _LOG_OFFSET)


def build(parameters: YamnetParameters, device: str) -> NetworkExtractor:
    """Builds the extractor: log-mel windows float32 [W, 96, 64] to rows [W, 1, D].

    Raises:
        FileNotFoundError: if there is no weights file.
        ValueError: if the weights file is refused or does not fit the network.
    """
    network = Yamnet()
    path = parameters.weights
    if isinstance(path, Path) and path.is_file() and is_onnx(path):
        weights.check_hash(path, parameters.weights_sha256)
        state = weights.check_finite(name_tensors(read_tensors(path), path), path)
        weights.load_strict(network, state, path)
    else:
        weights.fill(network, parameters)
    classifies = parameters.output == "classes"
    width = CLASSES if classifies else WIDTH
    return NetworkExtractor(_Rows(network, classifies), parameters, device, width, rows_per_window=1)


def name_tensors(tensors: dict[str, np.ndarray], path: Path) -> dict[str, Tensor]:
    """Gives the tensors of the ONNX file the network's names.

    Kernels are called after a number that grows with their layer, their biases after the next one.

    Args:
        tensors: by their names in the file; scales of its 8-bit form are passed over.
        path: of the file, for the message.

    Raises:
        ValueError: it holds another number of kernels, or one without bias.
    """
    kernels = sorted(
        (int(name.rpartition("_")[2]), name)
        for name, array in tensors.items()
        if array.ndim == 4 and name.rpartition("_")[2].isdecimal()
    )
    expected = 1 + 2 * len(_PAIRS)
    if len(kernels) != expected:
        raise ValueError(f"{path}: expected YAMNet's {expected} convolutions, found {len(kernels)}")
    named = {}
    for layer, (number, name) in enumerate(kernels):
        bias = f"{name.rpartition('_')[0]}_{number + 1}"
        if bias not in tensors:
            raise ValueError(f"{path}: expected a bias {bias} beside {name}, found none")
        named[f"convolutions.{layer}.weight"] = tensors[name]
        named[f"convolutions.{layer}.bias"] = tensors[bias]
    named |= {name.removeprefix("model."): array for name, array in tensors.items() if name in _CLASSIFIER}
    return {name: torch.from_numpy(array) for name, array in named.items()}
