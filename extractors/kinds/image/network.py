"""EfficientNet-Lite0: 1280-d rows of single RGB frames, or what ImageNet's classes say of them.

EfficientNet-B0 (Tan & Le 2019, "EfficientNet: Rethinking Model Scaling", Table 1) without
squeeze-and-excitation and with ReLU6 in the place of swish, as TensorFlow's mobile release has it. Modules
are named as in the public PyTorch weights, so that their file loads strictly.
"""

from __future__ import annotations

from typing import NamedTuple

from torch import Tensor, nn
from torch.nn import functional as F

from extractors.kinds.image.parameters import EfficientNetParameters
from extractors.models import weights
from extractors.models.glove import embed_texts
from extractors.models.label_space import LabelSpace
from extractors.models.network import NetworkExtractor, NormalisedFrames
from extractors.storage.packaged import GLOVE_WIDTH

WIDTH = 1280
CLASSES = 1000

_STEM_WIDTH = 32


class _Stage(NamedTuple):
    """Blocks of one width: the first takes the stride."""

    blocks: int
    kernel: int
    stride: int
    expansion: int
    width: int


_STAGES = (
    _Stage(1, 3, 1, 1, 16),
    _Stage(2, 3, 2, 6, 24),
    _Stage(2, 5, 2, 6, 40),
    _Stage(3, 3, 2, 6, 80),
    _Stage(3, 5, 1, 6, 112),
    _Stage(4, 5, 2, 6, 192),
    _Stage(1, 3, 1, 6, 320),
)


class EfficientNetLite0(nn.Module):
    """EfficientNet-Lite0 with its classifier."""

    def __init__(self) -> None:
        super().__init__()
        self._conv_stem = _SameConv(3, _STEM_WIDTH, 3, stride=2)
        self._bn0 = _Norm(_STEM_WIDTH)
        self._blocks = nn.ModuleList()
        inputs = _STEM_WIDTH
        for stage in _STAGES:
            for index in range(stage.blocks):
                stride = stage.stride if index == 0 else 1
                self._blocks.append(_Block(inputs, stage.width, stage.kernel, stride, stage.expansion))
                inputs = stage.width
        self._conv_head = nn.Conv2d(inputs, WIDTH, 1, bias=False)
        self._bn1 = _Norm(WIDTH)
        self._fc = nn.Linear(WIDTH, CLASSES)

    def forward(self, images: Tensor) -> Tensor:
        """Computes the features that the classifier reads: the mean of the last map.

        Args:
            images: float [B, 3, H, W], (pixel - 127) / 128.

        Returns:
            Features [B, 1280].
        """
        x = F.relu6(self._bn0(self._conv_stem(images)))
        for block in self._blocks:
            x = block(x)
        return F.relu6(self._bn1(self._conv_head(x))).mean(dim=(2, 3))

    def classify(self, features: Tensor) -> Tensor:
        """Turns features [B, 1280] into the logits of ImageNet's classes [B, 1000], in their usual order."""
        logits: Tensor = self._fc(features)
        return logits


class _Block(nn.Module):
    """Inverted bottleneck: widened, filtered channel by channel, narrowed; a shortcut where shapes allow."""

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int, expansion: int) -> None:
        super().__init__()
        width = inputs * expansion
        self._widens = expansion > 1
        if self._widens:
            self._expand_conv = nn.Conv2d(inputs, width, 1, bias=False)
            self._bn0 = _Norm(width)
        self._depthwise_conv = _SameConv(width, width, kernel, stride, groups=width)
        self._bn1 = _Norm(width)
        self._project_conv = nn.Conv2d(width, outputs, 1, bias=False)
        self._has_shortcut = stride == 1 and inputs == outputs
        self._bn2 = _Norm(outputs, ends_branch=self._has_shortcut)

    def forward(self, x: Tensor) -> Tensor:
        y = F.relu6(self._bn0(self._expand_conv(x))) if self._widens else x
        y = F.relu6(self._bn1(self._depthwise_conv(y)))
        y = self._bn2(self._project_conv(y))
        return x + y if self._has_shortcut else y


class _SameConv(nn.Conv2d):
    """Convolution with TensorFlow's "same" padding: ceil(size / stride) outputs; an odd zero goes behind."""

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int, groups: int = 1) -> None:
        super().__init__(inputs, outputs, kernel, stride, groups=groups, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        padding: list[int] = []
        for size, kernel, stride in zip(
            reversed(x.shape[2:]), reversed(self.kernel_size), reversed(self.stride), strict=True
        ):
            total = max(kernel - (size % stride or stride), 0)
            padding += [total // 2, total - total // 2]
        return self._conv_forward(F.pad(x, padding), self.weight, None)


class _Norm(nn.BatchNorm2d):
    """Batch normalisation; at the end of a branch beside a shortcut it says so to `weights.initialise`."""

    block_final_bn: bool

    def __init__(self, width: int, ends_branch: bool = False) -> None:
        super().__init__(width, eps=1e-3)
        self.block_final_bn = ends_branch


class _Rows(nn.Module):
    """From normalised frames to one row for each: features, probabilities, or these in the space of words."""

    def __init__(self, network: EfficientNetLite0, output: str) -> None:
        super().__init__()
        self.network = network
        self._classifies = output != "features"
        self.space = LabelSpace(embed_texts(_class_names())) if output == "words" else nn.Identity()

    def forward(self, frames: Tensor) -> Tensor:
        """Turns frames [W, 3, 1, H, W'] into rows [W, 1, D]."""
        rows = self.network(frames[:, :, 0])
        if self._classifies:
            rows = self.space(self.network.classify(rows).float().softmax(-1))
        return rows[:, None]


def _class_names() -> list[str]:
    """Lists ImageNet's classes in the order of the logits."""
    from torchvision.models import EfficientNet_B0_Weights

    names: list[str] = EfficientNet_B0_Weights.IMAGENET1K_V1.meta["categories"]
    return names


def build(parameters: EfficientNetParameters, device: str) -> NetworkExtractor:
    """Builds the extractor: windows uint8 [W, 1, H, W', 3] to rows [W, 1, D].

    Args:
        parameters: their weights are the public file, or random.
        device: name of the torch device.

    Raises:
        FileNotFoundError: if there is no weights file.
        ValueError: if the weights file is refused, does not fit the network, or a package is missing.
    """
    network = EfficientNetLite0()
    weights.fill(network, parameters)
    pipeline = nn.Sequential(
        NormalisedFrames(mean=127 / 255, deviation=128 / 255), _Rows(network, parameters.output)
    )
    width = {"features": WIDTH, "classes": CLASSES, "words": GLOVE_WIDTH}[parameters.output]
    return NetworkExtractor(pipeline, parameters, device, width, rows_per_window=1)
