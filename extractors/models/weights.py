"""Weights files: loaded safely and completely, or seeded random weights in their place."""

from __future__ import annotations

import pickle
from collections.abc import Mapping
from math import sqrt
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from extractors.parameters import Parameters
from extractors.storage.files import sha256_of
from extractors.storage.integrity import check_archive

_LISTED_FAULTS = 10
_BATCH_COUNTER = "num_batches_tracked"
_RESIDUAL_SCALE = 0.25
_TABLE_DEVIATION = 0.02


def load_state(path: Path, sha256: str | None = None, key: str | None = None) -> dict[str, Tensor]:
    """Reads a state dict from a PyTorch file, or a `.safetensors`, on the CPU.

    Args:
        path: the file.
        sha256: the SHA-256 the file must have, in lower-case hexadecimal.
        key: the entry a training checkpoint keeps its state dict under; a file that holds the bare state dict
            is taken as it is.

    Returns:
        Tensor by name.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if its hash differs, if it holds more than tensors and no hash is given, if it is damaged,
            or a tensor holds NaN or infinity.
    """
    check_hash(path, sha256)
    if path.suffix == ".safetensors":
        return check_finite(_read_safetensors(path), path)
    content = _unpickle(path, trusted=sha256 is not None)
    if key is not None and isinstance(content, Mapping) and key in content:
        content = content[key]
    if not isinstance(content, Mapping) or not all(isinstance(entry, Tensor) for entry in content.values()):
        inside = f" (or one under {key!r})" if key is not None else ""
        raise ValueError(f"{path}: expected a state dict of tensors{inside}, found {_outline(content)}")
    return check_finite(dict(content), path)


def check_hash(path: Path, sha256: str | None) -> None:
    """Makes sure that there is a weights file, and that it is the right one.

    Raises:
        FileNotFoundError: there is none.
        ValueError: its SHA-256 is another.
    """
    if not path.is_file():
        raise FileNotFoundError(f"{path}: expected a weights file, found none; set `weights` to its path")
    if sha256 is not None and (found := sha256_of(path)) != sha256:
        raise ValueError(f"{path}: expected SHA-256 {sha256}, found {found}; download the file again")


def load_arrays(path: Path) -> dict[str, Tensor]:
    """Reads the arrays of an `.npz`.

    Args:
        path: the file.

    Returns:
        Tensor by name.

    Raises:
        ValueError: if it is damaged, holds anything but numbers, or NaN or infinity.
    """
    try:
        check_archive(path)
        with np.load(path, allow_pickle=False) as archive:
            arrays = {name: torch.from_numpy(archive[name]) for name in archive.files}
    except Exception as error:
        # A damaged file may fail in any way while it is read.
        raise ValueError(
            f"{path}: expected an .npz of numbers, found one that does not load: {error}"
        ) from error
    return check_finite(arrays, path)


def load_strict(module: nn.Module, state: Mapping[str, Tensor], path: Path) -> None:
    """Loads a state dict whose tensors must be exactly the module's, by name and shape.

    Args:
        module: takes the tensors.
        state: tensor by name. Batch normalisation's batch counters may be absent, as in files from before
            PyTorch 0.4.1; evaluation does not use them.
        path: the file the state came from, for the message.

    Raises:
        ValueError: naming the file and each missing, unexpected or misshapen tensor.
    """
    own = module.state_dict()
    counters = {name: tensor for name, tensor in own.items() if name.rpartition(".")[2] == _BATCH_COUNTER}
    state = counters | dict(state)
    faults = [f"missing {name} {_shape(own[name])}" for name in own if name not in state]
    faults += [f"unexpected {name} {_shape(state[name])}" for name in state if name not in own]
    faults += [
        f"{name}: expected shape {_shape(own[name])}, found {_shape(state[name])}"
        for name in own
        if name in state and own[name].shape != state[name].shape
    ]
    if faults:
        lines = faults[:_LISTED_FAULTS]
        if len(faults) > _LISTED_FAULTS:
            lines.append(f"and {len(faults) - _LISTED_FAULTS} more")
        summary = (
            f"{path}: expected the {len(own)} tensors of {type(module).__name__}, found {len(faults)} faults:"
        )
        raise ValueError("\n  ".join([summary, *lines]))
    module.load_state_dict(state)


