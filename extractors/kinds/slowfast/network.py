"""SlowFast 8x8 with a ResNet-50, by pytorchvideo: 2304-d rows of RGB frames.

Feichtenhofer et al. 2019, "SlowFast Networks for Video Recognition". A row is what the head projects: the
slow pathway's average, 2048 values, then the fast one's, 256.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from extractors.kinds.slowfast.checkpoint import read_checkpoint
from extractors.kinds.slowfast.parameters import FRAMES, SlowFastParameters
from extractors.models import weights
from extractors.models.network import NetworkExtractor, NormalisedFrames

WIDTH = 2304
_SLOW_FRAMES = 8
# Of the head's pool: pixels of the last map at a crop of 224.
_POOLED_SIDE = 7


class PathwayFeatures(nn.Module):
    """Both pathways up to what the head projects."""

    slow_of_fast: Tensor

    def __init__(self, network: Any) -> None:
        """Takes pytorchvideo's network, whose last two blocks pool and project."""
        super().__init__()
        self.network = network
        places = torch.linspace(0, FRAMES - 1, _SLOW_FRAMES).long()
        self.register_buffer("slow_of_fast", places, persistent=False)

    def forward(self, frames: Tensor) -> Tensor:
        """Computes the features of a clip.

        The head's pool takes all the time and 7x7 of space, with stride 1: all of it at a crop of 224, and
        where a smaller crop leaves less. Where more is left, its outputs are averaged.

        Args:
            frames: float [B, 3, 32, H, W], normalised. The slow pathway sees 8 of the 32.

        Returns:
            Features [B, 1, 2304].
        """
        *blocks, _, _ = self.network.blocks
        pathways = [frames.index_select(2, self.slow_of_fast), frames]
        for block in blocks:
            pathways = block(pathways)
        return torch.cat([_average(features) for features in pathways], dim=1)[:, None]


def build(parameters: SlowFastParameters, device: str) -> NetworkExtractor:
    """Builds the extractor: windows uint8 [W, 32, H, W', 3] to rows [W, 1, 2304].

    Args:
        parameters: their weights are pytorchvideo's checkpoint, PySlowFast's, or its Caffe2 pickle.
        device: name of the torch device.

    Raises:
        FileNotFoundError: if there is no weights file.
        ValueError: if the weights file is refused or does not fit the network.
    """
    # Imported here for its time; the hub's builder holds the published sizes, and fetches nothing by default.
    from pytorchvideo.models.hub import slowfast_r50

    return build_network(slowfast_r50(), WIDTH, parameters, device)


def build_network(network: Any, width: int, parameters: SlowFastParameters, device: str) -> NetworkExtractor:
    """Builds the extractor of a SlowFast network of any depth; see `build`."""
    if parameters.weights == "random":
        weights.initialise(network, parameters.seed)
    else:
        state = read_checkpoint(parameters.weights, parameters.weights_sha256)
        weights.load_strict(network, state, parameters.weights)
    pipeline = nn.Sequential(NormalisedFrames(mean=0.45, deviation=0.225), PathwayFeatures(network))
    return NetworkExtractor(pipeline, parameters, device, width, rows_per_window=1)


def _average(features: Tensor) -> Tensor:
    time, height, width = features.shape[2:]
    kernel = time, min(height, _POOLED_SIDE), min(width, _POOLED_SIDE)
    return F.avg_pool3d(features, kernel, stride=1).mean(dim=(2, 3, 4))
