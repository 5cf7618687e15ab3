"""Where the tensors of the authors' state dict (HuiGuanLab/IMG) belong in `IMG`.

The authors keep one module per side and branch; here each tensor holds them along its first axis (see
`img.models.blocks.streams`), so a name of ours stands for one to three of theirs.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

import torch
from pydantic import ValidationError
from torch import Tensor

from extractors.faults import describe
from img.models.blocks.embedding import QueryProjection
from img.models.img.model import IMG, build
from img.models.img.options import ImgOptions
from img.models.official_state import essential, list_faults, refuse, reshape
from img.models.sizes import Sizes

# Prefixes: ours -> theirs, one per stream.
_PREFIXES: dict[str, tuple[str, ...]] = {
    "visual_projection.": ("video_affine.",),
    "audio_projection.": ("audio_affine.",),
    "encoder.position.table": ("feature_encoderv.pe.pe",),
    "query_embedding.": ("word_embeddingv.", "word_embeddinga."),
    "encoder.": ("feature_encoderv.", "feature_encodera."),
    "self_attention.": ("transformerv.", "transformera."),
    "cross_attention.": ("cross_transformerv.", "cross_transformera."),
    "context_query.": ("cq_attentionv.", "cq_attentiona."),
    "query_concatenation.": ("cq_concatv.", "cq_concata."),
    "fusion.importance.pool.": ("PPmodule.weighted_poolv.", "PPmodule.weighted_poola."),
    "fusion.importance.layers.0.": ("PPmodule.pred_proj.",),
    "fusion.levels.local.convolutions.": (
        "local_audio_fusion.conv_blockv.",
        "local_audio_fusion.conv_blocka.",
    ),
    "fusion.levels.local.linear.": (
        "local_audio_fusion.downsamplev.conv.conv1d.",
        "local_audio_fusion.downsamplea.conv.conv1d.",
    ),
    "fusion.joins.local.layer_norm.": (
        "local_audio_fusion.fusion.layer_norm1.",
        "local_audio_fusion.fusion.layer_norm2.",
    ),
    "fusion.levels.event.slots.": (
        "event_audio_fusion.slot_attentionv.",
        "event_audio_fusion.slot_attentiona.",
    ),
    "fusion.levels.event.cross_attention.": (
        "event_audio_fusion.cross_transformer_v.",
        "event_audio_fusion.cross_transformer_a.",
    ),
    "fusion.joins.event.layer_norm.": (
        "event_audio_fusion.fusion.layer_norm1.",
        "event_audio_fusion.fusion.layer_norm2.",
    ),
    "fusion.levels.global.pool.": (
        "global_audio_fusion.global_video.",
        "global_audio_fusion.global_audio.",
    ),
    "fusion.levels.global.linear.": (
        "global_audio_fusion.downsamplev.conv.conv1d.",
        "global_audio_fusion.downsamplea.conv.conv1d.",
    ),
    "fusion.joins.global.layer_norm.": (
        "global_audio_fusion.fusion.layer_norm1.",
        "global_audio_fusion.fusion.layer_norm2.",
    ),
    "fusion.multi_scale.pairs.0.": ("down_sample.rnn1.",),
    "fusion.multi_scale.pairs.1.": ("down_sample.rnn2.",),
    "fusion.multi_scale.pairs.2.": ("down_sample.rnn3.",),
    "fusion.multi_scale.joint.": ("down_sample.rnn123.",),
    "fusion.multi_scale.linear.": ("down_sample.fusion.conv.conv1d.",),
    "saliency.": ("saliency_proj_av.", "saliency_proj_v.", "saliency_proj_a."),
    "predictor.": ("predictor_av.", "predictor_v.", "predictor_a."),
}

# What differs behind the prefix, applied in this order to our names.
_DETAILS: tuple[tuple[str, str], ...] = (
    (r"words\.unknown", "word_emb.unk_vec"),
    (r"characters\.table", "char_emb.char_emb.weight"),
    (r"characters\.convolutions\.(\d)\.", r"char_emb.char_convs.\1.0."),
    (r"(embedding|projection)\.linear\.", r"\1.linear.conv1d."),
    (r"attention\.linear\.", "attention.out_layer.conv1d."),
    (r"attention\.attention\.(query|key|value)\.", r"attention.\1.conv1d."),
    (r"encoder\.self_attention\.", "encoder.attention_block."),
    (r"encoder\.convolutions\.(\d)\.depthwise\.", r"encoder.conv_block.depthwise_separable_conv.\1.0."),
    (r"encoder\.convolutions\.(\d)\.pointwise\.", r"encoder.conv_block.depthwise_separable_conv.\1.1."),
    (r"encoder\.convolutions\.(\d)\.layer_norm\.", r"encoder.conv_block.layer_norms.\1."),
    (r"encoder\.position\.weight", "encoder.pos_embedding.position_embeddings.weight"),
    (r"context_query\.clip_weight", "context_query.w4C"),
    (r"context_query\.word_weight", "context_query.w4Q"),
    (r"context_query\.product_weight", "context_query.w4mlu"),
    (r"context_query\.linear\.", "context_query.cqa_linear.conv1d."),
    (r"concatenation\.pool\.", "concatenation.weighted_pool."),
    (r"concatenation\.linear\.", "concatenation.conv1d.conv1d."),
    (r"slots\.mean", "slots.slots_mu"),
    (r"slots\.log_deviation", "slots.slots_logsigma"),
    (r"slots\.(q|k|v)(?:uery|ey|alue)\.", r"slots.to_\1.conv1d."),
    (r"slots\.cell\.", "slots.gru."),
    (r"slots\.hidden\.", "slots.mlp.0.conv1d."),
    (r"slots\.output\.", "slots.mlp.2.conv1d."),
    (r"slots\.input_norm\.", "slots.norm_input."),
    (r"slots\.slot_norm\.", "slots.norm_slots."),
    (r"slots\.update_norm\.", "slots.norm_pre_ff."),
    (r"(start|end)\.layer_norm\.", r"\1_layer_norm."),
    (r"(start|end)\.hidden\.", r"\1_block.0.conv1d."),
    (r"(start|end)\.output\.", r"\1_block.2.conv1d."),
)

# In the authors' model for queries given as features two projections take the place of the word embeddings.
_QUERIES = "query_embedding."
_QUERY_PROJECTIONS = ("text_affinev.", "text_affinea.")

_WORD_VECTORS = "query_embedding.words.vectors"
# The authors keep the table of positions once per side; both hold the same sinusoids.
_FIRST_POSITIONS, _SECOND_POSITIONS = "feature_encoderv.pe.pe", "feature_encodera.pe.pe"
# Ours alone: the authors' code draws the slots anew at every call.
_SLOT_NOISE = "fusion.levels.event.slots.fixed_noise"


def reads_query_features(state: Iterable[str]) -> bool:
    """Tell by its tensors' names whether a model of the authors reads queries as features."""
    return any(name.startswith("text_affine") for name in state)


