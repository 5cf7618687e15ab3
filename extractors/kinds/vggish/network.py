"""VGGish: 128-d rows of sound.

Hershey et al. 2017, "CNN Architectures for Large-Scale Audio Classification". Rows are whitened by a PCA and,
as in AudioSet's release, quantised to 0..255.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import count
from pathlib import Path

import numpy as np
from torch import Tensor, nn

from extractors.kinds.vggish.parameters import LEVELS, VggishParameters
from extractors.media.audio import read_audio
from extractors.media.audio_windows import stretches
from extractors.media.sampling import Window
from extractors.models import weights
from extractors.models.network import Float32, NetworkExtractor

SAMPLE_RATE = 16_000
LOG_OFFSET = 0.01
WIDTH = 128
# 96 frames of 25 ms, 10 ms apart: an example reaches 15 ms beyond its 0.96 s.
_EXAMPLE_SAMPLES = 15_600
_OWN_SAMPLES = 15_360
_CLIP = 2.0


class Postprocessor(nn.Module):
    """The PCA and, where wanted, the 8-bit quantisation of AudioSet's released embeddings."""

    eigenvectors: Tensor
    means: Tensor

    def __init__(self, eigenvectors: Tensor, means: Tensor, quantise: bool = True) -> None:
        """Takes the PCA's eigenvectors [128, 128], one a row, and means [128]."""
        super().__init__()
        self.register_buffer("eigenvectors", eigenvectors)
        self.register_buffer("means", means)
        self._quantise = quantise

    def forward(self, embeddings: Tensor) -> Tensor:
        """Whitens embeddings [B, 128]; quantised ones are whole numbers 0..255, as floats."""
        whitened = (embeddings - self.means) @ self.eigenvectors.T
        if not self._quantise:
            return whitened
        return ((whitened.clamp(-_CLIP, _CLIP) + _CLIP) * (LEVELS / (2 * _CLIP))).round()


class WhitenedVggish(nn.Module):
    """VGGish with its postprocessing."""

    def __init__(self, network: nn.Module, postprocessor: Postprocessor) -> None:
        """Takes torchvggish's VGG and its postprocessing, which stays in float32."""
        super().__init__()
        self.network = network
        self.postprocessor = Float32(postprocessor)

    def forward(self, examples: Tensor) -> Tensor:
        """Turns log-mel examples [W, 96, 64] into rows [W, 1, 128]."""
        return self.postprocessor(self.network(examples[:, None]))[:, None]


def windows(path: Path, parameters: VggishParameters, decoder: str) -> Iterator[Window]:
    """Cuts a media file's sound into log-mel examples [96, 64], 0.96 s each; the kind's reader.

    Args:
        path: the media file.
        parameters: of the extractor.
        decoder: name of the decoder; sound has only one.

    Raises:
        MediaError: if the file has no sound or cannot be decoded, which may show after some windows.
    """
    yield from examples(read_audio(path, SAMPLE_RATE), parameters.hop_seconds)


def examples(
    blocks: Iterable[np.ndarray], hop_seconds: float = 0.96, log_offset: float = LOG_OFFSET
) -> Iterator[Window]:
    """Turns sound into log-mel examples float32 [96, 64] of 0.96 s each.

    An incomplete last example is dropped, as in the reference; sound too short for one is padded with zeros.

    Args:
        blocks: the sound at 16 kHz, float32 [S] each, of any lengths; full scale is 1.
        hop_seconds: seconds between the starts of two examples.
        log_offset: added to the mel spectrum before its logarithm is taken.

    Yields:
        Windows of examples; `end` is at most the sound's own.
    """
    from torchvggish import vggish_params as front
    from torchvggish.mel_features import log_mel_spectrogram

    starts = (round(index * hop_seconds * SAMPLE_RATE) for index in count())
    for start, sound in stretches(blocks, _EXAMPLE_SAMPLES, starts):
        if start > 0 and len(sound) < _EXAMPLE_SAMPLES:
            return
        padded = np.pad(sound, (0, _EXAMPLE_SAMPLES - len(sound)))
        # An example follows from its own samples alone: one at a time gives the numbers of the whole sound.
        example = log_mel_spectrogram(
            padded,
            audio_sample_rate=SAMPLE_RATE,
            log_offset=log_offset,
            window_length_secs=front.STFT_WINDOW_LENGTH_SECONDS,
            hop_length_secs=front.STFT_HOP_LENGTH_SECONDS,
            num_mel_bins=front.NUM_MEL_BINS,
            lower_edge_hertz=front.MEL_MIN_HZ,
            upper_edge_hertz=front.MEL_MAX_HZ,
        )
        end = start + min(_OWN_SAMPLES, len(sound))
        yield Window(example.astype(np.float32), start / SAMPLE_RATE, end / SAMPLE_RATE)


def build(parameters: VggishParameters, device: str) -> NetworkExtractor:
    """Builds the extractor: log-mel windows float32 [W, 96, 64] to rows [W, 1, 128].

    Args:
        parameters: their weights are torchvggish's `vggish-10086976.pth`; they also name the PCA's file.
        device: name of the torch device.

    Raises:
        FileNotFoundError: if there is no weights or PCA file.
        ValueError: if a file is refused or does not fit.
    """
    from torchvggish.torchvggish import VGG, make_layers

    postprocessor = Postprocessor(*load_pca(parameters.pca), parameters.quantise)
    network = VGG(make_layers(), postprocess=False)
    weights.fill(network, parameters)
    if not parameters.last_relu:
        network.embeddings = network.embeddings[:-1]
    pipeline = WhitenedVggish(network, postprocessor)
    return NetworkExtractor(pipeline, parameters, device, WIDTH, rows_per_window=1)


def load_pca(path: Path) -> tuple[Tensor, Tensor]:
    """Reads the PCA parameters of VGGish's postprocessing.

    Args:
        path: the published `.npz`, or a PyTorch file of tensors of the same names.

    Returns:
        Eigenvectors float32 [128, 128], one a row, and means float32 [128].

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: naming the file, if it is damaged, or a tensor is missing or has another shape.
    """
    if not path.is_file():
        raise FileNotFoundError(
            f"{path}: expected VGGish's PCA parameters, found no file; set `pca` to its path"
        )
    state = weights.load_arrays(path) if path.suffix == ".npz" else weights.load_state(path)
    # The published files hold the means as [128] or as [128, 1].
    for name, shapes in (("pca_eigen_vectors", [[WIDTH, WIDTH]]), ("pca_means", [[WIDTH], [WIDTH, 1]])):
        expected = " or ".join(str(shape) for shape in shapes)
        if name not in state:
            raise ValueError(f"{path}: expected {name} {expected}, found only {sorted(state)}")
        if list(state[name].shape) not in shapes:
            raise ValueError(f"{path}: expected {name} {expected}, found {list(state[name].shape)}")
    return state["pca_eigen_vectors"].float(), state["pca_means"].flatten().float()
