"""I3D with a ResNet-50, pytorchvideo's `I3D_8x8_R50.pyth` of Kinetics: 2048-d rows of RGB frames."""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn
from torch.nn import functional as F

from extractors.kinds.i3d_r50.parameters import I3DR50Parameters
from extractors.models import weights
from extractors.models.network import NetworkExtractor, NormalisedFrames

WIDTH = 2048


class PooledFeatures(nn.Module):
    """A pytorchvideo residual network up to the features its head projects, averaged over the window."""

    def __init__(self, network: Any) -> None:
        """Takes pytorchvideo's network, whose last block is its head."""
        super().__init__()
        self.network = network

    def forward(self, frames: Tensor) -> Tensor:
        """Computes the features of a window.

        The head's pool is 4x7x7 with stride 1; where fewer frames or a smaller crop leave less, it takes all
        that is left. Where more is left, its outputs are averaged, as the head does after its projection.

        Args:
            frames: float [B, 3, F, H, W], normalised.

        Returns:
            Features [B, 1, 2048].
        """
        *blocks, head = self.network.blocks
        features = frames
        for block in blocks:
            features = block(features)
        kernel = [
            min(size, left) for size, left in zip(head.pool.kernel_size, features.shape[2:], strict=True)
        ]
        return F.avg_pool3d(features, kernel, stride=1).mean(dim=(2, 3, 4))[:, None]


def build(parameters: I3DR50Parameters, device: str) -> NetworkExtractor:
    """Builds the extractor: windows uint8 [W, F, H, W', 3] to rows [W, 1, 2048].

    Args:
        parameters: their weights are pytorchvideo's checkpoint, or its bare state dict.
        device: name of the torch device.

    Raises:
        FileNotFoundError: if there is no weights file.
        ValueError: if the weights file is refused or does not fit the network.
    """
    # Imported here for its time; the hub's builder holds the published sizes, and fetches nothing by default.
    from pytorchvideo.models.hub.resnet import i3d_r50

    network = i3d_r50()
    weights.fill(network, parameters, key="model_state")
    pipeline = nn.Sequential(NormalisedFrames(mean=0.45, deviation=0.225), PooledFeatures(network))
    return NetworkExtractor(pipeline, parameters, device, WIDTH, rows_per_window=1)