def spell_alike(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Write the query projections' sides without an underscore: `text_affine_v.` becomes `text_affinev.`."""
    return {
        re.sub(r"^text_affine_([va])\.", r"text_affine\1.", name): tensor for name, tensor in state.items()
    }


def official_names(name: str, query_features: bool = False) -> tuple[str, ...]:
    """Return the authors' names, one per stream, that a tensor of an `IMG` state dict stands for.

    Args:
        name: of the tensor.
        query_features: the model reads queries as features, not as words.

    Raises:
        KeyError: the name is none of an `IMG` state dict, or its tensor is not kept as such by the authors.
    """
    prefix = next((ours for ours in _PREFIXES if name.startswith(ours)), None)
    if prefix is None or name == _WORD_VECTORS:
        raise KeyError(f"{name} has no tensor of its own in the authors' state dict")
    detailed = name
    for pattern, replacement in _DETAILS:
        detailed = re.sub(pattern, replacement, detailed)
    given = query_features and prefix == _QUERIES
    sides = _QUERY_PROJECTIONS if given else _PREFIXES[prefix]
    return tuple(theirs + detailed.removeprefix(prefix) for theirs in sides)


def official_shapes(model: IMG) -> dict[str, tuple[int, ...]]:
    """Return the shape, axes of length 1 left out, of every tensor that the authors keep of such a model."""
    shapes: dict[str, tuple[int, ...]] = {}
    given = isinstance(model.query_embedding, QueryProjection)
    for name, own in model.state_dict().items():
        if name == _WORD_VECTORS:
            _, rows, width = own.shape
            for side in _PREFIXES["query_embedding."]:
                shapes[f"{side}word_emb.pad_vec"] = (width,)
                shapes[f"{side}word_emb.glove_vec"] = essential((rows - 2, width))
        elif name != _SLOT_NOISE:
            names = official_names(name, given)
            shapes |= dict.fromkeys(names, essential(own.shape if len(names) == 1 else own.shape[1:]))
    return {**shapes, _SECOND_POSITIONS: shapes[_FIRST_POSITIONS]}


def find_faults(model: IMG, state: Mapping[str, Tensor], shapes: bool = True) -> list[str]:
    """Tell, a line for each tensor, what of the authors' state dict does not belong to a model.

    Args:
        model: of the `reference` preset; its weights do not matter.
        state: the authors' state dict.
        shapes: compare shapes too, not only names.
    """
    faults = list_faults(official_shapes(model), state, shapes)
    first, second = state.get(_FIRST_POSITIONS), state.get(_SECOND_POSITIONS)
    if first is not None and second is not None and not torch.equal(first, second):
        faults.append(f"{_SECOND_POSITIONS}: expected what {_FIRST_POSITIONS} holds, found other values")
    return faults


def load_official(model: IMG, state: Mapping[str, Tensor]) -> None:
    """Copy the authors' weights into a model of the `reference` preset and of the same sizes.

    Raises:
        KeyError: `state` lacks a tensor.
        RuntimeError: a tensor has another size than the model's.
    """
    loaded = {}
    given = isinstance(model.query_embedding, QueryProjection)
    for name, own in model.state_dict().items():
        if name == _SLOT_NOISE:
            loaded[name] = own
        elif name == _WORD_VECTORS:
            loaded[name] = torch.stack([_word_table(state, side) for side in _PREFIXES["query_embedding."]])
        else:
            parts = [state[theirs] for theirs in official_names(name, given)]
            loaded[name] = reshape(parts, own.shape)
    model.load_state_dict(loaded)


def _word_table(state: Mapping[str, Tensor], prefix: str) -> Tensor:
    pad = state[f"{prefix}word_emb.pad_vec"]
    return torch.cat((pad, torch.zeros_like(pad), state[f"{prefix}word_emb.glove_vec"]))


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
    try:
        options = ImgOptions.model_validate({"preset": "reference", **lengths, **(choices or {})})
    except ValidationError as error:
        raise ValueError(f"the model's options:\n{describe(error, ImgOptions)}") from None
    none = {} if reads_words else dict.fromkeys(_OFFICIAL_WORD_SIZES, 0)
    widths = {"visual": values.pop("visual_width"), "audio": values.pop("audio_width")}
    sizes = Sizes(widths, **values, **none)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = build(options, sizes, torch.zeros(sizes.words, sizes.word_width))
    if faults := find_faults(model, state, shapes=are_known):
        raise refuse(official_shapes(model), state, faults)
    load_official(model, state)
    return model.eval(), sizes
