"""Frames scaled and cropped, by the rules that published features were made with."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import numpy as np
from PIL import Image

from extractors.frame_plan import FramePlan, Offset


def resize_and_crop(frame: np.ndarray, plan: FramePlan) -> np.ndarray:
    """Scales a frame so that its shorter side has a plan's length, and takes the square in its middle.

    Args:
        frame: uint8 [H, W, 3].
        plan: sides, crop, and how to scale.

    Returns:
        uint8 [crop, crop, 3].
    """
    if plan.resampling == "bilinear":
        return resize_bilinear(frame, plan.shorter_side, plan.shrink, plan.crop)
    return resize_bicubic(frame, plan.shorter_side, plan.shrink, plan.crop, plan.offset)


def resize_bicubic(
    frame: np.ndarray, shorter_side: int, shrink: bool, crop: int, offset: Offset
) -> np.ndarray:
    """Scales a frame so that its shorter side has a given length, and takes the square in its middle.

    Bicubic with antialiasing, by Pillow, as CLIP's own preparation. The longer side's length is cut to a
    whole number; the offsets of the crop are rounded, halves to even (torchvision), or cut (the published
    CLIP and SlowFast features). Only the pixels of the crop are computed.

    Args:
        frame: uint8 [H, W, 3].
        shorter_side: pixels of the shorter side after scaling.
        shrink: scale larger frames down too; otherwise they keep their size.
        crop: pixels of the side of the square, at most `shorter_side`.
        offset: what becomes of half a pixel.

    Returns:
        uint8 [crop, crop, 3].
    """
    height, width, _ = frame.shape
    shorter = min(height, width)
    side = shorter_side if shrink or shorter < shorter_side else shorter
    scaled = int(height * side / shorter), int(width * side / shorter)
    whole = int if offset == "truncated" else round
    top, left = (whole((length - crop) / 2) for length in scaled)
    if side == shorter:
        return frame[top : top + crop, left : left + crop]
    down, across = height / scaled[0], width / scaled[1]
    box = (left * across, top * down, (left + crop) * across, (top + crop) * down)
    image = Image.fromarray(np.ascontiguousarray(frame))
    return np.asarray(image.resize((crop, crop), Image.Resampling.BICUBIC, box=box))


def resize_bilinear(frame: np.ndarray, shorter_side: int, shrink: bool, crop: int) -> np.ndarray:
    """Scales a frame so that its shorter side has a given length, and takes the square in its middle.

    Bilinear without antialiasing, half-pixel centres: the arithmetic of cv2.resize(frame, None, fx=s, fy=s),
    which the published features were made with, to the rounding of its fixed-point numbers. Both sides are
    scaled by exactly s; the longer side's length is rounded, halves to even, as are the offsets of the crop.
    Only the pixels of the crop are computed.

    Args:
        frame: uint8 [H, W, 3].
        shorter_side: pixels of the shorter side after scaling.
        shrink: scale larger frames down too; otherwise they keep their size.
        crop: pixels of the side of the square, at most `shorter_side`.

    Returns:
        uint8 [crop, crop, 3].
    """
    height, width, _ = frame.shape
    grid = _crop_grid(height, width, shorter_side, shrink, crop)
    rows = frame[:, grid.columns]
    upper = rows[grid.top]
    if not grid.scaled:
        return upper[:, grid.left]
    rows = upper + (rows[grid.bottom].astype(np.float32) - upper) * grid.down[:, None, None]
    left = rows[:, grid.left]
    pixels = left + (rows[:, grid.right] - left) * grid.across[:, None]
    return (pixels + 0.5).astype(np.uint8)


class _Grid(NamedTuple):
    """Where the pixels of the crop lie in the frame: the neighbours and the way between them (0 to 1)."""

    scaled: bool
    top: np.ndarray
    bottom: np.ndarray
    down: np.ndarray
    columns: slice
    left: np.ndarray
    right: np.ndarray
    across: np.ndarray


@lru_cache(maxsize=8)
def _crop_grid(height: int, width: int, shorter_side: int, shrink: bool, crop: int) -> _Grid:
    shorter = min(height, width)
    scale = shorter_side / shorter if shrink or shorter < shorter_side else 1.0
    top, bottom, down = _neighbours(height, scale, crop)
    left, right, across = _neighbours(width, scale, crop)
    columns = slice(int(left[0]), int(right[-1]) + 1)
    offset = columns.start
    return _Grid(scale != 1.0, top, bottom, down, columns, left - offset, right - offset, across)


def _neighbours(size: int, scale: float, crop: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """For each pixel of the crop along one side: the source pixels around it, and its way between them."""
    first = round((round(size * scale) - crop) / 2)
    position = np.clip((np.arange(first, first + crop) + 0.5) / scale - 0.5, 0, size - 1)
    before = np.floor(position).astype(np.intp)
    after = np.minimum(before + 1, size - 1)
    return before, after, (position - before).astype(np.float32)
