"""The systems: their options, typed and checked, and where their code lives.

Nothing here imports torch, so a configuration is validated and a workflow planned in a moment. A new system
is an options class, one file or folder with `build(options, sizes, vectors)`, and one line in `SYSTEMS`.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from img.models.img.options import ImgOptions
from img.models.options import SystemOptions

if TYPE_CHECKING:
    from torch import Tensor

    from img.models.protocol import System
    from img.models.sizes import Sizes

DEFAULT = "img"
"""The system of options that name no `kind`."""


@dataclass(frozen=True)
class SystemKind:
    """One system.

    Attributes:
        name: the `kind` in a configuration.
        options: the class of its options.
        build: "module:function" that builds it from (options, sizes, word vectors [V, width]).
        tasks: what it can be trained for.
        code_version: raised by hand where results change and no code of the system's own does.
    """

    name: str
    options: type[SystemOptions]
    build: str
    tasks: tuple[str, ...] = ("moment",)
    code_version: int = 1

    def load(self, options: SystemOptions, sizes: Sizes, vectors: Tensor) -> System:
        """Imports and builds the system, with random weights."""
        module, function = self.build.split(":")
        system: System = getattr(importlib.import_module(module), function)(options, sizes, vectors)
        return system


SYSTEMS: dict[str, SystemKind] = {
    kind.name: kind for kind in (SystemKind("img", ImgOptions, "img.models.img.model:build"),)
}


def find_system(name: str) -> SystemKind:
    """Finds a system by its name.

    Raises:
        ValueError: there is none of that name.
    """
    if name not in SYSTEMS:
        raise ValueError(f"kind: expected one of {sorted(SYSTEMS)}, found {name!r}")
    return SYSTEMS[name]


def parse_options(values: Mapping[str, Any] | SystemOptions) -> SystemOptions:
    """Checks a system's options, told apart by their `kind`.

    Raises:
        ValueError: on an unknown kind, key or value.
    """
    if isinstance(values, SystemOptions):
        return values
    return find_system(values.get("kind", DEFAULT)).options.model_validate(values)
