"""Settings of SlowFast."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar, Literal

from pydantic import Field, model_validator

from extractors.frame_plan import Choice, Ending, FramePlan
from extractors.parameters import ClipLengthParameters

# Of Kinetics' training: it saw 32 frames of videos at 30 a second.
FRAME_RATE = 30
FRAMES = 32

_ENDINGS = {
    "filled": "a last clip that is not full stands still",
    "looped": "a last clip that is not full shows its last second again",
    "moved_back": "the last clip is moved back to be full",
}


class SlowFastParameters(ClipLengthParameters):
    """SlowFast 8x8 with a ResNet-50 (Feichtenhofer et al. 2019, Kinetics): a row for every clip."""

    widths: ClassVar[tuple[int, ...]] = (2304,)

    presets: ClassVar[dict[str, dict[str, Any]]] = {
        "moment_detr": {
            "clip_seconds": 2.0,
            "crop_offset": "truncated",
            "choice": "hero",
            "ending": "looped",
        },
        "univtg": {"clip_seconds": 2.0, "crop_offset": "truncated", "choice": "hero", "ending": "looped"},
        "cg_detr": {"clip_seconds": 1.0, "crop_offset": "truncated", "choice": "hero", "ending": "looped"},
    }

    weights: Path | Literal["random"] = Field(
        description="`SLOWFAST_8x8_R50.pkl` of PySlowFast (the published features), pytorchvideo's "
        "`SLOWFAST_8x8_R50.pyth`, or `random` for seeded random weights."
    )
    choice: Choice = Field(
        default="even",
        description="The 32 frames that stand for a clip at 30 frames a second: `even`, from its first to "
        "its last; `hero`, as in the published features, whose code scales 64 frames by the video's own rate "
        "once more; `hero_at_30`, what that code means: every other of 64 frames, the clip's last one "
        "repeated where it is shorter.",
    )
    ending: Ending = Field(
        default="filled",
        description="A last clip that is not full: `filled` with its last frame; `looped`, the last frame "
        "fills its second, which is then shown again, as in the published features; `moved_back`, so that it "
        "is full.",
    )

    @model_validator(mode="after")
    def _clip_is_whole(self) -> SlowFastParameters:
        frames = self.clip_seconds * FRAME_RATE
        if abs(frames - round(frames)) > 1e-6:
            raise ValueError(
                f"clip_seconds: expected a whole number of frames at {FRAME_RATE} a second, "
                f"found {self.clip_seconds:g} s, {frames:g} frames"
            )
        return self

    def plan(self) -> FramePlan:
        """Says how frames become clips, and which frames stand for one."""
        frames = round(self.clip_seconds * FRAME_RATE)
        return FramePlan(
            frame_rate=FRAME_RATE,
            window=frames,
            stride=frames,
            shorter_side=self.shorter_side,
            crop=self.crop,
            ending=self.ending,
            taken=FRAMES,
            choice=self.choice,
            resampling=self.resampling,
            offset=self.crop_offset,
        )

    def sampling(self) -> str:
        """Says in words how frames are chosen and sized."""
        return (
            f"{FRAMES} frames ({self.choice}) of every {self.clip_seconds:g} s at {FRAME_RATE} frames per "
            f"second, {_ENDINGS[self.ending]}; {self.size()}"
        )
