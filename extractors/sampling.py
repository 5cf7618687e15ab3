"""Which frames, and which windows of them: the arithmetic of sampling, free of any decoder."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, slots=True)
class Window:
    """A stretch of a video as a network takes it.

    Attributes:
        data: frames uint8 [F, H, W, 3] (RGB), samples float32 [S], or what else the kind's network takes.
        start: seconds from the video's start.
        end: seconds from the video's start.
    """

    data: np.ndarray
    start: float
    end: float