def initialise(module: nn.Module, seed: int) -> None:
    """Fills a module with seeded random weights under which activations keep their scale.

    Convolutions and linear layers are normal with variance 2 / fan-in (He et al. 2015, for layers before a
    ReLU) and zero bias; normalisation is the identity, but scales residual branches by 1/4, whose sums would
    otherwise grow with every block; tables and single vectors (of positions, of the class token) are normal
    with deviation 0.02. Fixed tensors (a Fourier basis, a mel matrix) keep their values. The global random
    state is not used.

    Args:
        module: filled in place, in the order of its modules.
        seed: of the generator.
    """
    generator = torch.Generator().manual_seed(seed)
    for layer in module.modules():
        if isinstance(layer, nn.Conv1d | nn.Conv2d | nn.Conv3d | nn.Linear) and layer.weight.requires_grad:
            deviation = sqrt(2 / layer.weight[0].numel())
            nn.init.normal_(layer.weight, std=deviation, generator=generator)
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)
        elif isinstance(layer, nn.BatchNorm1d | nn.BatchNorm2d | nn.BatchNorm3d):
            layer.reset_parameters()
            # pytorchvideo's mark of the last normalisation of a residual branch.
            if getattr(layer, "block_final_bn", False):
                nn.init.constant_(layer.weight, _RESIDUAL_SCALE)
        elif isinstance(layer, nn.LayerNorm):
            layer.reset_parameters()
        else:
            for vector in layer.parameters(recurse=False):
                if vector.requires_grad:
                    nn.init.normal_(vector, std=_TABLE_DEVIATION, generator=generator)


def fill(module: nn.Module, parameters: Parameters, key: str | None = None) -> None:
    """Gives a network the weights its parameters name: those of the file, or seeded random ones.

    Args:
        module: filled in place.
        parameters: of the extractor.
        key: the entry the public checkpoint keeps its state dict under, see `load_state`.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if the file is refused, does not fit the network, or its package is missing.
    """
    parameters = parameters.located()
    if isinstance(parameters.weights, Path):
        state = load_state(parameters.weights, parameters.weights_sha256, key)
        load_strict(module, state, parameters.weights)
    else:
        initialise(module, parameters.seed)


def _unpickle(path: Path, trusted: bool) -> Any:
    try:
        if not trusted:
            check_archive(path)
        # A pickle can run any code while it loads. Some public checkpoints do hold more than tensors (a
        # sampler's state, say), and a matching hash says that this is the very file the user meant to trust.
        return torch.load(path, map_location="cpu", weights_only=not trusted)
    except pickle.UnpicklingError as error:
        if trusted:
            raise ValueError(
                f"{path}: expected a PyTorch weights file, found one that does not load: {error}"
            ) from error
        raise ValueError(
            f"{path}: expected a PyTorch file of nothing but tensors, found one that is damaged or holds "
            "other objects, which could run code while loading; if you trust it, set `weights_sha256` to the "
            "SHA-256 its publisher gives"
        ) from error
    except Exception as error:
        # A damaged file may fail in any way while it is read.
        raise ValueError(
            f"{path}: expected a PyTorch weights file, found one that does not load: {error}"
        ) from error


def _read_safetensors(path: Path) -> dict[str, Tensor]:
    from safetensors.torch import load_file

    try:
        return load_file(path)
    except Exception as error:
        # A damaged file may fail in any way while it is read.
        raise ValueError(
            f"{path}: expected a .safetensors file, found one that does not load: {error}"
        ) from error


def check_finite(tensors: dict[str, Tensor], path: Path) -> dict[str, Tensor]:
    """Returns tensors by name, all of whose numbers are finite.

    Raises:
        ValueError: naming the file and the first tensor with NaN or infinity.
    """
    for name, tensor in tensors.items():
        if not torch.isfinite(tensor).all():
            raise ValueError(f"{path}: expected finite numbers, found NaN or infinity in {name}")
    return tensors


def _outline(content: Any) -> str:
    if not isinstance(content, Mapping):
        return type(content).__name__
    entries = [f"{name}: {type(entry).__name__}" for name, entry in list(content.items())[:_LISTED_FAULTS]]
    return "{" + ", ".join(entries) + (", ..." if len(content) > len(entries) else "") + "}"


def _shape(tensor: Tensor) -> str:
    return str(list(tensor.shape))
