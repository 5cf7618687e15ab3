"""Assembled inputs as training and evaluation read them: memory-mapped tensors."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open

from extractors.storage.files import read_json, sha256_of, sha256_of_json
from img.data.clips.standardisation import Standardisation

FEATURES, INDEX = "features.safetensors", "index.json"


@dataclass(frozen=True)
class VideoInputs:
    """A video's clips in the file.

    Attributes:
        first: row of its first clip.
        clips: T.
        reach: of each stream but the first, the clips, from the first, that it covers; the rows of the others
            are zeros. 0 where the video lacks the stream.
        seconds: how much of the video its clips cover, from its start; None where nobody knows.
        sha256: hash of its clips in all streams, their reach and seconds: equal content, equal hash.
    """

    first: int
    clips: int
    reach: Mapping[str, int]
    seconds: float | None = None
    sha256: str = ""

    @property
    def rows(self) -> slice:
        """The rows of its clips."""
        return slice(self.first, self.first + self.clips)

    def reached_rows(self, stream: str) -> slice:
        """The rows of the clips that a stream covers."""
        return slice(self.first, self.first + self.reach.get(stream, self.clips))


@dataclass(frozen=True)
class Inputs:
    """The clips of a dataset's videos.

    Attributes:
        streams: [ΣT, D] float32 of each stream, by name; zeros where a video lacks it. The first one leads:
            its rows are the clips.
        videos: the clips of each video.
        content_sha256: hash of the tensors and the index: equal inputs, equal hash.
        reads: what encodes a further video alike, as JSON: `streams` (name -> its extractors, each with
            `name`, `extractor`, `file_names`, `width` and `scale`), `merges` (how those of several become
            one), `align` (how each after the first is laid along it), `options`, and `standardisation` (the
            statistics of each standardised stream).
    """

    streams: Mapping[str, torch.Tensor]
    videos: Mapping[str, VideoInputs]
    content_sha256: str
    reads: Mapping[str, Any] = field(default_factory=dict)

    @property
    def widths(self) -> dict[str, int]:
        """D of each stream, by name."""
        return {name: values.shape[1] for name, values in self.streams.items()}

    @cached_property
    def standardisation(self) -> Mapping[str, Standardisation]:
        """What each stream was standardised by, and a further video's must be; of none without."""
        return {
            name: Standardisation.from_json(found) for name, found in self.reads["standardisation"].items()
        }

    def content_of(self, videos: Iterable[str]) -> str:
        """Hashes what some videos' clips are, whatever other videos there are."""
        return sha256_of_json([[video, self.videos[video].sha256] for video in sorted(set(videos))])

    @staticmethod
    def load(folder: Path) -> Inputs:
        """Opens the inputs in a folder; their values are read from disk when they are used.

        Raises:
            ValueError: they were made before streams had names.
        """
        index = read_json(folder / INDEX)
        if "reads" not in index:
            raise ValueError(
                f"{folder / INDEX}: expected inputs of named streams, found older ones; assemble again"
            )
        with safe_open(folder / FEATURES, "pt") as file:
            streams = {name: file.get_tensor(name) for name in index["reads"]["streams"]}
        videos = {name: VideoInputs(**video) for name, video in index["videos"].items()}
        return Inputs(streams, videos, sha256_of(folder / INDEX), index["reads"])
