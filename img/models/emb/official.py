"""Where the tensors of the authors' state dict (Raymond-sci/EMB) belong in `EMB`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import torch
from pydantic import ValidationError
from torch import Tensor

from extractors.faults import describe
from img.models.blocks.embedding import CHARACTER_WIDTH, KERNEL_CHANNELS
from img.models.emb.model import EMB, build
from img.models.emb.options import EmbOptions
from img.models.official_state import Shapes, essential, list_faults, refuse, reshape
from img.models.sizes import Sizes

_WORD_VECTORS = "words.vectors"
_WORDS = "embedding_net.word_emb."
_CHARACTERS = "embedding_net.char_emb."

_PREFIXES = {
    "words.unknown": f"{_WORDS}unk_vec",
    "query_projection.linear.": "embedding_net.linear.conv1d.",
    "visual_projection.linear.": "video_affine.linear.conv1d.",
    "position.table": "position.pe",
    "word_attention.": "encoder.w2w.layers.0.",
    "clips.own.": "encoder.f2f.layers.0.",
    "clips.told.": "encoder.f2w.layers.0.",
    "clips.last.": "encoder.v2v.layers.0.",
    "clips.words_told.": "encoder.w2f.layers.0.",
    "clips.words_last.": "encoder.vq2q.layers.0.",
    "proposals.own.": "encoder.p2p.layers.0.",
    "proposals.told.": "encoder.p2w.layers.0.",
    "proposals.last.": "encoder.s2s.layers.0.",
    "proposals.words_told.": "encoder.w2p.layers.0.",
    "proposals.words_last.": "encoder.pq2q.layers.0.",
    "span.fusion.": "fuser1.",
    "span.highlight.": "highlight_layer.conv1d.conv1d.",
    "span.start_reader.": "predictor.start_encoder.",
    "span.end_reader.": "predictor.end_encoder.",
    "span.start.": "predictor.start_block.",
    "span.end.": "predictor.end_block.",
    "ranker.fusion.": "fuser2.",
    "ranker.neighbours.": "ranker.encoders.0.",
    "ranker.score.": "ranker.predictor.",
}

# What differs behind the prefix, applied in this order to our names.
_DETAILS: tuple[tuple[str, str], ...] = (
    (r"unit\.attention\.(query|key|value)\.", r"attention.\1.conv1d."),
    (r"unit\.hidden\.", "dense.0.conv1d."),
    (r"unit\.output\.", "dense.2.conv1d."),
    (r"unit\.layer_norm([12])\.", r"norm\1."),
    (r"mix\.weight", "guide.conv_layers.0.weight"),
    (r"mix\.pointwise\.", "guide.conv_layers.1."),
    (r"mix\.layer_norm\.", "guide.layer_norm."),
    (r"context_query\.clip_weight", "cq_attention.w4C"),
    (r"context_query\.word_weight", "cq_attention.w4Q"),
    (r"context_query\.product_weight", "cq_attention.w4mlu"),
    (r"context_query\.linear\.", "cq_attention.cqa_linear.conv1d."),
    (r"concatenation\.pool\.", "cq_concat.weighted_pool."),
    (r"concatenation\.linear\.", "cq_concat.conv1d.conv1d."),
    (r"forwards\.0\.", "rnn."),
    (r"backwards\.0\.(\w+)", r"rnn.\1_reverse"),
    (r"reader\.linear\.", "reader.dense_output.conv1d."),
    (r"(start|end)\.hidden\.", r"\1.0.conv1d."),
    (r"(start|end)\.output\.", r"\1.2.conv1d."),
)


def official_name(name: str) -> str:
    """Return the authors' name of a tensor of an `EMB` state dict.

    Raises:
        KeyError: the name is none of an `EMB` state dict, or its tensor is not kept as such by the authors.
    """
    prefix = next((ours for ours in _PREFIXES if name.startswith(ours)), None)
    if prefix is None:
        raise KeyError(f"{name} has no tensor of its own in the authors' state dict")
    detailed = name
    for pattern, replacement in _DETAILS:
        detailed = re.sub(pattern, replacement, detailed)
    return _PREFIXES[prefix] + detailed.removeprefix(prefix)


def official_shapes(model: EMB, characters: int) -> Shapes:
    """Return the shape, axes of length 1 left out, of every tensor that the authors keep of such a model.

    Among them are tables and convolutions of characters, which their model holds and never reads.
    """
    shapes: dict[str, tuple[int, ...]] = {f"{_CHARACTERS}char_emb.weight": (characters, CHARACTER_WIDTH)}
    for place, (kernel, channels) in enumerate(KERNEL_CHANNELS.items()):
        convolution = f"{_CHARACTERS}char_convs.{place}.0."
        shapes[f"{convolution}weight"] = essential((channels, CHARACTER_WIDTH, kernel))
        shapes[f"{convolution}bias"] = (channels,)
    for name, own in model.state_dict().items():
        if name == _WORD_VECTORS:
            _, rows, width = own.shape
            shapes[f"{_WORDS}pad_vec"] = (width,)
            shapes[f"{_WORDS}glove_vec"] = essential((rows - 2, width))
        else:
            shapes[official_name(name)] = essential(own.shape)
    return shapes


def load_official(model: EMB, state: Mapping[str, Tensor]) -> None:
    """Copy the authors' weights into a model of the `reference` preset and of the same sizes.

    Raises:
        KeyError: `state` lacks a tensor.
        RuntimeError: a tensor has another size than the model's.
    """
    model.load_state_dict(
        {
            name: _word_table(state)
            if name == _WORD_VECTORS
            else reshape([state[official_name(name)]], own.shape)
            for name, own in model.state_dict().items()
        }
    )


def _word_table(state: Mapping[str, Tensor]) -> Tensor:
    pad = state[f"{_WORDS}pad_vec"]
    return torch.cat((pad, torch.zeros_like(pad), state[f"{_WORDS}glove_vec"]))[None]


# Where the authors' tensors tell a size: tensor and axis.
_SIZES = {
    "width": ("video_affine.linear.conv1d.weight", 0),
    "visual": ("video_affine.linear.conv1d.weight", 1),
    "length": ("position.pe", 0),
    "words": (f"{_WORDS}glove_vec", 0),
    "word_width": (f"{_WORDS}glove_vec", 1),
    "characters": (f"{_CHARACTERS}char_emb.weight", 0),
}

# Without all sizes any will do to list the tensors' names, which do not depend on them.
_ANY_SIZE = 128


def build_official(
    state: Mapping[str, Tensor], choices: Mapping[str, Any] | None = None
) -> tuple[EMB, Sizes]:
    """Builds the model that a state dict of the authors belongs to, and tells its sizes.

    Sizes come from the tensors' shapes, the rest from the preset `reference`.

    Args:
        state: the authors' state dict.
        choices: model options that no shape tells, where they differ from the preset.

    Returns:
        The model, in evaluation mode, and its sizes.

    Raises:
        ValueError: listing every tensor that is missing, unknown or of another shape than the others ask for.
    """
    known = {
        size: state[name].shape[axis]
        for size, (name, axis) in _SIZES.items()
        if name in state and state[name].dim() > axis
    }
    are_known = len(known) == len(_SIZES)
    values = known if are_known else dict.fromkeys(_SIZES, _ANY_SIZE)
    lengths = {"max_clips": values["length"], "max_words": values["length"]}
    try:
        options = EmbOptions.model_validate(
            {"preset": "reference", "width": values["width"], **lengths, **(choices or {})}
        )
    except ValidationError as error:
        raise ValueError(f"the model's options:\n{describe(error, EmbOptions)}") from None
    sizes = Sizes(
        {"visual": values["visual"]},
        **{name: values[name] for name in ("words", "word_width", "characters")},
    )
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = build(options, sizes, torch.zeros(sizes.words, sizes.word_width))
    expected = official_shapes(model, sizes.characters)
    if faults := list_faults(expected, state, shapes=are_known):
        raise refuse(expected, state, faults)
    load_official(model, state)
    return model.eval(), sizes
