"""Networks of a few hundred weights, for the media and parameters of I3D and CNN14."""

from torch import Tensor, nn

from extractors.kinds.i3d.parameters import I3DParameters
from extractors.kinds.pann.parameters import PannParameters
from extractors.models import weights
from extractors.models.network import NetworkExtractor

WIDTH = 16


class Means(nn.Module):
    """A Linear of the means over a few equal parts of a window, whatever its shape."""

    def __init__(self, parts: int) -> None:
        super().__init__()
        self.means = nn.AdaptiveAvgPool1d(parts)
        self.rows = nn.Linear(parts, WIDTH)

    def forward(self, windows: Tensor) -> Tensor:
        """Turns windows [W, ...] into rows [W, 1, WIDTH]."""
        values = windows.float().abs().flatten(1)
        return self.rows(self.means(values))[:, None]


def build_i3d(parameters: I3DParameters, device: str) -> NetworkExtractor:
    return _build(parameters, device, parts=48)


def build_pann(parameters: PannParameters, device: str) -> NetworkExtractor:
    return _build(parameters, device, parts=32)


def _build(parameters: I3DParameters | PannParameters, device: str, parts: int) -> NetworkExtractor:
    network = Means(parts)
    weights.fill(network, parameters)
    return NetworkExtractor(network, parameters, device, WIDTH, rows_per_window=1)
