"""The field's recipes of sampling, and which of them turns videos' lengths into the rows that are found."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

Ending = Literal["every", "cover", "half", "full", "floor"]

ENDINGS: dict[Ending, str] = {
    "every": "a window begins at every stride of the video",
    "cover": "windows until the video's end is covered",
    "half": "a last window counts where half of it is filled",
    "full": "only full windows",
    "floor": "as many windows as whole strides",
}

# A recipe explains lengths where it is off by less than a window, and by less than this part of the rows.
_LARGEST_RELATIVE_ERROR = 0.03

# Seconds times a rate that is a whole number of frames must not become one frame less.
_ROUNDING = 1e-6


@dataclass(frozen=True)
class Length:
    """How long a video is, and how many rows it has.

    Attributes:
        rows: of its feature array.
        seconds: its duration.
        frame_rate: its own, frames per second; None where it is not known.
    """

    rows: int
    seconds: float
    frame_rate: float | None = None


@dataclass(frozen=True)
class Recipe:
    """A way to sample a video.

    Attributes:
        name: in words.
        rate: units per second that windows are counted in (frames, or 1 for seconds); None for the video's
            own frame rate.
        window: units in a window.
        stride: units between the starts of two windows.
        rows_per_window: rows a window gives.
    """

    name: str
    rate: float | None
    window: float
    stride: float
    rows_per_window: int = 1

    @property
    def rows_per_second(self) -> float | None:
        """Rows a second of a long video; None at the native rate, which differs from video to video."""
        return None if self.rate is None else self.rate / self.stride * self.rows_per_window

    def rows(self, length: Length, ending: Ending) -> int | None:
        """Counts the rows of a video; one window at least.

        Args:
            length: the video's duration and frame rate.
            ending: what becomes of the last, incomplete window.

        Returns:
            None where the recipe needs a frame rate that is not known.
        """
        rate = self.rate or length.frame_rate
        if rate is None:
            return None
        units = length.seconds * rate if rate == 1 else round(length.seconds * rate)
        strides, further = units / self.stride, (units - self.window) / self.stride
        covering = max(math.ceil(further - _ROUNDING), 0) + 1
        filled = units - (covering - 1) * self.stride
        windows = {
            "every": math.ceil(strides - _ROUNDING),
            "cover": covering,
            "half": covering - (2 * filled < self.window - _ROUNDING),
            "full": math.floor(further + _ROUNDING) + 1,
            "floor": math.floor(strides + _ROUNDING),
        }[ending]
        return max(windows, 1) * self.rows_per_window


RECIPES = (
    Recipe("24 fps, windows of 24 every 24, two rows each (I3D, Charades)", 24, 24, 24, 2),
    Recipe("native rate, windows of 16 every 16 (I3D, ActivityNet)", None, 16, 16),
    Recipe("native rate, windows of 16 every 8 (C3D; I3D over the whole video)", None, 16, 8),
    Recipe("native rate, windows of 64 every 64 (I3D)", None, 64, 64),
    Recipe("24 fps, windows of 16 every 16", 24, 16, 16),
    Recipe("24 fps, windows of 16 every 8 (I3D over the whole video)", 24, 16, 8),
    Recipe("25 fps, windows of 16 every 16", 25, 16, 16),
    Recipe("25 fps, windows of 16 every 8 (I3D over the whole video)", 25, 16, 8),
    Recipe("25 fps, windows of 64 every 64 (I3D)", 25, 64, 64),
    Recipe("3.75 fps, windows of 8 every 8 (I3D of ResNet-50)", 3.75, 8, 8),
    Recipe("a row a second (PANN; CLIP, SlowFast)", 1, 1, 1),
    Recipe("a row every 0.96 s (VGGish)", 1, 0.975, 0.96),
    Recipe("a row every 2 s (CLIP, SlowFast)", 1, 2, 2),
)


@dataclass(frozen=True)
class Fit:
    """How well a recipe explains some videos' lengths.

    Attributes:
        recipe: the recipe.
        ending: what becomes of the last, incomplete window.
        videos: how many it could be held to.
        error: mean absolute difference between the rows it gives and those found.
        bias: mean of the rows found, less those it gives.
        exact: part of the videos, 0 to 1, whose rows it gives exactly.
        relative_error: `error` divided by the mean number of rows found.
    """

    recipe: Recipe
    ending: Ending
    videos: int
    error: float
    bias: float
    exact: float
    relative_error: float

    @property
    def explains(self) -> bool:
        """Whether the lengths are those of the recipe, but for rounding."""
        return self.error <= self.recipe.rows_per_window and self.relative_error <= _LARGEST_RELATIVE_ERROR

    @property
    def name(self) -> str:
        """The recipe in words, with its ending."""
        return f"{self.recipe.name}; {ENDINGS[self.ending]}"


def rank(lengths: Sequence[Length], recipes: Iterable[Recipe] = RECIPES) -> list[Fit]:
    """Holds every recipe to the lengths of some videos.

    Endings that give the same rows for every video are one fit, under the first of `ENDINGS`.

    Args:
        lengths: of the videos.
        recipes: the candidates.

    Returns:
        The best first, by mean absolute error in rows. Recipes that need a frame rate are held to the videos
        whose frame rate is known, and left out where that is none.
    """
    fits = []
    for recipe in recipes:
        seen = set()
        for ending in ENDINGS:
            pairs = [(recipe.rows(length, ending), length.rows) for length in lengths]
            known = [(given, found) for given, found in pairs if given is not None]
            given_rows = tuple(given for given, _ in known)
            if not known or given_rows in seen:
                continue
            seen.add(given_rows)
            fits.append(_fit(recipe, ending, known))
    return sorted(fits, key=lambda fit: (fit.error, -fit.exact))


def _fit(recipe: Recipe, ending: Ending, rows: Sequence[tuple[int, int]]) -> Fit:
    count = len(rows)
    error = sum(abs(found - given) for given, found in rows) / count
    return Fit(
        recipe,
        ending,
        count,
        error,
        bias=sum(found - given for given, found in rows) / count,
        exact=sum(found == given for given, found in rows) / count,
        relative_error=error * count / sum(found for _, found in rows),
    )
