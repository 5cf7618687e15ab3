"""Checkpoints: a model's tensors and the settings that rebuild it, in one safetensors file."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from extractors.storage.files import replacing
from img.config.settings import check
from img.models.img.model import IMG
from img.models.img.official import (
    find_faults,
    load_official,
    official_shapes,
    reads_query_features,
    spell_alike,
)
from img.models.img.options import ImgOptions

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
        query_width: Dq of queries given as features, None for words; with it the three before are 0.
    """

    visual_width: int
    audio_width: int
    words: int
    word_width: int
    characters: int
    query_width: int | None = None


def build_model(options: ImgOptions, sizes: Sizes, vectors: Tensor | None = None) -> IMG:
    """Builds a model, with zeros for word vectors where none are given.

    Args:
        options: the model's options.
        sizes: the model's sizes.
        vectors: word vectors [V, width], or None where a checkpoint's will follow.
    """
    if vectors is None:
        vectors = torch.zeros(sizes.words, sizes.word_width)
    return IMG(options, sizes.visual_width, sizes.audio_width, vectors, sizes.characters, sizes.query_width)


# Where the authors' tensors tell a size: tensor and axis.
_OFFICIAL_SIZES = {
    "width": ("video_affine.linear.conv1d.weight", 0),
    "visual_width": ("video_affine.linear.conv1d.weight", 1),
    "audio_width": ("audio_affine.linear.conv1d.weight", 1),
    "max_clips": ("predictor_av.encoder.pos_embedding.position_embeddings.weight", 0),
    "max_words": ("feature_encoderv.pe.pe", 0),
}

_OFFICIAL_WORD_SIZES = {
    "words": ("word_embeddingv.word_emb.glove_vec", 0),
    "word_width": ("word_embeddingv.word_emb.glove_vec", 1),
    "characters": ("word_embeddingv.char_emb.char_emb.weight", 0),
}
_OFFICIAL_QUERY_SIZES = {"query_width": ("text_affinev.linear.conv1d.weight", 1)}

# Without all sizes any will do to list the tensors' names, which do not depend on them.
_ANY_SIZE = 128


def build_official(
    state: Mapping[str, Tensor], choices: Mapping[str, Any] | None = None
) -> tuple[IMG, Sizes]:
    """Builds the model that a state dict of the authors belongs to, and tells its sizes.

    Sizes come from the tensors' shapes, the rest from the preset `reference`. Queries are read as words, or
    as features where the state dict has their projections.

    Args:
        state: the authors' state dict.
        choices: model options that no shape tells (slots, thresholds), where they differ from the preset.

    Returns:
        The model, in evaluation mode, and its sizes.

    Raises:
        ValueError: listing every tensor that is missing, unknown or of another shape than the others ask for.
    """
    state = spell_alike(state)
    reads_words = not reads_query_features(state)
    told = {**_OFFICIAL_SIZES, **(_OFFICIAL_WORD_SIZES if reads_words else _OFFICIAL_QUERY_SIZES)}
    known = {
        size: state[name].shape[axis]
        for size, (name, axis) in told.items()
        if name in state and state[name].dim() > axis
    }
    are_known = len(known) == len(told)
    values = known if are_known else dict.fromkeys(told, _ANY_SIZE)
    lengths = {name: values.pop(name) for name in ("width", "max_clips", "max_words")}
    options = check(ImgOptions, {"preset": "reference", **lengths, **(choices or {})}, "the model's options")
    none = {} if reads_words else dict.fromkeys(_OFFICIAL_WORD_SIZES, 0)
    sizes = Sizes(**values, **none)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = build_model(options, sizes)
    if faults := find_faults(model, state, shapes=are_known):
        raise ValueError(
            f"expected the authors' state dict of {len(official_shapes(model))} tensors, found one of "
            f"{len(state)}, in which\n" + "\n".join(faults)
        )
    load_official(model, state)
    return model.eval(), sizes


def read_sizes(path: Path) -> Sizes:
    """Reads a checkpoint's sizes alone.

    Raises:
        ValueError: where the file is no checkpoint of this project; the message names it.
    """
    return Sizes(**_read(path)[0]["sizes"])


def check_fit(path: Path, sizes: Sizes, **found: int | None) -> None:
    """Checks that what a model is to read has the sizes it was made for.

    Args:
        path: the model's file, for the message.
        sizes: of the model.
        found: the sizes found, by the names that `Sizes` gives them.

    Raises:
        ValueError: naming every size that differs.
    """
    wrong = [
        f"{name.replace('_', ' ')} {expected}, found {value}"
        for name, value in found.items()
        if (expected := getattr(sizes, name)) != value
    ]
    if wrong:
        raise ValueError(f"{path}: the model expects {'; '.join(wrong)}")


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
    made, tensors = _read(path, tensors=True)
    options = check(ImgOptions, made["options"], str(path))
    model = build_model(options, Sizes(**made["sizes"]))
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
