"""The extractor kinds: their parameters, typed and checked, and where their code lives.

Nothing here imports torch or a decoder, so a configuration is validated and a workflow planned in a moment.
A new kind is one parameters class, one module with the network, and one line in `KINDS`. The kind `imported`
has no network: it takes arrays made elsewhere (`extractors.importing.intake`).
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Protocol

from pydantic import Field, ValidationError, model_validator

from extractors.settings import LARGEST_SEED, Real, Settings, Whole, describe

if TYPE_CHECKING:
    import torch

    from extractors.media.sampling import Window

Modality = Literal["visual", "audio"]
MergeRule = Literal["cut_to_shortest", "bring_to_last"]
NormaliseRule = Literal["none", "l2"]


class KindParameters(Settings):
    """What the parameters of all kinds have in common."""

    presets: ClassVar[dict[str, dict[str, Any]]] = {}

    @model_validator(mode="before")
    @classmethod
    def _expand_preset(cls, values: Any) -> Any:
        if not isinstance(values, dict) or "preset" not in values:
            return values
        values = dict(values)
        preset = values.pop("preset")
        if preset not in cls.presets:
            raise ValueError(f"preset: expected one of {sorted(cls.presets)}, found {preset!r}")
        return {**cls.presets[preset], **values}

    def sampling(self) -> str:
        """Says in words how media become windows; nothing where a kind does not sample."""
        return ""


class Parameters(KindParameters):
    """What every network takes: the weights and the number format. Everything here changes the features."""

    weights: Path | Literal["random"] = Field(
        description="Path of the weights file, or `random` for seeded random weights (demo and tests)."
    )
    weights_sha256: str | None = Field(
        default=None,
        pattern=r"^[0-9a-f]{64}$",
        description="SHA-256 the weights file must have. A pickle that holds more than tensors is only "
        "loaded when this is given and matches.",
    )
    seed: Whole = Field(default=0, ge=0, le=LARGEST_SEED, description="Seed of `weights: random`.")
    precision: Literal["float32", "bfloat16"] = Field(
        default="float32", description="Number format of the network's forward pass."
    )


class FrameParameters(Parameters):
    """How frames are sampled and cut into windows. Lengths are in frames at the sampled rate."""

    frame_rate: Real | None = Field(
        default=None,
        ge=0.01,
        le=1000,
        description="Frames per second to sample by timestamp; null keeps every frame.",
    )
    window: Whole = Field(default=16, ge=2, le=1024, description="Frames in a window.")
    stride: Whole = Field(
        default=16, ge=1, le=10_000, description="Frames between the starts of two windows."
    )
    shorter_side: Whole = Field(
        default=224, ge=32, le=2048, description="Pixels of the shorter side after scaling."
    )
    shrink: bool = Field(
        default=True,
        description="Scale larger frames down too; false only enlarges frames below shorter_side.",
    )
    crop: Whole = Field(default=224, ge=32, le=2048, description="Pixels of the square centre crop.")

    @model_validator(mode="after")
    def _crop_fits(self) -> FrameParameters:
        if self.crop > self.shorter_side:
            raise ValueError(f"crop: expected at most shorter_side = {self.shorter_side}, found {self.crop}")
        return self

    def sampling(self) -> str:
        """Says in words how frames are chosen, cut into windows and sized."""
        rate = f"{self.frame_rate:g} frames per second by timestamp" if self.frame_rate else "every frame"
        size = "scaled to" if self.shrink else "enlarged where it is below"
        return (
            f"{rate}, windows of {self.window} every {self.stride}, "
            f"shorter side {size} {self.shorter_side} pixels, centre crop of {self.crop}"
        )


class I3DParameters(FrameParameters):
    """Inception I3D (Carreira & Zisserman 2017), in the recipes the field's features were made with."""

    presets: ClassVar[dict[str, dict[str, Any]]] = {
        "charades": {"frame_rate": 24, "window": 24, "stride": 24, "shorter_side": 226, "shrink": False},
        "activitynet": {"frame_rate": None, "window": 16, "stride": 16, "shorter_side": 224, "shrink": True},
    }


