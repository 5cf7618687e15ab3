"""One extractor's features of a dataset, each array healed or refused where it is not what was made."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from extractors.registry import reads_texts
from extractors.rows import shorten
from extractors.storage.files import read_json, sha256_of
from extractors.storage.manifest import Row, read_manifest
from extractors.storage.results import ARRAY
from extractors.storage.store import Store

_IDENTITY = ("kind", "code_version", "parameters")
"""What a description says of the extractor."""

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class FeatureFolder:
    """One extractor's features of a dataset.

    Attributes:
        folder: holds `{video}.npy` and `shards/{shard}.tsv`.
        rows: what became of each video.
        scale: what the stored values are multiplied with.
        texts: the folder of the texts that the arrays were made of; None where they were made of videos.
    """

    folder: Path
    rows: Mapping[str, Row]
    scale: float
    texts: Path | None = None

    @property
    def name(self) -> str:
        """The extractor's name."""
        return self.folder.name

    @property
    def source(self) -> str:
        """What messages call the features."""
        return str(self.folder)

    @property
    def parts(self) -> tuple[FeatureFolder]:
        """Itself, as features merged of several folders have several."""
        return (self,)

    @cached_property
    def has_spans(self) -> bool:
        """Whether rows are of texts, whose spans are not equal."""
        path = self._find_description()
        return path is not None and reads_texts(read_json(path).get("kind", ""))

    @property
    def width(self) -> int:
        """Values in a row.

        Raises:
            ValueError: where no video has features, or widths differ.
        """
        widths = {row.width for row in self.rows.values() if row.is_ok}
        if len(widths) != 1:
            reasons = sorted({row.status for row in self.rows.values() if not row.is_ok})[:3]
            raise ValueError(
                f"{self.folder}: expected features of one width, "
                f"found {sorted(widths) or 'no features at all'}"
                + (f" ({'; '.join(reasons)})" if reasons else "")
            )
        return widths.pop()

    def load(self, video: str, store: Store, most: int | None = None) -> np.ndarray:
        """Loads a video's rows, float32 [n, D], healing the array from the store if it was lost or damaged.

        Args:
            video: its id.
            store: heals the array.
            most: pools a longer array to so many rows; None keeps all.

        Raises:
            ValueError: where it cannot be healed; the message holds the command that computes it again.
        """
        row = self.rows[video]
        path = self.folder / f"{video}.npy"
        if not _is_whole(path, row):
            self._heal(path, row, store)
        rows = np.load(path, allow_pickle=False).astype(np.float32) * np.float32(self.scale)
        return rows if most is None else shorten(rows, most)

    def row_seconds(self, video: str) -> np.ndarray:
        """Reads when each row of a video's array starts and ends [n, 2], in seconds.

        Raises:
            ValueError: where the description beside the array does not tell; the message holds the command
                that writes it again.
        """
        row = self.rows[video]
        path = self.folder / f"{video}.json"
        seconds = (read_json(path).get("row_seconds") if path.is_file() else None) or []
        if len(seconds) != row.rows:
            found = f"those of {len(seconds)}" if path.is_file() else "no file"
            raise ValueError(
                f"{path}: expected the seconds of {row.rows} rows, found {found}; {self._cure(row)}"
            )
        return np.array(seconds, np.float64)

    def extractor(self) -> dict[str, Any]:
        """Says what made the arrays: kind, code version, and parameters with the hashes of files.

        Raises:
            ValueError: where no array's description tells; the message names the folder or the file.
        """
        path, description = self._describe()
        absent = [key for key in _IDENTITY if key not in description]
        if absent:
            raise ValueError(
                f"{path}: expected the keys {', '.join(_IDENTITY)}, found no {', '.join(absent)}"
            )
        return {key: description[key] for key in _IDENTITY}

    def file_names(self) -> dict[str, str]:
        """Says what the files were called that the parameters name, such as the weights; none of some kinds.

        Raises:
            ValueError: there is no description; the message names the folder.
        """
        return dict(self._describe()[1].get("file_names", {}))

    def writer(self) -> FeatureFolder | None:
        """Gives the texts that the arrays were made of; None where they were made of videos."""
        return None if self.texts is None else FeatureFolder(self.texts, self.rows, 1.0)

    def _describe(self) -> tuple[Path, dict[str, Any]]:
        """Reads an array's description."""
        path = self._find_description()
        if path is None:
            raise ValueError(f"{self.folder}: expected a description beside each array, found none at all")
        return path, read_json(path)

    def _find_description(self) -> Path | None:
        paths = (self.folder / f"{row.video}.json" for row in self.rows.values() if row.is_ok)
        return next((path for path in paths if path.is_file()), None)

    def _heal(self, path: Path, row: Row, store: Store) -> None:
        description = path.with_suffix(".json")
        entry = store.find(read_json(description)["key"]) if description.is_file() else None
        if entry is not None and entry.description["files"][ARRAY] == row.feature_sha256:
            entry.link({ARRAY: path})
            log.warning(f"{path}: was lost or damaged, restored from the store")
            return
        raise ValueError(
            f"{path}: expected the array of SHA-256 {row.feature_sha256}, found "
            f"{'another' if path.is_file() else 'no file'}; {self._cure(row)}"
        )

    def _cure(self, row: Row) -> str:
        """Says by which command a video's array and its description are made again."""
        manifests = (self.folder / "shards").glob("*.tsv")
        shard = next(
            (shard for shard in manifests if any(r.video == row.video for r in read_manifest(shard))), "…"
        )
        return f"compute it again by: snakemake --cores 2 {shard} --forcerun {shard}"


def read_feature_folder(
    folder: Path, shards: Sequence[str], scale: float = 1.0, texts: Path | None = None
) -> FeatureFolder:
    """Reads the manifests of a feature folder's shards."""
    manifests = (folder / "shards" / f"{shard}.tsv" for shard in shards)
    rows = {row.video: row for path in manifests for row in read_manifest(path)}
    return FeatureFolder(folder, rows, scale, texts)


def _is_whole(path: Path, row: Row) -> bool:
    return path.is_file() and sha256_of(path) == row.feature_sha256
