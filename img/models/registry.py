"""The systems: their options, typed and checked, and where their code lives.

Nothing here imports torch, so a configuration is validated and a workflow planned in a moment. A new system
is an options class, one file or folder with `build(options, sizes, vectors)`, and one line in `SYSTEMS`.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from img.models.emb.options import EmbOptions
from img.models.img.options import ImgOptions
from img.models.options import SystemOptions
from img.models.similarity.options import SimilarityOptions
from img.models.tea.options import TeaOptions

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
        official: "module:function" that rebuilds it from its authors' state dict and the choices that no
            tensor tells; empty where there is none.
        tasks: what it can be trained for, by their names in `img.tasks.registry`.
        code_version: raised by hand where results change and no code of the system's own does.
    """

    name: str
    options: type[SystemOptions]
    build: str
    official: str = ""
    tasks: tuple[str, ...] = ("moment",)
    code_version: int = 1

    def load(self, options: SystemOptions, sizes: Sizes, vectors: Tensor) -> System:
        """Imports and builds the system, with random weights."""
        system: System = _import(self.build)(options, sizes, vectors)
        return system

    def load_official(self, state: Mapping[str, Tensor], choices: Mapping[str, Any]) -> tuple[System, Sizes]:
        """Rebuilds the system from a state dict of its authors.

        Raises:
            ValueError: there is no way to, or the state dict is not theirs; the message lists every fault.
        """
        if not self.official:
            raise ValueError(f"{self.name}: no checkpoint of its authors can be read")
        rebuilt: tuple[System, Sizes] = _import(self.official)(state, choices)
        return rebuilt


def _import(name: str) -> Any:
    module, function = name.split(":")
    return getattr(importlib.import_module(module), function)


SYSTEMS: dict[str, SystemKind] = {
    kind.name: kind
    for kind in (
        SystemKind("img", ImgOptions, "img.models.img.model:build", "img.models.img.official:build_official"),
        SystemKind("emb", EmbOptions, "img.models.emb.model:build", "img.models.emb.official:build_official"),
        SystemKind("tea", TeaOptions, "img.models.tea.model:build"),
        SystemKind("similarity", SimilarityOptions, "img.models.similarity.model:build"),
    )
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
