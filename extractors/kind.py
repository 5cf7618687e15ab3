"""What a kind of extractor is: its parameters, and where its network and reader live.

Nothing here imports torch or a decoder, so a configuration is validated and a workflow planned in a moment.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol, cast

from extractors.parameters import KindParameters, Modality, Parameters

if TYPE_CHECKING:
    import torch

    from extractors.media.sampling import Window
    from extractors.storage.texts import Text


class Extractor(Protocol):
    """A network that turns windows of one medium into feature rows."""

    width: int
    """D, the width of a row."""
    rows_per_window: int
    """R, the rows a window gives; they divide the window's time evenly."""
    facts: Mapping[str, Any]
    """What the model's own files say of how its inputs are made."""

    def embed(self, windows: torch.Tensor) -> torch.Tensor:
        """Turns windows [W, ...] (as the kind's reader cuts them) into rows [W, R, D], float32."""
        ...


class Writer(Protocol):
    """A network that turns windows of one medium into texts with their seconds."""

    windows_at_once: int | None
    """How many windows of a video it takes at most; None for a whole video."""
    facts: Mapping[str, Any]
    """What the model's own files say of how its inputs are made."""

    def write(self, windows: Sequence[Window]) -> list[Text]:
        """Turns windows of one video into texts; their seconds are the video's."""
        ...


Gives = Literal["rows", "texts"]
Reads = Literal["media", "texts"]

Reader = Callable[[Path, Any, str], "Iterator[Window]"]
"""(file, parameters or what `prepare` made of them, decoder name) -> windows in time order.

Runs in a decoding process.
"""


@dataclass(frozen=True)
class Kind:
    """One extractor kind.

    Attributes:
        name: the kind's name in a configuration.
        modality: what it reads of a video; `parse` puts in what the parameters of `imported` say.
        parameters: the class of its parameters.
        network: "module:function" that builds the extractor from (parameters, device); empty for `imported`.
        reader: "module:function" that cuts a media file into windows, a `Reader`; empty for `imported`.
        decoders: names of the decoders to try, in order.
        code_version: raised whenever the features change for the same video and parameters.
        gives: `rows` where its network is an `Extractor`, `texts` where it is a `Writer`.
        reads: `texts` where it reads those that another extractor gave, in the place of a media file.
        prepare: "module:function" that makes of (parameters, files) what the reader is given in the place of
            the parameters, for a kind that looks over all files before it reads the first; empty for most.
    """

    name: str
    modality: Modality
    parameters: type[KindParameters]
    network: str
    reader: str
    decoders: tuple[str, ...]
    code_version: int
    gives: Gives = "rows"
    reads: Reads = "media"
    prepare: str = ""

    def load_reader(self) -> Reader:
        """Imports the function that cuts a media file into windows."""
        return _import(self.reader)

    def prepare_reader(self, parameters: Parameters, paths: Sequence[Path]) -> Any:
        """Gives what the reader takes beside a file: the parameters, or what `prepare` makes of them."""
        return _import(self.prepare)(parameters, paths) if self.prepare else parameters

    def load_network(self, parameters: Parameters, device: str) -> Extractor | Writer:
        """Imports and builds the network; loads its weights."""
        network: Extractor | Writer = _import(self.network)(parameters, device)
        return network

    def load_extractor(self, parameters: Parameters, device: str) -> Extractor:
        """Imports and builds the network of a kind that gives rows; loads its weights."""
        return cast(Extractor, self.load_network(parameters, device))


def _import(name: str) -> Any:
    module, function = name.split(":")
    return getattr(importlib.import_module(module), function)
