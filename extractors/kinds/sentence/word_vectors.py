"""Texts as the mean of their words' vectors, by GloVe: no network, and a file read once a shard."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from torch import Tensor, nn

from extractors.kinds.sentence.parameters import SentenceParameters
from extractors.media.sampling import Window
from extractors.models.glove import read_packaged_glove
from extractors.models.glove_files import find_width, read_glove
from extractors.storage.files import sha256_of
from extractors.storage.packaged import GLOVE, GLOVE_WIDTH
from extractors.storage.texts import Text, read_texts
from extractors.words import tokenise


@dataclass(frozen=True)
class WordVectors:
    """What the reader of texts needs: the vectors of all words that it will meet.

    Attributes:
        vectors: a vector float32 [D] for each word that has one.
    """

    vectors: Mapping[str, np.ndarray]

    def windows(self, texts: Sequence[Text]) -> Iterator[Window]:
        """Gives the mean [D] of each text's words; words without a vector count nothing.

        A text of which no word has a vector gives no window.
        """
        for text in texts:
            known = [self.vectors[word] for word in tokenise(text.text) if word in self.vectors]
            if known:
                mean = np.stack(known).mean(axis=0, dtype=np.float64)
                yield Window(mean.astype(np.float32), text.start, text.end)


class Means(nn.Module):
    """Passes means on, which the reader took."""

    def forward(self, windows: Tensor) -> Tensor:
        """Turns means [W, D] into rows [W, 1, D]."""
        return windows[:, None]


def look_up(parameters: SentenceParameters, paths: Sequence[Path]) -> WordVectors:
    """Looks up the words of all texts of a shard, in one pass over a file of vectors.

    Args:
        parameters: of the extractor.
        paths: the files of texts; one that cannot be read is left to the reader, which says so.

    Raises:
        ValueError: the package or file of vectors is missing, or another than expected.
    """
    words: set[str] = set()
    for path in paths:
        with suppress(ValueError, OSError):
            words.update(word for text in read_texts(path) for word in tokenise(text.text))
    if parameters.weights == GLOVE:
        return WordVectors(read_packaged_glove(words))
    path = Path(parameters.weights)
    expected = parameters.weights_sha256
    if expected is not None and (found := sha256_of(path)) != expected:
        raise ValueError(f"{path}: expected SHA-256 {expected}, found {found}; fetch the file again")
    return WordVectors(read_glove(path, frozenset(words), find_width(path)))


def width_of(parameters: SentenceParameters) -> int:
    """Tells D, the values of a vector."""
    return GLOVE_WIDTH if parameters.weights == GLOVE else find_width(Path(parameters.weights))
