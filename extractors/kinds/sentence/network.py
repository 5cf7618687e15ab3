"""Rows of texts: one for each, with its seconds."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from torch import Tensor, nn

from extractors.kinds.sentence.encoders import ENCODERS, TextEncoder, Tokeniser, pad
from extractors.kinds.sentence.parameters import SentenceParameters
from extractors.media.errors import MediaError, NoTextError
from extractors.media.sampling import Window
from extractors.network import NetworkExtractor
from extractors.storage.texts import read_texts

EXTRA = "sentence"


class Sentences(nn.Module):
    """An encoder that gives each text its vector."""

    def __init__(self, encoder: TextEncoder) -> None:
        """Takes the encoder."""
        super().__init__()
        self.encoder = encoder

    def forward(self, windows: Tensor) -> Tensor:
        """Turns ids and masks [W, 2, L] into rows [W, 1, D]; what no text of the batch reaches is cut off."""
        ids, mask = windows[:, 0], windows[:, 1]
        longest = int(mask.sum(1).max())
        return self.encoder(ids[:, :longest], mask[:, :longest]).pooled[:, None]


def windows(path: Path, parameters: SentenceParameters, decoder: str) -> Iterator[Window]:
    """Turns a file of texts into token ids and masks, int64 [2, L]; the kind's reader.

    Args:
        path: lines of JSON, see `extractors.storage.texts`.
        parameters: of the extractor.
        decoder: there is only one.

    Yields:
        A window for each text, in their order, with its seconds.

    Raises:
        NoTextError: the file holds none.
        MediaError: it is no file of texts.
    """
    try:
        texts = read_texts(path)
    except (ValueError, OSError) as error:
        raise MediaError(str(error)) from None
    if not texts:
        raise NoTextError(f"{path}: expected texts, found none")
    tokeniser = Tokeniser(parameters.encoder, parameters.weights, EXTRA)
    length = ENCODERS[parameters.encoder].most_tokens
    for text in texts:
        yield Window(pad([tokeniser.ids(text.text)], length)[0], text.start, text.end)


def build(parameters: SentenceParameters, device: str) -> NetworkExtractor:
    """Builds the extractor: ids and masks int64 [W, 2, L] to rows [W, 1, D].

    Raises:
        FileNotFoundError: if there is no such folder.
        ModuleNotFoundError: if transformers is not installed.
        ValueError: if the folder is refused.
    """
    encoder = ENCODERS[parameters.encoder](parameters.weights, EXTRA, parameters.weights_sha256)
    return NetworkExtractor(Sentences(encoder), parameters, device, encoder.width, rows_per_window=1)
