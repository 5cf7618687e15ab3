"""Several extractors' features of a dataset as one stream: their values side by side, row by row."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from typing import TypeAlias

import numpy as np

from extractors.storage.manifest import Row
from extractors.storage.store import Store
from img.config.streams import MergeRule
from img.data.alignment import fit
from img.data.feature_folder import FeatureFolder
from img.data.pooling import pool

# Rows of zeros stay zeros, and others lose a hundred-thousandth of their length at most (QD-DETR's rule).
_SMALLEST_LENGTH = 1e-5
# Manifests round to milliseconds.
_ROUNDING = 1e-3


@dataclass(frozen=True)
class MergedFeatures:
    """What several extractors say of a dataset's videos; has what a `FeatureFolder` has.

    Attributes:
        parts: each extractor's features, in the order in which their values stand side by side.
        rule: `cut` keeps as many rows as the shortest part has; `normalise_and_cut` first divides each part's
            rows by their Euclidean length; `pool_to_last` keeps the last part's rows and brings the others to
            their number, by seconds where these are known and by the pooling rule (`img.data.pooling`).
    """

    parts: tuple[FeatureFolder, ...]
    rule: MergeRule

    @cached_property
    def rows(self) -> Mapping[str, Row]:
        """What became of each video: where a part has no array there is none, for that part's reason."""
        listed = [video for video in self.parts[0].rows if all(video in part.rows for part in self.parts)]
        return {video: self._merge_rows(video) for video in listed}

    @property
    def width(self) -> int:
        """Values in a row.

        Raises:
            ValueError: where no video of a part has features, or its widths differ.
        """
        return sum(part.width for part in self.parts)

    def load(self, video: str, store: Store) -> np.ndarray:
        """Loads a video's merged rows, float32 [n, D]; see `FeatureFolder.load`.

        Raises:
            ValueError: where an array cannot be healed, or rows that would stand side by side are known to be
                of different seconds.
        """
        arrays = [part.load(video, store) for part in self.parts]
        if self.rule == "pool_to_last":
            last = self.parts[-1]
            arrays[:-1] = [
                _bring_to(last.rows[video], part, video, array)
                for part, array in zip(self.parts[:-1], arrays[:-1], strict=True)
            ]
        else:
            self._check_seconds(video)
        if self.rule == "normalise_and_cut":
            arrays = [normalise(array) for array in arrays]
        return side_by_side(arrays)

    def row_seconds(self, video: str) -> np.ndarray:
        """Reads when each merged row starts and ends [n, 2], in seconds; see `FeatureFolder.row_seconds`."""
        return self._lengths_part(video).row_seconds(video)

    def _lengths_part(self, video: str) -> FeatureFolder:
        """Gives the part that has as many rows as the merged stream."""
        if self.rule == "pool_to_last":
            return self.parts[-1]
        return min(self.parts, key=lambda part: part.rows[video].rows)

    def _merge_rows(self, video: str) -> Row:
        found = [part.rows[video] for part in self.parts]
        absent = next((row for row in found if not row.is_ok), None)
        if absent is not None:
            return Row(video, absent.status)
        kept = self._lengths_part(video).rows[video]
        return Row(video, "ok", kept.rows, sum(row.width for row in found), kept.seconds)

    def _check_seconds(self, video: str) -> None:
        """Refuses rows side by side that start more than one row apart."""
        found = [part.rows[video] for part in self.parts]
        if any(row.seconds is None for row in found):
            return
        last = min(row.rows for row in found) - 1
        starts = [float(part.row_seconds(video)[last, 0]) for part in self.parts]
        hop = max((row.seconds or 0.0) / row.rows for row in found)
        if max(starts) - min(starts) > hop + _ROUNDING:
            told = ", ".join(
                f"{start:g} s of {part.folder.name}" for start, part in zip(starts, self.parts, strict=True)
            )
            raise ValueError(
                f"{self.parts[0].folder}: expected rows of the same seconds to put side by side, found row "
                f"{last} of {video} at {told}; set inputs.merge of this stream to pool_to_last"
            )


StreamFeatures: TypeAlias = FeatureFolder | MergedFeatures
"""What a stream is read from."""


def merge_features(parts: Sequence[FeatureFolder], rule: MergeRule) -> StreamFeatures:
    """Gives the features of a stream: those of its one extractor, or of several merged."""
    return parts[0] if len(parts) == 1 else MergedFeatures(tuple(parts), rule)


def normalise(rows: np.ndarray) -> np.ndarray:
    """Divides each row [n, D] by its Euclidean length."""
    lengths: np.ndarray = np.linalg.norm(rows, axis=1, keepdims=True)
    return rows / (lengths + np.float32(_SMALLEST_LENGTH))


def side_by_side(arrays: Sequence[np.ndarray]) -> np.ndarray:
    """Puts rows [n, D] of several arrays side by side, cut to the shortest."""
    rows = min(len(array) for array in arrays)
    return np.concatenate([array[:rows] for array in arrays], axis=1)


def _bring_to(last: Row, part: FeatureFolder, video: str, array: np.ndarray) -> np.ndarray:
    """Brings a part's rows to the number of another's."""
    fitted = fit(part.rows[video], last, partial(part.row_seconds, video)).apply(array)
    return pool(fitted, last.rows)
