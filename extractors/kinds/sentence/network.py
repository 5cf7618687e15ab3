"""Rows of texts: one for each, with its seconds."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain
from pathlib import Path

from torch import Tensor, nn

from extractors.kinds.sentence.encoders import ENCODERS, TextEncoder, Tokeniser, pad
from extractors.kinds.sentence.parameters import SentenceParameters
from extractors.kinds.sentence.word_vectors import Means, WordVectors, look_up, width_of
from extractors.media.errors import MediaError, NoTextError
from extractors.media.sampling import Window
from extractors.models.network import NetworkExtractor
from extractors.storage.texts import Text, read_texts

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


def prepare(parameters: SentenceParameters, paths: Sequence[Path]) -> SentenceParameters | WordVectors:
    """Looks the words of all files up, where rows are means of their vectors; see `look_up`."""
    return look_up(parameters, paths) if parameters.encoder == "glove" else parameters


def windows(path: Path, reading: SentenceParameters | WordVectors, decoder: str) -> Iterator[Window]:
    """Turns a file of texts into token ids and masks, int64 [2, L], or means [D]; the kind's reader.

    Args:
        path: lines of JSON, see `extractors.storage.texts`.
        reading: what `prepare` gave.
        decoder: there is only one.

    Yields:
        A window for each text, in their order, with its seconds; none of a text without a known word.

    Raises:
        NoTextError: the file holds none, or none with a known word.
        MediaError: it is no file of texts.
    """
    try:
        texts = read_texts(path)
    except (ValueError, OSError) as error:
        raise MediaError(str(error)) from None
    if not texts:
        raise NoTextError(f"{path}: expected texts, found none")
    if isinstance(reading, WordVectors):
        yield from _known(reading.windows(texts), path)
    else:
        yield from _token_windows(texts, reading)


def _known(windows: Iterator[Window], path: Path) -> Iterator[Window]:
    first = next(windows, None)
    if first is None:
        raise NoTextError(f"{path}: expected texts of known words, found none")
    yield from chain([first], windows)


def _token_windows(texts: Sequence[Text], parameters: SentenceParameters) -> Iterator[Window]:
    assert parameters.encoder != "glove"
    tokeniser = Tokeniser(parameters.encoder, Path(parameters.weights), EXTRA)
    length = ENCODERS[parameters.encoder].most_tokens
    for text in texts:
        yield Window(pad([tokeniser.ids(text.text)], length)[0], text.start, text.end)


def build(parameters: SentenceParameters, device: str) -> NetworkExtractor:
    """Builds the extractor: ids and masks int64 [W, 2, L], or means [W, D], to rows [W, 1, D].

    Raises:
        FileNotFoundError: if there is no such folder or file.
        ModuleNotFoundError: if transformers is not installed.
        ValueError: if the folder or file is refused.
    """
    if parameters.encoder == "glove":
        return NetworkExtractor(Means(), parameters, device, width_of(parameters), rows_per_window=1)
    encoder = ENCODERS[parameters.encoder](Path(parameters.weights), EXTRA, parameters.weights_sha256)
    return NetworkExtractor(Sentences(encoder), parameters, device, encoder.width, rows_per_window=1)
