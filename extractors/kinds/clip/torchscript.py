"""Tensors of a TorchScript archive, read without running any of the code in it.

OpenAI publishes CLIP as such archives. `torch.jit.load` would compile and keep their code; here only the
pickle that holds the tensors is read, by an unpickler that knows the few names such a file uses, by
stand-ins, and refuses every other.
"""

from __future__ import annotations

import pickle
import zipfile
from pathlib import Path, PurePosixPath
from typing import Any

import torch
from torch import Tensor

_NUMBERS = {
    "HalfStorage": torch.float16,
    "BFloat16Storage": torch.bfloat16,
    "FloatStorage": torch.float32,
    "DoubleStorage": torch.float64,
    "LongStorage": torch.int64,
    "IntStorage": torch.int32,
    "ByteStorage": torch.uint8,
    "BoolStorage": torch.bool,
}
_LISTS = ("build_intlist", "build_tensorlist", "build_doublelist", "build_boollist")


def is_torchscript(path: Path) -> bool:
    """Tells whether a file is a TorchScript archive: a zip of a pickle, and of code."""
    if not zipfile.is_zipfile(path):
        return False
    with zipfile.ZipFile(path) as archive:
        return any(PurePosixPath(name).name == "constants.pkl" for name in archive.namelist())


def load_torchscript(path: Path) -> dict[str, Tensor]:
    """Reads the tensors of a TorchScript archive, by their names in its module's state dict.

    Args:
        path: the archive.

    Raises:
        ValueError: it is damaged, or uses what an archive of tensors has no use for. Nothing of it has run.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            names = [name for name in archive.namelist() if PurePosixPath(name).name == "data.pkl"]
            if len(names) != 1:
                raise pickle.UnpicklingError(f"expected one data.pkl, found {len(names)}")
            with archive.open(names[0]) as file:
                module = _TensorUnpickler(file, archive, PurePosixPath(names[0]).parent).load()
        if not isinstance(module, _Module):
            raise pickle.UnpicklingError(f"expected a module, found {type(module).__name__}")
        return dict(module.tensors())
    except Exception as error:
        # A damaged or forged archive may fail in any way while it is read.
        raise ValueError(
            f"{path}: expected a TorchScript archive of tensors, found one that does not load ({error}); "
            "fetch it again"
        ) from error


class _Module:
    """What stands for a module: the attributes that the archive gives it."""

    attributes: dict[str, Any]

    def __setstate__(self, state: Any) -> None:
        if not isinstance(state, dict):
            raise pickle.UnpicklingError(f"expected a module's attributes, found {type(state).__name__}")
        self.attributes = state

    def tensors(self, prefix: str = "") -> list[tuple[str, Tensor]]:
        """Gives each tensor in it, and in the modules in it, by its name."""
        found = []
        for name, value in self.attributes.items():
            if isinstance(value, Tensor):
                found.append((prefix + name, value))
            elif isinstance(value, _Module):
                found += value.tensors(f"{prefix}{name}.")
        return found


class _TensorUnpickler(pickle.Unpickler):
    """Knows the names that an archive's tensors and modules use, by stand-ins of its own, and no other."""

    def __init__(self, file: Any, archive: zipfile.ZipFile, folder: PurePosixPath) -> None:
        super().__init__(file, encoding="utf-8")
        self._archive = archive
        self._folder = folder

    def find_class(self, module: str, name: str) -> Any:
        """Gives the stand-in for a name.

        Raises:
            UnpicklingError: the name is not one that an archive of tensors needs.
        """
        if module.split(".")[0] == "__torch__":
            return type(name, (_Module,), {})
        if module == "torch" and name in _NUMBERS:
            return _NUMBERS[name]
        if (module, name) == ("torch._utils", "_rebuild_tensor_v2"):
            return _rebuild
        if (module, name) == ("collections", "OrderedDict"):
            return dict
        if module == "torch.jit._pickle" and name in _LISTS:
            return list
        raise pickle.UnpicklingError(f"it asks for {module}.{name}")

    def persistent_load(self, identifier: Any) -> Tensor:
        """Reads the numbers that a tensor is made of."""
        _, dtype, key, *_ = identifier
        content = self._archive.read(str(self._folder / "data" / PurePosixPath(key).name))
        return torch.frombuffer(bytearray(content), dtype=dtype)


def _rebuild(numbers: Tensor, offset: int, shape: Any, strides: Any, *_: Any) -> Tensor:
    # as_strided refuses what would reach beyond the numbers.
    return numbers.as_strided(tuple(shape), tuple(strides), offset).clone()
