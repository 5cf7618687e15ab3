"""A sentence as a run reads it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from extractors.words import tokenise
from img.data.collation import Text
from img.data.text.query_features import QueryFeatures
from img.data.text.vocabulary import Vocabulary, lookup_vectors
from img.models.protocol import System

ASKED = "asked"
"""The split and the id of a question, which is of no dataset."""


@dataclass(frozen=True)
class Question:
    """A sentence as a run reads it.

    Attributes:
        sentence: as it was asked.
        words: its words.
        unknown: those of them without a vector.
        text: gives words ids, or gives features in their place.
    """

    sentence: str
    words: tuple[str, ...]
    unknown: tuple[str, ...]
    text: Text

    def table(self, durations: Mapping[str, float]) -> pd.DataFrame:
        """Writes a queries table that asks each of some videos; the moment, unknown, is the whole video.

        Args:
            durations: of the videos, in seconds.
        """
        rows = [
            {
                "query": ASKED,
                "split": ASKED,
                "video": video,
                "duration": duration,
                "start": 0.0,
                "end": duration,
                "sentence": self.sentence,
                "fault": "",
                "words": list(self.words),
            }
            for video, duration in durations.items()
        ]
        return pd.DataFrame(rows)


class Lexicon:
    """The words that a run knows: those of its vocabulary, and others whose vectors a file holds.

    A vector is looked up once; the system keeps it, frozen, as it does in evaluation.
    """

    def __init__(
        self, vocabulary: Vocabulary, system: System, width: int, embedding: Path | str | None
    ) -> None:
        self._vocabulary = vocabulary
        self._system = system
        self._width = width
        self._embedding = embedding
        self._known = set(vocabulary.words)
        self._missing: set[str] = set()

    @property
    def vocabulary(self) -> Vocabulary:
        """All words met so far that have a vector."""
        return self._vocabulary

    def learn(self, words: Iterable[str]) -> None:
        """Looks up the vectors of words that were not met before, in one pass over the embedding.

        Raises:
            ValueError: the embedding is missing, or of another width than the run's.
        """
        new = frozenset(words) - self._known - self._missing
        if not new:
            return
        vectors = lookup_vectors(self._embedding, new, self._width) if self._embedding else {}
        further = sorted(vectors)
        if further:
            self._system.add_words(torch.from_numpy(np.stack([vectors[word] for word in further])))
            self._vocabulary = self._vocabulary.extended(further)
            self._known.update(further)
        self._missing |= new - self._known

    def read(self, sentence: str, max_words: int) -> Question:
        """Reads a sentence."""
        words = tokenise(sentence, max_words)
        self.learn(words)
        unknown = tuple(dict.fromkeys(word for word in words if word not in self._known))
        return Question(sentence, tuple(words), unknown, self._vocabulary)


def read_features(sentence: str, features: np.ndarray, width: int, max_words: int) -> Question:
    """Takes a sentence's features [N, Dq] in the place of its words.

    Raises:
        ValueError: they are not of the width that the run reads.
    """
    if features.ndim != 2 or features.shape[1] != width or not len(features):
        raise ValueError(
            f"features of the query: expected rows of {width} values, found an array {features.shape}"
        )
    values = torch.from_numpy(np.ascontiguousarray(features[:max_words], np.float32))
    text = QueryFeatures(values, {ASKED: (0, len(values))}, {}, "")
    return Question(sentence, (), (), text)
