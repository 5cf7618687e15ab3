"""Samples of any task, collated: their videos' streams and their queries, padded to batches."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from img.config.streams import AUDIO
from img.data.clips.inputs import Inputs
from img.data.noise import add_noise
from img.data.ragged import Ragged
from img.data.text.query_features import QueryFeatures
from img.data.text.vocabulary import PAD, UNKNOWN, Vocabulary
from img.models.protocol import Answers, Batch, Stream, System, Targets

Text: TypeAlias = Vocabulary | QueryFeatures
"""What queries are read by: ids of words and characters, or features in their place."""


def read_text(queries: pd.DataFrame, vocabulary: Path, features: Path | None) -> tuple[pd.DataFrame, Text]:
    """Opens what queries are read by, and gives those a fault that cannot be read.

    Args:
        queries: the queries table.
        vocabulary: its vocabulary's file.
        features: folder of assembled query features, read in the place of words; None for words.

    Returns:
        The queries table, and what to make batches with.
    """
    if features is None:
        return queries, Vocabulary.load(vocabulary)
    found = QueryFeatures.load(features)
    return found.mark(queries), found


def text_sizes(text: Text) -> dict[str, Any]:
    """Returns what a model's shape owes to its queries, by the names of `img.models.sizes.Sizes`."""
    if isinstance(text, Vocabulary):
        return {"words": len(text.words), "characters": text.character_count, "query_width": None}
    return {"words": 0, "characters": 0, "query_width": text.values.shape[1]}


class Samples(ABC):
    """A split's samples of one task, ready to be batched. A task says what is asked and how it is answered.

    Attributes:
        table: one row a sample, with at least the columns query and video.
        clips: T of each sample's video [Q].
        reach: of each stream but the first, how many of them, from the first, it covers [Q].
        complete: whether each sample's video has every stream of the dataset [Q].
    """

    def __init__(
        self,
        table: pd.DataFrame,
        inputs: Inputs,
        text: Text,
        sound: bool = True,
        noisy_audio_share: float = 0.0,
    ):
        """Joins samples with their videos' inputs.

        Args:
            table: the samples, with the columns query, video, and words where words are read.
            inputs: the videos' clips.
            text: gives words ids, or gives features in their place; every sample must have some.
            sound: false treats every video as one without the stream `audio`.
            noisy_audio_share: share of the videos with noise in their sound; see `img.data.noise.add_noise`.

        Raises:
            ValueError: where the stream `audio`, which noise is added to or which is left out, is absent or
                leads.
        """
        self.table = table
        videos = [inputs.videos[video] for video in table["video"]]
        first = torch.tensor([video.first for video in videos])
        self.clips = np.array([video.clips for video in videos])
        self.reach = {
            name: np.array([video.reach[name] for video in videos]) for name in list(inputs.streams)[1:]
        }
        if not sound:
            _require_audio(self.reach, "training.sound: false")
            self.reach[AUDIO] = np.zeros_like(self.clips)
        self.complete = np.all([np.ones(len(videos)), *self.reach.values()], axis=0)
        clips = torch.from_numpy(self.clips)
        self._streams = {name: Ragged(values, first, clips) for name, values in inputs.streams.items()}
        if noisy_audio_share:
            _require_audio(self.reach, "inference.noisy_audio_share")
            names = table["video"].to_numpy(str)
            sounds = self._streams[AUDIO]
            self._streams[AUDIO] = add_noise(sounds, names, self.reach[AUDIO], noisy_audio_share)
        self._words = self._features = None
        if isinstance(text, Vocabulary):
            self._words = _Words(table["words"], text)
        else:
            rows = torch.tensor([text.rows[query] for query in table["query"]])
            self._features = Ragged(text.values, rows[:, 0], rows[:, 1])

    def __len__(self) -> int:
        return len(self.table)

    @abstractmethod
    def targets(self, samples: np.ndarray, generator: np.random.Generator) -> Targets:
        """Gives what is asked of some samples.

        Args:
            samples: indices of the samples [B].
            generator: source of whatever is drawn.
        """

    @abstractmethod
    def tabulate(self, system: System, answers: Sequence[Answers]) -> pd.DataFrame:
        """Turns answers into rows, each beside what says how right it is.

        Args:
            system: who answered.
            answers: to every batch, in file order.

        Returns:
            A row for each answer: query, video, branch, and what the task's scores are made of. A branch
            belongs to one task.
        """

    def batch(self, samples: np.ndarray, generator: np.random.Generator) -> Batch:
        """Collates samples, padded with zeros to the longest video, query and word among them.

        Args:
            samples: indices of the samples [B].
            generator: source of whatever the targets draw.
        """
        chosen = torch.from_numpy(samples)
        lead = next(iter(self._streams.values()))
        words = characters = features = None
        if self._words is not None:
            words, characters, word_mask = self._words.pad(chosen)
        elif self._features is not None:
            features, word_mask = self._features.pad(chosen), self._features.mask(chosen)
        return Batch(
            streams={name: self._pad(name, samples) for name in self._streams},
            clip_mask=lead.mask(chosen),
            word_mask=word_mask,
            targets=self.targets(samples, generator),
            words=words,
            characters=characters,
            query_features=features,
        )

    def _pad(self, name: str, samples: np.ndarray) -> Stream:
        """Collates a stream of some samples [B]."""
        values = self._streams[name].pad(torch.from_numpy(samples))
        if name not in self.reach:
            return Stream(values, torch.ones(len(samples), dtype=torch.bool))
        reach = torch.from_numpy(self.reach[name][samples])
        is_reached = torch.arange(values.shape[1]) < reach[:, None]
        return Stream(values * is_reached[:, :, None], reach > 0)

    def batches(self, batch_size: int, generator: np.random.Generator, shuffle: bool) -> Iterator[Batch]:
        """Yields every sample once, in random or file order; the last batch may be smaller."""
        order = generator.permutation(len(self)) if shuffle else np.arange(len(self))
        for first in range(0, len(self), batch_size):
            yield self.batch(order[first : first + batch_size], generator)


def _require_audio(further: Collection[str], option: str) -> None:
    if AUDIO not in further:
        raise ValueError(
            f"{option}: expected a stream called {AUDIO} after the first, found {list(further) or 'none'}"
        )


class _Words:
    """The queries' words by their number among the split's distinct words, of which 0 is padding."""

    def __init__(self, queries: Iterable[Sequence[str]], vocabulary: Vocabulary) -> None:
        queries = [list(words) for words in queries]
        numbers: dict[str, int] = {}
        for words in queries:
            for word in words:
                numbers.setdefault(word, len(numbers) + 1)
        self._numbers = Ragged.of([[numbers[word] for word in words] for words in queries])
        word_ids, character_ids = vocabulary.word_ids(), vocabulary.character_ids()
        self._word_ids = torch.tensor([PAD] + [word_ids.get(word, UNKNOWN) for word in numbers])
        self._characters = Ragged.of(
            [[], *([character_ids.get(character, UNKNOWN) for character in word] for word in numbers)]
        )

    def pad(self, samples: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Returns word ids [B, N], character ids [B, N, C] and the words' mask [B, N] of some samples [B]."""
        numbers = self._numbers.pad(samples)
        characters = self._characters.pad(numbers.flatten()).view(*numbers.shape, -1)
        return self._word_ids[numbers], characters, self._numbers.mask(samples)