class I3DR50Parameters(FrameParameters):
    """I3D with a ResNet-50 (pytorchvideo, Kinetics): 8 frames, every eighth of a 30 fps video."""

    frame_rate: Real | None = Field(
        default=3.75, ge=0.01, le=1000, description="Frames per second, by timestamp."
    )
    window: Whole = Field(default=8, ge=2, le=1024, description="Frames in a window.")
    stride: Whole = Field(default=8, ge=1, le=10_000, description="Frames between the starts of two windows.")
    shorter_side: Whole = Field(
        default=256, ge=32, le=2048, description="Pixels of the shorter side after scaling."
    )


class PannParameters(Parameters):
    """CNN14 of PANNs (Kong et al. 2020) on 32 kHz sound, one row for each window."""

    sample_rate: ClassVar[int] = 32_000

    window_seconds: Real = Field(
        default=1.0,
        ge=0.31,
        le=600,
        description="Length of a window; the network needs 9,920 samples (0.31 s).",
    )
    hop_seconds: Real = Field(
        default=1.0, ge=0.01, le=3600, description="Seconds between the starts of two windows."
    )

    def sampling(self) -> str:
        """Says in words how sound is cut into windows."""
        return f"sound at 32 kHz, windows of {self.window_seconds:g} s every {self.hop_seconds:g} s"


class VggishParameters(Parameters):
    """VGGish (Hershey et al. 2017) on 16 kHz sound: 0.96 s windows, PCA, 8-bit quantisation."""

    pca: Path = Field(description="Path of the PCA parameters (.npz or .pth) of VGGish's postprocessing.")

    def sampling(self) -> str:
        """Says in words how sound is cut into windows."""
        return "sound at 16 kHz, windows of 0.96 s every 0.96 s"


class ImportedArrays(KindParameters):
    """Arrays that were made elsewhere: where they are, and what is known of them."""

    arrays: Path | tuple[Path, ...] = Field(
        description="Folder of `{video}.npy`, `.npz` or `.pt`, or a pickle of a dict of arrays; of several, "
        "a video's rows are put side by side, in this order."
    )
    merge: MergeRule = Field(
        default="cut_to_shortest",
        description="How several get one number of rows: `cut_to_shortest` keeps the first rows of each, as "
        "Moment-DETR and its kin; `bring_to_last` averages or repeats rows to the number of the last one's, "
        "as IMG's authors.",
    )
    max_rows: Whole | None = Field(
        default=None,
        ge=1,
        le=100_000,
        description="Most rows that `bring_to_last` brings them to; 128 in the code of IMG's authors.",
    )
    normalise: NormaliseRule = Field(
        default="none",
        description="`l2` divides each row of each array by its norm, before they are merged, as Moment-DETR "
        "and its kin; IMG's authors normalise nothing.",
    )
    width: Whole = Field(
        ge=1, le=100_000, description="Values of a row; videos with another row width are reported as failed."
    )
    divisor: Real = Field(
        default=1.0,
        ge=0.001,
        le=100_000,
        description="What values are divided by when they become a model's inputs: 255 for VGGish's 8-bit "
        "values.",
    )

    @property
    def paths(self) -> tuple[Path, ...]:
        """Every folder and pickle, in the order in which their values are put side by side."""
        return (self.arrays,) if isinstance(self.arrays, Path) else self.arrays

    @property
    def recipe(self) -> dict[str, Any]:
        """What the values depend on beside the arrays: each choice that is not the default."""
        return self.model_dump(include={"merge", "max_rows", "normalise"}, exclude_defaults=True)

    @model_validator(mode="after")
    def _fits_together(self) -> ImportedArrays:
        if not self.paths:
            raise ValueError("arrays: expected a folder or pickle, or several, found none")
        if self.merge != "cut_to_shortest" and len(self.paths) == 1:
            raise ValueError(f"merge: expected several arrays for {self.merge}, found one")
        if self.max_rows is not None and self.merge != "bring_to_last":
            raise ValueError(f"max_rows: expected with merge: bring_to_last, found with {self.merge}")
        return self


