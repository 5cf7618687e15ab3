"""CLAP's sound tower: rows of sound in the space of its texts.

Wu et al. 2023, "Large-Scale Contrastive Language-Audio Pretraining with Feature Fusion and
Keyword-to-Caption Augmentation", by transformers' ClapModel.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from torch import Tensor, nn

from extractors.kinds.clap.parameters import ClapParameters
from extractors.media.audio_windows import audio_windows
from extractors.media.sampling import Window
from extractors.models.model_folders import load_model, load_processor
from extractors.models.network import NetworkExtractor

EXTRA = "clap"


class SoundTower(nn.Module):
    """HTSAT and, where wanted, its projection, divided by its norm."""

    def __init__(self, model: Any, projects: bool) -> None:
        """Takes transformers' ClapModel, of which only the sound side is kept."""
        super().__init__()
        self.audio_model = model.audio_model
        self.audio_projection = model.audio_projection if projects else None

    def forward(self, spectra: Tensor) -> Tensor:
        """Turns log-mel spectra [W, 1001, 64] into rows [W, 1, D]."""
        pooled = self.audio_model(input_features=spectra[:, None]).pooler_output
        if self.audio_projection is None:
            return pooled[:, None]
        rows = self.audio_projection(pooled).float()
        return (rows / rows.norm(dim=-1, keepdim=True))[:, None]


def windows(path: Path, parameters: ClapParameters, decoder: str) -> Iterator[Window]:
    """Cuts a media file's sound into windows and takes their log-mel spectra [1001, 64]; the kind's reader.

    Args:
        path: the media file.
        parameters: of the extractor.
        decoder: name of the decoder; sound has only one.

    Raises:
        MediaError: if the file has no sound or cannot be decoded, which may show after some windows.
    """
    front = load_front(parameters.weights)
    for window in audio_windows(path, parameters, decoder):
        yield Window(spectrum(front, window.data), window.start, window.end)


def load_front(folder: Path) -> Any:
    """Loads the checkpoint's own front end, made deterministic.

    `rand_trunc` takes a random part only of sound above 10 s, which no window is, and `repeatpad` repeats a
    shorter one whole times. The default of the class marks a window at random as longer.
    """
    return load_processor("ClapFeatureExtractor", folder, EXTRA, truncation="rand_trunc", padding="repeatpad")


def spectrum(front: Any, samples: np.ndarray) -> np.ndarray:
    """Takes the log-mel spectrum float32 [1001, 64] of samples [S] at 48 kHz, at most 10 s."""
    found = front(samples, sampling_rate=ClapParameters.sample_rate, return_tensors="np")
    values: np.ndarray = found["input_features"][0, 0].astype(np.float32)
    return values


def build(parameters: ClapParameters, device: str) -> NetworkExtractor:
    """Builds the extractor: log-mel spectra float32 [W, 1001, 64] to rows [W, 1, D].

    Args:
        parameters: their weights are a folder of transformers' ClapModel.
        device: name of the torch device.

    Raises:
        FileNotFoundError: if there is no such folder.
        ModuleNotFoundError: if transformers is not installed.
        ValueError: if the folder is refused, or its model fuses long sound.
    """
    model = load_model("ClapModel", parameters.weights, EXTRA, parameters.weights_sha256)
    front = load_front(parameters.weights)
    if model.config.audio_config.enable_fusion:
        raise ValueError(
            f"{parameters.weights}: expected a ClapModel without fusion, found enable_fusion: true, "
            "whose rows change from call to call; take an unfused checkpoint such as laion/clap-htsat-unfused"
        )
    if front.sampling_rate != parameters.sample_rate:
        raise ValueError(
            f"{parameters.weights}: expected a front end of {parameters.sample_rate} Hz, "
            f"found {front.sampling_rate}"
        )
    projects = parameters.output == "projected"
    width = model.config.projection_dim if projects else model.config.audio_config.hidden_size
    facts = {"frequency_min": front.frequency_min, "frequency_max": front.frequency_max}
    return NetworkExtractor(SoundTower(model, projects), parameters, device, width, 1, facts)
