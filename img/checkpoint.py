"""Checkpoints: a model's tensors and the settings that rebuild it, in one safetensors file."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from extractors.files import replacing
from img.config import check
from img.models.img import IMG
from img.models.options import ImgOptions

_METADATA = "img"


@dataclass(frozen=True)
class Sizes:
    """What a model's shape depends on beside its options.

    Attributes:
        visual_width: Dv.
        audio_width: Da.
        words: V, words with a vector.
        word_width: values of a word vector.
        characters: character ids, padding and unknown included.
    """

    visual_width: int
    audio_width: int
    words: int
    word_width: int
    characters: int


def build_model(options: ImgOptions, sizes: Sizes, vectors: Tensor | None = None) -> IMG:
    """Builds a model, with zeros for word vectors where none are given.

    Args:
        options: the model's options.
        sizes: the model's sizes.
        vectors: word vectors [V, width], or None where a checkpoint's will follow.
    """
    if vectors is None:
        vectors = torch.zeros(sizes.words, sizes.word_width)
    return IMG(options, sizes.visual_width, sizes.audio_width, vectors, sizes.characters)


def save_checkpoint(path: Path, state: dict[str, Tensor], options: ImgOptions, sizes: Sizes) -> None:
    """Writes a state dict with what rebuilds its model, whole or not at all."""
    # One entry, for the order of several is left to chance and equal checkpoints should be equal files.
    metadata = {_METADATA: json.dumps({"options": options.model_dump(mode="json"), "sizes": asdict(sizes)})}
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in state.items()}
    with replacing(path) as temporary:
        save_file(tensors, temporary, metadata)


def load_checkpoint(path: Path) -> IMG:
    """Rebuilds a model from its checkpoint, in evaluation mode.

    Raises:
        ValueError: where the file is no checkpoint of this project; the message names it.
    """
    try:
        with safe_open(path, "pt") as file:
            metadata = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (no dict)
    except SafetensorError as error:
        raise ValueError(f"{path}: expected a checkpoint, found no safetensors file ({error})") from error
    if _METADATA not in metadata:
        raise ValueError(
            f"{path}: expected a checkpoint with metadata {_METADATA!r}, found {sorted(metadata)}"
        )
    made = json.loads(metadata[_METADATA])
    options = check(ImgOptions, made["options"], str(path))
    model = build_model(options, Sizes(**made["sizes"]))
    try:
        model.load_state_dict(tensors)
    except RuntimeError as error:
        raise ValueError(f"{path}: expected a checkpoint that fits its options and sizes: {error}") from error
    return model.eval()
