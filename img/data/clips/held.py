"""One extractor's features of one video, held in memory: what is asked about without a dataset around it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from extractors.registry import reads_texts
from extractors.rows import shorten
from extractors.storage.manifest import Row
from extractors.storage.store import Store

NOTHING_THERE = "missing"
"""Status of a part of a video that has no rows."""


@dataclass(frozen=True)
class HeldFeatures:
    """One extractor's features of one video; has what a `FeatureFolder` has.

    Attributes:
        name: the extractor's.
        video: the video's id.
        array: rows [n, D] float32 as the extractor gave them; None where it has none of this video.
        seconds: start and end of each row [n, 2], in seconds; None where nobody knows.
        scale: what the values are multiplied with.
        made: what made the array: kind, code version, parameters.
        status: why there is no array, as a manifest says it.
        covered: seconds of the video that it tells of; None where its last row's end says so.
    """

    name: str
    video: str
    array: np.ndarray | None
    seconds: np.ndarray | None
    scale: float
    made: Mapping[str, Any]
    status: str = "ok"
    covered: float | None = None

    @property
    def source(self) -> str:
        """What messages call the features."""
        return f"{self.video}, {self.name}"

    @property
    def parts(self) -> tuple[HeldFeatures]:
        """Itself, as features merged of several extractors have several."""
        return (self,)

    @property
    def rows(self) -> Mapping[str, Row]:
        """What became of the one video."""
        if self.array is None:
            return {self.video: Row(self.video, self.status)}
        count, width = self.array.shape
        # To milliseconds, as in a manifest.
        last = self.covered if self.seconds is None else self.covered or float(self.seconds[-1, 1])
        covered = None if last is None else round(last, 3)
        return {self.video: Row(self.video, "ok", count, width, covered)}

    @property
    def has_spans(self) -> bool:
        """Whether rows are of texts, whose spans are not equal."""
        return reads_texts(self.made["kind"])

    @property
    def width(self) -> int:
        """Values in a row; 0 where there is no array."""
        return 0 if self.array is None else self.array.shape[1]

    def load(self, video: str, store: Store | None = None, most: int | None = None) -> np.ndarray:
        """Gives the rows, float32 [n, D], scaled; see `FeatureFolder.load`.

        Raises:
            ValueError: there is no array.
        """
        if self.array is None:
            raise ValueError(f"{self.source}: expected rows of features, found none ({self.status})")
        rows = self.array.astype(np.float32) * np.float32(self.scale)
        return rows if most is None else shorten(rows, most)

    def row_seconds(self, video: str) -> np.ndarray:
        """Gives when each row starts and ends [n, 2], in seconds.

        Raises:
            ValueError: nobody knows.
        """
        if self.seconds is None:
            raise ValueError(f"{self.source}: expected the seconds of its rows, found none")
        return self.seconds

    def extractor(self) -> dict[str, Any]:
        """Says what made the array: kind, code version, parameters."""
        return dict(self.made)

    def file_names(self) -> dict[str, str]:
        """Says what the files of the parameters were called: nobody asks of features of one video."""
        return {}

    def writer(self) -> None:
        """Gives the texts that the array was made of: nobody asks of features of one video."""

    def between(self, start: float, end: float, name: str) -> HeldFeatures:
        """Gives the features of a part of the video, whose seconds count from the part's start.

        Args:
            start: in seconds.
            end: in seconds; rows are kept whose middle lies from `start` to before `end`, and of texts those
                that overlap the part, cut to it.
            name: the part's id.

        Raises:
            ValueError: nobody knows the seconds of the rows.
        """
        absent = replace(self, video=name, array=None, seconds=None, status=NOTHING_THERE)
        if self.array is None:
            return replace(absent, status=self.status)
        seconds = self.row_seconds(self.video)
        if self.has_spans:
            return self._overlapping(start, end, absent)
        middle = seconds.mean(axis=1)
        inside = (middle >= start) & (middle < end)
        if not inside.any():
            return absent
        return replace(self, video=name, array=self.array[inside], seconds=seconds[inside] - start)

    def _overlapping(self, start: float, end: float, absent: HeldFeatures) -> HeldFeatures:
        """Gives the rows of texts that overlap a part of the video, their seconds cut to it."""
        cut = np.clip(self.row_seconds(self.video), start, end) - start
        lengths = np.diff(self.row_seconds(self.video), axis=1)[:, 0]
        starts = self.row_seconds(self.video)[:, 0]
        is_moment = (lengths == 0) & (starts >= start) & (starts < end)
        inside = (np.diff(cut, axis=1)[:, 0] > 0) | is_moment
        if self.array is None or not inside.any():
            return absent
        covered = None if self.covered is None else min(max(self.covered - start, 0.0), end - start)
        return replace(
            self, video=absent.video, array=self.array[inside], seconds=cut[inside], covered=covered
        )
