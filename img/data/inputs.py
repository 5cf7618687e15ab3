"""Assembled inputs as training and evaluation read them: memory-mapped tensors."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import safe_open

from extractors.storage.files import read_json, sha256_of


@dataclass(frozen=True)
class VideoInputs:
    """Where a video's clips lie in the file.

    Attributes:
        first: row of its first clip.
        clips: T.
        has_audio: whether its audio rows are sound; they are zeros where not.
    """

    first: int
    clips: int
    has_audio: bool


@dataclass(frozen=True)
class Inputs:
    """The clips of a dataset's videos.

    Attributes:
        visual: [ΣT, Dv] float32.
        audio: [ΣT, Da] float32, zeros where there is no sound.
        videos: where each video's clips lie.
        content_sha256: hash of the two tensors and the index: equal inputs, equal hash.
    """

    visual: torch.Tensor
    audio: torch.Tensor
    videos: Mapping[str, VideoInputs]
    content_sha256: str

    @staticmethod
    def load(folder: Path) -> Inputs:
        """Opens the inputs in a folder; their values are read from disk when they are used."""
        index = read_json(folder / "index.json")
        with safe_open(folder / "features.safetensors", "pt") as file:
            visual, audio = file.get_tensor("visual"), file.get_tensor("audio")
        videos = {video: VideoInputs(**place) for video, place in index["videos"].items()}
        return Inputs(visual, audio, videos, sha256_of(folder / "index.json"))
