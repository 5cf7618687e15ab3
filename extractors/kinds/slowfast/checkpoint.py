"""SlowFast's weights in every form they are published in, under pytorchvideo's names.

The published features were made with PySlowFast's `SLOWFAST_8x8_R50.pkl`, a pickle of Caffe2's arrays.
Whether pytorchvideo's `SLOWFAST_8x8_R50.pyth` comes from the same training is not known.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor

from extractors.models import weights
from extractors.storage.pickles import load_pickled_arrays

# From Caffe2's names to PySlowFast's; `t_` marks the fast pathway.
_CAFFE2 = (
    (r"^t_pool1_subsample_bn_", "s1_fuse.bn."),
    (r"^t_pool1_subsample_", "s1_fuse.conv_f2s."),
    (r"^t_res(\d)_\d+_branch2c_bn_subsample_bn_", r"s\1_fuse.bn."),
    (r"^t_res(\d)_\d+_branch2c_bn_subsample_", r"s\1_fuse.conv_f2s."),
    (r"^t_(?=res|conv)", "1:"),
    (r"^(?=res|conv)", "0:"),
    (r"^(\d):(?:res_)?conv1_bn_", r"s1.pathway\1_stem.bn."),
    (r"^(\d):conv1_", r"s1.pathway\1_stem.conv."),
    (r"^(\d):res(\d)_(\d+)_branch1_bn_", r"s\2.pathway\1_res\3.branch1_bn."),
    (r"^(\d):res(\d)_(\d+)_branch1_", r"s\2.pathway\1_res\3.branch1."),
    (r"^(\d):res(\d)_(\d+)_branch2([abc])_bn_", r"s\2.pathway\1_res\3.branch2.\4_bn."),
    (r"^(\d):res(\d)_(\d+)_branch2([abc])_", r"s\2.pathway\1_res\3.branch2.\4."),
    (r"^pred_", "head.projection."),
    (r"\.s$", ".weight"),
    (r"\.w$", ".weight"),
    (r"\.b$", ".bias"),
    (r"\.rm$", ".running_mean"),
    (r"\.riv$", ".running_var"),
)
# What a training run of Caffe2 keeps beside the weights.
_TRAINING = re.compile(r"_momentum$|^lr$|^model_iter$")

# From PySlowFast's names to pytorchvideo's, which count their stages from 0.
_PYSLOWFAST = (
    (r"^s1\.pathway(\d)_stem\.conv\.", r"blocks.0.multipathway_blocks.\1.conv."),
    (r"^s1\.pathway(\d)_stem\.bn\.", r"blocks.0.multipathway_blocks.\1.norm."),
    (r"^(s\d)_fuse\.conv_f2s\.", r"\1.multipathway_fusion.conv_fast_to_slow."),
    (r"^(s\d)_fuse\.bn\.", r"\1.multipathway_fusion.norm."),
    (r"^(s\d)\.pathway(\d)_res(\d+)\.", r"\1.multipathway_blocks.\2.res_blocks.\3."),
    (r"\.branch1\.", ".branch1_conv."),
    (r"\.branch1_bn\.", ".branch1_norm."),
    (r"\.branch2\.([abc])\.", r".branch2.conv_\1."),
    (r"\.branch2\.([abc])_bn\.", r".branch2.norm_\1."),
    (r"^head\.projection\.", "blocks.6.proj."),
)


def read_checkpoint(path: Path, sha256: str | None = None) -> dict[str, Tensor]:
    """Reads SlowFast's weights.

    Args:
        path: a `.pkl` of Caffe2's arrays, or a PyTorch checkpoint (`.pyth`) under pytorchvideo's or
            PySlowFast's names.
        sha256: the SHA-256 the file must have.

    Returns:
        Tensors by pytorchvideo's names.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: it is refused: damaged, not finite, of another hash, or more than arrays.
    """
    if path.suffix != ".pkl":
        return rename(weights.load_state(path, sha256, key="model_state"))
    weights.check_hash(path, sha256)
    arrays = load_pickled_arrays(path, key="blobs")
    state = {name: torch.tensor(array) for name, array in arrays.items() if not _TRAINING.search(name)}
    return weights.check_finite(rename_caffe2(state), path)


def rename_caffe2(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Brings Caffe2's names to pytorchvideo's; a name that is none of them stays."""
    return rename({_replace(name, _CAFFE2): tensor for name, tensor in state.items()})


def rename(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Brings PySlowFast's names to pytorchvideo's; those it has already stay."""
    renamed = {}
    for name, tensor in state.items():
        new = _replace(name, _PYSLOWFAST)
        stage = re.match(r"^s(\d)\.", new)
        renamed[f"blocks.{int(stage[1]) - 1}.{new[stage.end() :]}" if stage else new] = tensor
    return renamed


def _replace(name: str, rules: tuple[tuple[str, str], ...]) -> str:
    for pattern, replacement in rules:
        name = re.sub(pattern, replacement, name)
    return name
