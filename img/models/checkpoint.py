"""Checkpoints: a model's tensors and the settings that rebuild it, in one safetensors file."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from extractors.storage.files import replacing
from img.models.options import SystemOptions
from img.models.protocol import System
from img.models.registry import find_system, parse_options
from img.models.sizes import Sizes

_METADATA = "img"


def build_system(options: SystemOptions, sizes: Sizes, vectors: Tensor | None = None) -> System:
    """Builds a system with random weights, and zeros for word vectors where none are given.

    Args:
        options: the system's options.
        sizes: the system's sizes.
        vectors: word vectors [V, width], or None where a checkpoint's will follow.
    """
    if vectors is None:
        vectors = torch.zeros(sizes.words, sizes.word_width)
    return find_system(options.kind).load(options, sizes, vectors)


def read_sizes(path: Path) -> Sizes:
    """Reads a checkpoint's sizes alone.

    Raises:
        ValueError: where the file is no checkpoint of this project; the message names it.
    """
    return Sizes(**_read(path)[0]["sizes"])


def save_checkpoint(path: Path, state: dict[str, Tensor], options: SystemOptions, sizes: Sizes) -> None:
    """Writes a state dict with what rebuilds its system, whole or not at all."""
    # One entry, for the order of several is left to chance and equal checkpoints should be equal files.
    metadata = {
        _METADATA: json.dumps(
            {"options": options.model_dump(mode="json"), "sizes": asdict(sizes)}, allow_nan=False
        )
    }
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in state.items()}
    with replacing(path) as temporary:
        save_file(tensors, temporary, metadata)


def load_checkpoint(path: Path) -> System:
    """Rebuilds a system from its checkpoint, in evaluation mode.

    Raises:
        ValueError: where the file is no checkpoint of this project; the message names it.
    """
    made, tensors = _read(path, tensors=True)
    model = build_system(parse_options(made["options"]), Sizes(**made["sizes"]))
    try:
        model.load_state_dict(tensors)
    except RuntimeError as error:
        raise ValueError(f"{path}: expected a checkpoint that fits its options and sizes: {error}") from error
    return model.eval()


def _read(path: Path, tensors: bool = False) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """Returns the options and sizes of a checkpoint, and its tensors where they are asked for."""
    try:
        with safe_open(path, "pt") as file:
            metadata = file.metadata() or {}
            names = file.keys() if tensors else ()
            found = {name: file.get_tensor(name) for name in names}
    except SafetensorError as error:
        raise ValueError(f"{path}: expected a checkpoint, found no safetensors file ({error})") from error
    if _METADATA not in metadata:
        raise ValueError(
            f"{path}: expected a checkpoint with metadata {_METADATA!r}, found {sorted(metadata)}"
        )
    return json.loads(metadata[_METADATA]), found
