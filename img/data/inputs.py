"""Assembled inputs as training and evaluation read them: memory-mapped tensors."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open

from extractors.storage.files import read_json, sha256_of
from img.data.standardisation import Standardisation

FEATURES, INDEX = "features.safetensors", "index.json"


@dataclass(frozen=True)
class VideoInputs:
    """A video's clips in the file.

    Attributes:
        first: row of its first clip.
        clips: T.
        heard: clips, from the first, that have sound; the audio rows of the others are zeros.
        seconds: how much of the video its clips cover, from its start; None where nobody knows.
    """

    first: int
    clips: int
    heard: int
    seconds: float | None = None

    @property
    def has_audio(self) -> bool:
        """Whether any of it has sound."""
        return self.heard > 0

    @property
    def rows(self) -> slice:
        """The rows of its clips."""
        return slice(self.first, self.first + self.clips)

    @property
    def heard_rows(self) -> slice:
        """The rows of the clips that have sound."""
        return slice(self.first, self.first + self.heard)


@dataclass(frozen=True)
class Inputs:
    """The clips of a dataset's videos.

    Attributes:
        visual: [ΣT, Dv] float32.
        audio: [ΣT, Da] float32, zeros where there is no sound.
        videos: the clips of each video.
        content_sha256: hash of the two tensors and the index: equal inputs, equal hash.
        standardisation: what each stream was standardised by, and a further video's must be; of none without.
    """

    visual: torch.Tensor
    audio: torch.Tensor
    videos: Mapping[str, VideoInputs]
    content_sha256: str
    standardisation: Mapping[str, Standardisation] = field(default_factory=dict)

    @staticmethod
    def load(folder: Path) -> Inputs:
        """Opens the inputs in a folder; their values are read from disk when they are used."""
        index = read_json(folder / INDEX)
        with safe_open(folder / FEATURES, "pt") as file:
            visual, audio = file.get_tensor("visual"), file.get_tensor("audio")
        videos = {name: VideoInputs(**video) for name, video in index["videos"].items()}
        statistics = {
            stream: Standardisation.from_json(found) for stream, found in index["standardisation"].items()
        }
        return Inputs(visual, audio, videos, sha256_of(folder / INDEX), statistics)

    @property
    def widths(self) -> dict[str, int]:
        """Width D of each stream."""
        return {"visual": self.visual.shape[1], "audio": self.audio.shape[1]}

    @property
    def reads(self) -> dict[str, Any]:
        """What a run that reads these inputs must know to read a further video."""
        return {"standardisation": {name: found.to_json() for name, found in self.standardisation.items()}}

    def content_of(self, videos: Iterable[str]) -> str:
        """Hashes the clips of some videos, wherever they lie in the file."""
        content = hashlib.sha256()
        for name in sorted(videos):
            video = self.videos[name]
            content.update(f"{name} {video.clips} {video.heard} {video.seconds}\n".encode())
            for stream in (self.visual, self.audio):
                content.update(stream[video.rows].numpy().tobytes())
        return content.hexdigest()
