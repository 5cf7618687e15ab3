"""Samples and batches: a split's queries joined with the inputs of their videos."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from img.config.streams import AUDIO
from img.data.clips.inputs import Inputs
from img.data.durations import choose_duration, find_beyond
from img.data.noise import add_noise
from img.data.ragged import Ragged
from img.data.spans import label
from img.data.subsets import choose_share
from img.data.text.query_features import QueryFeatures
from img.data.text.vocabulary import PAD, UNKNOWN, Vocabulary
from img.data.windows import list_windows, split_windows
from img.models.protocol import Batch, MomentTargets, Stream

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


class Moments:
    """A split's usable queries, in file order, ready to be batched.

    A query is usable where its annotation has no fault and its video has clips, not all before the moment.

    Attributes:
        table: the queries (query, video, duration, start, end, sentence, …), one row a sample; `duration` is
            what the video's clips cover (see `img.data.durations`).
        clips: T of each sample's video [Q].
        reach: of each stream but the first, how many of them, from the first, it covers [Q].
        complete: whether each sample's video has every stream of the dataset [Q].
        windows: every moment of each sample's query, in seconds [Q, W, 2]; one with fewer repeats its first.
        start: label, first clip of each moment [Q].
        end: label, last clip of each moment, inclusive [Q].
    """

    def __init__(
        self,
        queries: pd.DataFrame,
        split: str,
        inputs: Inputs,
        text: Text,
        sound: bool = True,
        fraction: float = 1.0,
        noisy_audio_share: float = 0.0,
        each_window: bool = False,
    ):
        """Joins the queries of a split with their videos' inputs.

        Args:
            queries: the queries table.
            split: the split to take.
            inputs: the videos' clips.
            text: gives words ids, or gives features in their place; every usable query must have some.
            sound: false treats every video as one without the stream `audio`.
            fraction: share of the usable queries to keep; see `img.data.subsets.choose_share`.
            noisy_audio_share: share of the videos with noise in their sound; see `img.data.noise.add_noise`.
            each_window: a query with several moments becomes a sample for each, as training has it; else it
                is one sample, whose targets are those of its first.

        Raises:
            ValueError: where the split has no usable query, the stream `audio`, which noise is added to or
                which is left out, is absent or leads, or nobody knows how long a video is.
        """
        queries = split_windows(queries) if each_window else queries
        usable = queries[find_usable(queries, split, inputs)]
        chosen = usable["query"].isin(choose_share(usable["query"], fraction))
        self.table = usable[chosen].reset_index(drop=True)
        if self.table.empty:
            total = int((queries["split"] == split).sum())
            raise ValueError(
                f"split {split}: expected queries with videos, found none among its {total} queries"
            )
        videos = [inputs.videos[video] for video in self.table["video"]]
        self.first = np.array([video.first for video in videos])
        self.clips = np.array([video.clips for video in videos])
        self.reach = {
            name: np.array([video.reach[name] for video in videos]) for name in list(inputs.streams)[1:]
        }
        if not sound:
            _require_audio(self.reach, "training.sound: false")
            self.reach[AUDIO] = np.zeros_like(self.clips)
        self.complete = np.all([np.ones(len(videos)), *self.reach.values()], axis=0)
        covered = _covered(self.table, inputs)
        annotated = self.table["duration"].to_numpy()
        self.table["duration"] = choose_duration(annotated, covered)
        _require_durations(self.table)
        self.windows = list_windows(self.table)
        # An end after a video whose duration was annotated is cut to it where annotations are read.
        limits = np.where(np.isnan(annotated), self.table["duration"], np.inf)
        self.windows[..., 1] = np.minimum(self.windows[..., 1], limits[:, None])
        self.table["end"] = self.windows[:, 0, 1]
        spans = self.table[["duration", "start", "end"]].to_numpy()
        labels = np.array([label(int(clips), *span) for clips, span in zip(self.clips, spans, strict=True)])
        self.start, self.end = labels[:, 0], labels[:, 1]
        self._spans = torch.from_numpy((spans[:, 1:] / spans[:, :1]).clip(0, 1)).float()
        clips = torch.from_numpy(self.clips)
        first = torch.from_numpy(self.first)
        self._streams = {name: Ragged(values, first, clips) for name, values in inputs.streams.items()}
        if noisy_audio_share:
            _require_audio(self.reach, "inference.noisy_audio_share")
            names = self.table["video"].to_numpy(str)
            sounds = self._streams[AUDIO]
            self._streams[AUDIO] = add_noise(sounds, names, self.reach[AUDIO], noisy_audio_share)
        self._words = self._features = None
        if isinstance(text, Vocabulary):
            self._words = _Words(self.table["words"], text)
        else:
            rows = torch.tensor([text.rows[query] for query in self.table["query"]])
            self._features = Ragged(text.values, rows[:, 0], rows[:, 1])

    def __len__(self) -> int:
        return len(self.table)

    def batch(self, samples: np.ndarray, generator: np.random.Generator) -> Batch:
        """Collates samples, padded with zeros to the longest video, query and word among them.

        Args:
            samples: indices of the samples [B].
            generator: draws the clips of the saliency loss.
        """
        chosen = torch.from_numpy(samples)
        lead = next(iter(self._streams.values()))
        start, end = self.start[samples], self.end[samples]
        positive, negative = draw_clips(start, end, self.clips[samples], generator)
        words = characters = features = None
        if self._words is not None:
            words, characters, word_mask = self._words.pad(chosen)
        elif self._features is not None:
            features, word_mask = self._features.pad(chosen), self._features.mask(chosen)
        return Batch(
            streams={name: self._pad(name, samples) for name in self._streams},
            clip_mask=lead.mask(chosen),
            word_mask=word_mask,
            targets=MomentTargets(
                start=torch.from_numpy(start),
                end=torch.from_numpy(end),
                span=self._spans[chosen],
                positive_clips=torch.from_numpy(positive),
                negative_clips=torch.from_numpy(negative),
            ),
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


def _require_durations(table: pd.DataFrame) -> None:
    unknown = table.loc[table["duration"].isna(), "video"]
    if len(unknown):
        raise ValueError(
            f"video {unknown.iloc[0]}: expected a duration, found none: the annotations do not tell it, and "
            "its features, made elsewhere, do not say how many seconds they cover; add a column duration"
        )


def _require_audio(further: Collection[str], option: str) -> None:
    if AUDIO not in further:
        raise ValueError(
            f"{option}: expected a stream called {AUDIO} after the first, found {list(further) or 'none'}"
        )


def find_usable(queries: pd.DataFrame, split: str, inputs: Inputs) -> pd.Series[bool]:
    """Tells which queries belong to a split, have no fault, and are about a moment that clips reach."""
    has_clips = queries["video"].isin(list(inputs.videos))
    start, annotated = queries["start"].to_numpy(), queries["duration"].to_numpy()
    is_beyond = find_beyond(start, annotated, _covered(queries, inputs))
    return (queries["split"] == split) & (queries["fault"] == "") & has_clips & ~is_beyond


def _covered(queries: pd.DataFrame, inputs: Inputs) -> np.ndarray:
    """The seconds that the clips of each query's video cover [Q]; nan where nobody knows."""
    seconds = {name: video.seconds for name, video in inputs.videos.items()}
    return queries["video"].map(seconds).to_numpy(float)


def draw_clips(
    start: np.ndarray, end: np.ndarray, clips: np.ndarray, generator: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Draws the clips that the saliency loss compares.

    Two inside the moment without replacement (both `start` where it is one clip long), two outside it (both 0
    where fewer than two are outside).

    Args:
        start: first clip of each moment [B].
        end: last clip of each moment, inclusive [B].
        clips: T of each video [B].
        generator: source of randomness.

    Returns:
        Clips inside [B, 2] and outside [B, 2].
    """
    inside = end - start + 1
    positive = _draw_two(inside, generator) + start[:, None]
    outside = clips - inside
    negative = _draw_two(outside, generator)
    negative = negative + np.where(negative < start[:, None], 0, inside[:, None])
    return positive, np.where(outside[:, None] > 1, negative, 0)


def _draw_two(counts: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """Draws two different numbers below each count [B, 2]; 0 where it is 1, meaningless where it is 0."""
    uniform = generator.random((len(counts), 2))
    first = np.floor(uniform[:, 0] * counts).astype(np.int64)
    step = 1 + np.floor(uniform[:, 1] * (counts - 1)).astype(np.int64)
    return np.stack([first, (first + step) % np.maximum(counts, 1)], axis=1)


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
