"""CLIP's weights in every form they are published in, under transformers' names.

OpenAI's TorchScript archives, open_clip's state dicts (.pt, .safetensors), and transformers' folders hold the
same tensors under other names. None of them is run, and nothing is downloaded.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Literal, NamedTuple

from torch import Tensor

from extractors.kinds.clip.torchscript import is_torchscript, load_torchscript
from extractors.models import weights
from extractors.models.model_folders import check_folder

Tower = Literal["vision", "text"]

# In a folder that transformers saved, the first that is there.
_FILES = ("model.safetensors", "pytorch_model.bin")
_ACTIVATIONS = ("quick_gelu", "gelu")

# Of both towers: from open_clip's and OpenAI's names to transformers'.
_NAMES = (
    (r"^module\.", ""),
    (r"^visual\.(class_embedding)$", r"vision_model.embeddings.\1"),
    (r"^visual\.positional_embedding$", "vision_model.embeddings.position_embedding.weight"),
    (r"^visual\.conv1\.weight$", "vision_model.embeddings.patch_embedding.weight"),
    (r"^visual\.ln_pre\.", "vision_model.pre_layrnorm."),
    (r"^visual\.ln_post\.", "vision_model.post_layernorm."),
    (r"^visual\.proj$", "visual_projection.weight"),
    (r"^visual\.transformer\.resblocks\.", "vision_model.encoder.layers."),
    (r"^transformer\.resblocks\.", "text_model.encoder.layers."),
    (r"^token_embedding\.", "text_model.embeddings.token_embedding."),
    (r"^positional_embedding$", "text_model.embeddings.position_embedding.weight"),
    (r"^ln_final\.", "text_model.final_layer_norm."),
    (r"^text_projection$", "text_projection.weight"),
    (r"\.attn\.out_proj\.", ".self_attn.out_proj."),
    (r"\.ln_([12])\.", r".layer_norm\1."),
    (r"\.mlp\.c_fc\.", ".mlp.fc1."),
    (r"\.mlp\.c_proj\.", ".mlp.fc2."),
)
_PACKED = re.compile(r"^(.*)\.attn\.in_proj_(weight|bias)$")
_TRANSPOSED = ("visual_projection.weight", "text_projection.weight")
_OF_TOWER: Mapping[Tower, tuple[str, ...]] = {
    "vision": ("vision_model.", "visual_projection."),
    "text": ("text_model.", "text_projection."),
}
# A table of 0, 1, 2, ... that older versions of transformers saved.
_COUNTERS = ".embeddings.position_ids"


class Checkpoint(NamedTuple):
    """Weights of a CLIP.

    Attributes:
        state: float32 tensors by transformers' names, of both towers and what else the file holds.
        activation: what the file says it was trained with; None where it does not.
    """

    state: dict[str, Tensor]
    activation: str | None


def read_checkpoint(path: Path, sha256: str | None = None) -> Checkpoint:
    """Reads CLIP's weights from a file or a folder.

    Args:
        path: OpenAI's .pt, a state dict (.pt, .bin, .safetensors) under open_clip's or transformers' names,
            or a folder that transformers saved.
        sha256: the SHA-256 that the file must have, or the folder (see `sha256_of_path`).

    Raises:
        FileNotFoundError: there is nothing at the path.
        ValueError: it is refused: damaged, not finite, of another hash, or no CLIP.
    """
    activation = None
    if path.is_dir():
        check_folder(path, sha256)
        activation = _read_activation(path / "config.json")
        path, sha256 = _find_weights(path), None
    if path.suffix == ".safetensors" or not is_torchscript(path):
        state = weights.load_state(path, sha256, key="state_dict")
    else:
        weights.check_hash(path, sha256)
        tensors = load_torchscript(path)
        # Minus infinity stands in the masks of attention, and they are no weights.
        tensors = {name: tensor for name, tensor in tensors.items() if not name.endswith("attn_mask")}
        state, activation = weights.check_finite(tensors, path), "quick_gelu"
    return Checkpoint(rename(state), activation)


def select(checkpoint: Checkpoint, tower: Tower, path: Path) -> dict[str, Tensor]:
    """Gives the tensors of one tower with its projection.

    Raises:
        ValueError: the file holds none.
    """
    prefixes = _OF_TOWER[tower]
    state = {
        name: tensor
        for name, tensor in checkpoint.state.items()
        if name.startswith(prefixes) and not name.endswith(_COUNTERS)
    }
    if not state:
        shown = ", ".join(list(checkpoint.state)[:5])
        raise ValueError(f"{path}: expected the weights of CLIP's {tower} tower, found {shown or 'nothing'}")
    return state


def rename(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Brings a state dict of OpenAI or open_clip under transformers' names; those it has already stay."""
    renamed = {}
    for name, tensor in state.items():
        new = name
        for pattern, replacement in _NAMES:
            new = re.sub(pattern, replacement, new)
        packed = _PACKED.match(new)
        if packed:
            block, kind = packed.groups()
            for part, piece in zip("qkv", tensor.float().chunk(3), strict=True):
                renamed[f"{block}.self_attn.{part}_proj.{kind}"] = piece
        else:
            # Projections are transposed; transformers' own keep their name, and their shape.
            is_transposed = new in _TRANSPOSED and new != name.removeprefix("module.")
            renamed[new] = (tensor.T if is_transposed else tensor).contiguous()
            if tensor.is_floating_point():
                renamed[new] = renamed[new].float()
    return renamed


def _find_weights(folder: Path) -> Path:
    found = next((folder / name for name in _FILES if (folder / name).is_file()), None)
    if found is None:
        raise FileNotFoundError(f"{folder}: expected {' or '.join(_FILES)} in it, found neither")
    return found


def _read_activation(path: Path) -> str:
    """Reads which activation the vision tower of a folder has; the text tower has the same."""
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
        found = config.get("vision_config", config).get("hidden_act", "quick_gelu")
    except (OSError, ValueError, AttributeError) as error:
        raise ValueError(
            f"{path}: expected the config.json of a CLIP, found none that reads: {error}"
        ) from error
    if found not in _ACTIVATIONS:
        raise ValueError(f"{path}: hidden_act: expected one of {_ACTIVATIONS}, found {found!r}")
    return str(found)
