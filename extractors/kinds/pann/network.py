"""CNN14 of PANNs: 2048-d rows of sound.

Kong et al. 2020, "PANNs: Large-Scale Pretrained Audio Neural Networks for Audio Pattern Recognition".
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any

from torch import Tensor, nn

from extractors.kinds.pann.parameters import PannParameters
from extractors.models import weights
from extractors.models.network import Float32, NetworkExtractor

WIDTH = 2048
_PACKAGE = "panns_inference"
_ALIAS = "panns_inference_networks"


class Embedding(nn.Module):
    """CNN14 up to its embedding, its spectrogram always in float32."""

    def __init__(self, network: Any) -> None:
        """Takes panns_inference's Cnn14 with its weights loaded."""
        super().__init__()
        # The log of a power spectrum does not survive 8 bits of mantissa.
        network.spectrogram_extractor = Float32(network.spectrogram_extractor)
        network.logmel_extractor = Float32(network.logmel_extractor)
        self.network = network

    def forward(self, samples: Tensor) -> Tensor:
        """Turns samples float [W, S] at 32 kHz into embeddings [W, 1, 2048]."""
        return self.network(samples)["embedding"][:, None]


def build(parameters: PannParameters, device: str) -> NetworkExtractor:
    """Builds the extractor: windows float32 [W, S] at 32 kHz to rows [W, 1, 2048].

    Args:
        parameters: their weights are the published `Cnn14` checkpoint (527 classes), or its bare state dict.
        device: name of the torch device.

    Raises:
        FileNotFoundError: if there is no weights file.
        ValueError: if the weights file is refused or does not fit the network.
    """
    network = _networks().Cnn14(
        sample_rate=parameters.sample_rate,
        window_size=1024,
        hop_size=320,
        mel_bins=64,
        fmin=50,
        fmax=14_000,
        classes_num=527,
    )
    weights.fill(network, parameters, key="model")
    return NetworkExtractor(Embedding(network), parameters, device, WIDTH, rows_per_window=1)


def _networks() -> ModuleType:
    """Imports `panns_inference.models` alone, as a module of a package of another name.

    The package's own `__init__` calls wget and writes to the home directory.
    """
    if _ALIAS not in sys.modules:
        package = importlib.util.find_spec(_PACKAGE)
        if package is None or package.submodule_search_locations is None:
            raise ModuleNotFoundError(
                f"{_PACKAGE}: expected an installed package, found none; pip install it"
            )
        alias = ModuleType(_ALIAS)
        alias.__path__ = list(package.submodule_search_locations)
        sys.modules[_ALIAS] = alias
    importlib.import_module("torchlibrosa")
    with _without_plotting():
        return importlib.import_module(f"{_ALIAS}.models")


@contextmanager
def _without_plotting() -> Iterator[None]:
    """Puts an empty module in place of `matplotlib.pyplot`.

    The networks import it without using it, and it writes a font cache to the home directory.
    """
    absent = [name for name in ("matplotlib", "matplotlib.pyplot") if name not in sys.modules]
    sys.modules.update({name: ModuleType(name) for name in absent})
    try:
        yield
    finally:
        for name in absent:
            del sys.modules[name]
