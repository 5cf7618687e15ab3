"""How frames become windows: what a kind's parameters tell the reader; nothing here imports a decoder."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Shown = Literal["middle", "start"]
"""Which frame a slot of a fixed rate shows: the last before its middle, or the one on screen as it begins."""

Ending = Literal["moved_back", "filled", "looped"]
"""What becomes of the last window where frames run out, see `extractors.media.windows`."""

Choice = Literal["even", "hero", "hero_at_30"]
"""Which frames of a window a network sees, see `extractors.media.windows.choose_frames`."""

Resampling = Literal["bilinear", "bicubic"]
"""How a frame is scaled, see `extractors.media.resizing`."""

Offset = Literal["rounded", "truncated"]
"""What becomes of half a pixel where the crop does not lie in the middle exactly."""


@dataclass(frozen=True)
class FramePlan:
    """How frames are sampled, cut into windows, chosen and sized.

    Attributes:
        frame_rate: slots a second, by timestamp; None for every frame.
        window: slots in a window.
        stride: slots between the starts of two windows.
        shorter_side: pixels of the shorter side after scaling.
        crop: pixels of the square in the middle.
        shrink: scale larger frames down too.
        shown: which frame a slot shows.
        ending: what becomes of the last window.
        taken: frames of a window that the network sees; None for all.
        choice: which they are.
        resampling: how a frame is scaled.
        offset: what becomes of half a pixel.
    """

    frame_rate: float | None
    window: int
    stride: int
    shorter_side: int
    crop: int
    shrink: bool = True
    shown: Shown = "middle"
    ending: Ending = "moved_back"
    taken: int | None = None
    choice: Choice = "even"
    resampling: Resampling = "bilinear"
    offset: Offset = "rounded"

    @property
    def second(self) -> int:
        """Slots in a second, a whole number where the ending is `looped`."""
        return round(self.frame_rate or 0)
