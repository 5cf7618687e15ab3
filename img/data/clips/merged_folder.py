"""Several extractors' features of a dataset as one stream: their values side by side, row by row."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from typing import TypeAlias

import numpy as np

from extractors.parameters import MergeRule, NormaliseRule
from extractors.rows import divide_by_norms, pool, shorten, side_by_side
from extractors.storage.manifest import Row
from extractors.storage.store import Store
from img.data.clips.alignment import fit
from img.data.clips.feature_folder import FeatureFolder
from img.data.clips.held import HeldFeatures

PartFeatures: TypeAlias = FeatureFolder | HeldFeatures
"""What one extractor says of videos."""

# Manifests round to milliseconds.
_ROUNDING = 1e-3


@dataclass(frozen=True)
class MergedFeatures:
    """What several extractors say of a dataset's videos; has what a `FeatureFolder` has.

    Attributes:
        parts: each extractor's features, in the order in which their values stand side by side.
        merge: `cut_to_shortest` keeps as many rows as the shortest part has; `bring_to_last` keeps the last
            part's rows and brings the others to their number by the rule that inputs are pooled by, once they
            end together (see `img.data.clips.alignment.fit`).
        normalise: `l2` divides each part's rows by their norms first.
    """

    parts: tuple[PartFeatures, ...]
    merge: MergeRule = "cut_to_shortest"
    normalise: NormaliseRule = "none"

    @cached_property
    def rows(self) -> Mapping[str, Row]:
        """What became of each video: where a part has no array there is none, for that part's reason."""
        listed = [video for video in self.parts[0].rows if all(video in part.rows for part in self.parts)]
        return {video: self._merge_rows(video) for video in listed}

    @property
    def has_spans(self) -> bool:
        """Whether rows are of texts, whose spans are not equal."""
        return any(part.has_spans for part in self.parts)

    @property
    def width(self) -> int:
        """Values in a row.

        Raises:
            ValueError: where no video of a part has features, or its widths differ.
        """
        return sum(part.width for part in self.parts)

    def load(self, video: str, store: Store, most: int | None = None) -> np.ndarray:
        """Loads a video's merged rows, float32 [n, D], see `FeatureFolder.load`.

        Under `bring_to_last` the parts are brought to `most` rows each, not first to the last one's many.

        Raises:
            ValueError: where an array cannot be healed, or rows that would stand side by side are known to be
                of different seconds.
        """
        arrays = [part.load(video, store) for part in self.parts]
        if self.normalise == "l2":
            arrays = [divide_by_norms(array) for array in arrays]
        if self.merge == "cut_to_shortest":
            self._check_seconds(video)
            merged = side_by_side(arrays)
            return merged if most is None else shorten(merged, most)
        last = self.parts[-1].rows[video]
        fitted = [
            fit(part.rows[video], last, partial(part.row_seconds, video)).apply(array)
            for part, array in zip(self.parts, arrays, strict=True)
        ]
        count = min(last.rows, most or last.rows)
        return side_by_side([pool(array, count) for array in fitted])

    def row_seconds(self, video: str) -> np.ndarray:
        """Reads when each merged row starts and ends [n, 2], in seconds; see `FeatureFolder.row_seconds`."""
        return self._kept_part(video).row_seconds(video)

    def _kept_part(self, video: str) -> PartFeatures:
        """Gives the part whose rows the merged ones are in number."""
        if self.merge == "bring_to_last":
            return self.parts[-1]
        return min(self.parts, key=lambda part: part.rows[video].rows)

    def _merge_rows(self, video: str) -> Row:
        found = [part.rows[video] for part in self.parts]
        absent = next((row for row in found if not row.is_ok), None)
        if absent is not None:
            return Row(video, absent.status)
        kept = self._kept_part(video).rows[video]
        return Row(video, "ok", kept.rows, sum(row.width for row in found), kept.seconds)

    def _check_seconds(self, video: str) -> None:
        """Refuses to put rows side by side that start more than one row apart."""
        found = [part.rows[video] for part in self.parts]
        if len(found) == 1 or any(row.seconds is None for row in found):
            return
        last = min(row.rows for row in found) - 1
        starts = [float(part.row_seconds(video)[last, 0]) for part in self.parts]
        hop = max((row.seconds or 0.0) / row.rows for row in found)
        if max(starts) - min(starts) > hop + _ROUNDING:
            told = " and ".join(
                f"{start:g} s of {part.name}" for start, part in zip(starts, self.parts, strict=True)
            )
            raise ValueError(
                f"{self.parts[0].source}: expected rows of the same seconds beside each other, found row "
                f"{last} of {video} at {told}; set merge: bring_to_last for this stream"
            )


StreamFeatures: TypeAlias = PartFeatures | MergedFeatures
"""What a stream is read from."""


def merge_features(
    parts: Sequence[PartFeatures], merge: MergeRule, normalise: NormaliseRule
) -> StreamFeatures:
    """Gives a stream's features: those of its one extractor as they are, or what they are made into."""
    if len(parts) == 1 and normalise == "none":
        return parts[0]
    return MergedFeatures(tuple(parts), merge, normalise)