class ImportedParameters(ImportedArrays):
    """No network: arrays that were made elsewhere take the place of extracted ones."""

    modality: Modality = Field(description="What of a video the arrays describe.")


class Extractor(Protocol):
    """A network that turns windows of one medium into feature rows."""

    width: int
    """D, the width of a row."""
    rows_per_window: int
    """R, the rows a window gives; they divide the window's time evenly."""

    def embed(self, windows: torch.Tensor) -> torch.Tensor:
        """Turns windows [W, ...] (as the kind's reader cuts them) into rows [W, R, D], float32."""
        ...


Reader = Callable[[Path, Any, str], "Iterator[Window]"]
"""(media file, parameters, decoder name) -> windows in time order. Runs in a decoding process."""


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
        scale: what stored values are multiplied with when they become a model's inputs; `parse` puts in what
            the parameters of `imported` say.
    """

    name: str
    modality: Modality
    parameters: type[KindParameters]
    network: str
    reader: str
    decoders: tuple[str, ...]
    code_version: int
    scale: float = 1.0

    def load_reader(self) -> Reader:
        """Imports the function that cuts a media file into windows."""
        return _import(self.reader)

    def load_extractor(self, parameters: Parameters, device: str) -> Extractor:
        """Imports and builds the network; loads its weights."""
        extractor: Extractor = _import(self.network)(parameters, device)
        return extractor


def _import(name: str) -> Any:
    module, function = name.split(":")
    return getattr(importlib.import_module(module), function)


_FRAME_DECODERS = ("decord", "pyav")
_FRAMES = "extractors.media.video:frame_windows"

KINDS: dict[str, Kind] = {
    kind.name: kind
    for kind in (
        Kind("i3d", "visual", I3DParameters, "extractors.kinds.i3d:build", _FRAMES, _FRAME_DECODERS, 2),
        Kind(
            "i3d_r50",
            "visual",
            I3DR50Parameters,
            "extractors.kinds.i3d_r50:build",
            _FRAMES,
            _FRAME_DECODERS,
            2,
        ),
        Kind(
            "pann",
            "audio",
            PannParameters,
            "extractors.kinds.pann:build",
            "extractors.media.audio_windows:audio_windows",
            ("pyav",),
            2,
        ),
        Kind(
            "vggish",
            "audio",
            VggishParameters,
            "extractors.kinds.vggish:build",
            "extractors.kinds.vggish:windows",
            ("pyav",),
            2,
            scale=1 / 255,
        ),
        Kind("imported", "visual", ImportedParameters, "", "", (), 1),
    )
}


def parse(settings: dict[str, Any]) -> tuple[Kind, KindParameters]:
    """Checks one extractor's settings, `{kind: ..., preset: ..., ...}`.

    Args:
        settings: the kind, optionally a preset, and the kind's parameters.

    Returns:
        The kind and its complete parameters, the preset expanded.

    Raises:
        ValueError: on an unknown kind, key, preset or value; the message names the key.
    """
    settings = dict(settings)
    name = settings.pop("kind", None)
    if name not in KINDS:
        raise ValueError(f"kind: expected one of {sorted(KINDS)}, found {name!r}")
    kind = KINDS[name]
    try:
        parameters = kind.parameters.model_validate(settings)
    except ValidationError as error:
        raise ValueError(describe(error)) from None
    if isinstance(parameters, ImportedParameters):
        kind = replace(kind, modality=parameters.modality, scale=1 / parameters.divisor)
    return kind, parameters
