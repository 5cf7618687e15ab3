"""What the parameters of all kinds have in common; nothing here imports torch or a decoder."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar, Literal, Self

from pydantic import Field, model_validator

from extractors.frame_plan import FramePlan, Offset, Resampling, Shown
from extractors.settings import LARGEST_SEED, Real, Settings, Whole
from extractors.storage.packaged import PackagedFile

Modality = Literal["visual", "audio", "text"]
MergeRule = Literal["cut_to_shortest", "bring_to_last"]
WeightsForm = Literal["file", "folder", "file or folder"]
NormaliseRule = Literal["none", "l2"]


class KindParameters(Settings):
    """What the parameters of all kinds have in common."""

    presets: ClassVar[dict[str, dict[str, Any]]] = {}
    """Parameters that go together, by the name of the recipe that they are."""

    extra: ClassVar[str] = ""
    """What of `pip install '.[extra]'` the kind needs; empty where it needs nothing more."""

    widths: ClassVar[tuple[int, ...]] = ()
    """Values of a row; several where parameters decide."""

    weights_are: ClassVar[WeightsForm] = "file"
    """Whether weights, where there are any, are one file, or a folder as transformers saves it."""

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

    @property
    def scale(self) -> float:
        """What stored values are multiplied with when they become a model's inputs."""
        return 1.0

    @property
    def reads_texts_of(self) -> str | None:
        """The extractor whose texts are read in the place of a media file; None of most kinds."""
        return None

    def sampling(self) -> str:
        """Says in words how media become windows; nothing where a kind does not sample."""
        return ""


class Parameters(KindParameters):
    """What every network takes: the weights and the number format. Everything here changes the features."""

    packaged: ClassVar[PackagedFile | None] = None
    """The weights file that an installed package holds, for the kinds that have one."""

    weights: Path | Literal["random", "package"] = Field(
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

    def identity(self) -> dict[str, Any]:
        """Gives what of them decides the features, files by their paths."""
        values = self.model_dump(exclude={"weights_sha256"})
        if self.weights != "random":
            del values["seed"]
        return values

    @model_validator(mode="after")
    def _is_packaged(self) -> Parameters:
        if self.weights == "package" and self.packaged is None:
            raise ValueError("weights: expected a path or random, found package, which this kind has none in")
        return self

    def located(self) -> Self:
        """Returns the parameters with the packaged file's path and hash in the place of `package`.

        Raises:
            ValueError: its package is not installed.
        """
        if self.weights != "package" or self.packaged is None:
            return self
        file = {"weights": self.packaged.locate(), "weights_sha256": self.packaged.sha256}
        return self.model_copy(update=file)


class VideoParameters(Parameters):
    """What every network that sees frames takes: their size, and a plan for the reader."""

    shorter_side: Whole = Field(
        default=224, ge=32, le=2048, description="Pixels of the shorter side after scaling."
    )
    crop: Whole = Field(default=224, ge=32, le=2048, description="Pixels of the square centre crop.")

    @model_validator(mode="after")
    def _crop_fits(self) -> VideoParameters:
        if self.crop > self.shorter_side:
            raise ValueError(f"crop: expected at most shorter_side = {self.shorter_side}, found {self.crop}")
        return self

    def plan(self) -> FramePlan:
        """Says how frames become windows."""
        raise NotImplementedError


class FrameParameters(VideoParameters):
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
    shrink: bool = Field(
        default=True,
        description="Scale larger frames down too; false only enlarges frames below shorter_side.",
    )

    def plan(self) -> FramePlan:
        """Says how frames become windows: all of each, scaled bilinearly."""
        return FramePlan(self.frame_rate, self.window, self.stride, self.shorter_side, self.crop, self.shrink)

    def sampling(self) -> str:
        """Says in words how frames are chosen, cut into windows and sized."""
        rate = f"{self.frame_rate:g} frames per second by timestamp" if self.frame_rate else "every frame"
        size = "scaled to" if self.shrink else "enlarged where it is below"
        return (
            f"{rate}, windows of {self.window} every {self.stride}, "
            f"shorter side {size} {self.shorter_side} pixels, centre crop of {self.crop}"
        )


class ClipLengthParameters(VideoParameters):
    """A row for every clip of some seconds, of frames scaled as for networks of pictures."""

    clip_seconds: Real = Field(
        default=2.0, ge=0.02, le=600, description="Seconds of video that a row stands for."
    )
    resampling: Resampling = Field(
        default="bicubic",
        description="How frames are scaled: `bicubic`, antialiased; `bilinear`, not antialiased.",
    )
    crop_offset: Offset = Field(
        default="rounded",
        description="Half a pixel of the crop's offset: `rounded`, halves to even, as torchvision; "
        "`truncated`, as the published CLIP and SlowFast features.",
    )

    @model_validator(mode="after")
    def _offset_fits(self) -> ClipLengthParameters:
        if self.resampling == "bilinear" and self.crop_offset == "truncated":
            raise ValueError("crop_offset: expected rounded with resampling: bilinear, found truncated")
        return self

    def size(self) -> str:
        """Says in words how frames are sized."""
        return (
            f"shorter side scaled to {self.shorter_side} pixels ({self.resampling}), "
            f"centre crop of {self.crop} ({self.crop_offset} offsets)"
        )


class ImageParameters(ClipLengthParameters):
    """One frame a row, for networks that see single pictures."""

    shown: Shown = Field(
        default="middle",
        description="The frame of a row: `middle`, the last before the middle of its seconds (ffmpeg's fps "
        "filter); `start`, the one on screen as they begin.",
    )

    def plan(self) -> FramePlan:
        """Says how frames become windows of one."""
        return FramePlan(
            frame_rate=1 / self.clip_seconds,
            window=1,
            stride=1,
            shorter_side=self.shorter_side,
            crop=self.crop,
            shown=self.shown,
            ending="filled",
            resampling=self.resampling,
            offset=self.crop_offset,
        )

    def sampling(self) -> str:
        """Says in words how frames are chosen and sized."""
        return f"one frame every {self.clip_seconds:g} s, from its {self.shown}, {self.size()}"


class SoundParameters(Parameters):
    """How sound is cut into windows."""

    sample_rate: ClassVar[int]
    """Samples per second that the network takes."""

    window_seconds: Real = Field(default=1.0, ge=0.01, le=600, description="Length of a window.")
    hop_seconds: Real = Field(
        default=1.0, ge=0.01, le=3600, description="Seconds between the starts of two windows."
    )

    def sampling(self) -> str:
        """Says in words how sound is cut into windows."""
        rate = f"{self.sample_rate / 1000:g} kHz"
        return f"sound at {rate}, windows of {self.window_seconds:g} s every {self.hop_seconds:g} s"
