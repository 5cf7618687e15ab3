"""Assembled inputs: every video's clips, pooled and aligned, in one memory-mapped file."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from tqdm import tqdm

from extractors.outcomes import ARRAY
from extractors.storage.files import read_json, sha256_of, write_json
from extractors.storage.manifest import Row, read_manifest
from extractors.storage.store import Store
from img.config.settings import InputOptions
from img.data.alignment import pool, shorten
from img.data.mapped import hash_arrays, mapped_safetensors

log = logging.getLogger(__name__)

_SMALLEST_DEVIATION = 1e-6


@dataclass(frozen=True)
class FeatureFolder:
    """One extractor's features of a dataset.

    Attributes:
        folder: holds `{video}.npy` and `shards/{shard}.tsv`.
        rows: what became of each video.
        scale: what the stored values are multiplied with.
    """

    folder: Path
    rows: Mapping[str, Row]
    scale: float

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

    def load(self, video: str, store: Store) -> np.ndarray:
        """Loads a video's rows, float32 [n, D], healing the array from the store if it was lost or damaged.

        Raises:
            ValueError: where it cannot be healed; the message holds the command that computes it again.
        """
        row = self.rows[video]
        path = self.folder / f"{video}.npy"
        if not _is_whole(path, row):
            self._heal(path, row, store)
        return np.load(path, allow_pickle=False).astype(np.float32) * np.float32(self.scale)

    def _heal(self, path: Path, row: Row, store: Store) -> None:
        description = path.with_suffix(".json")
        entry = store.find(read_json(description)["key"]) if description.is_file() else None
        if entry is not None and entry.description["files"][ARRAY] == row.feature_sha256:
            entry.link({ARRAY: path})
            log.warning(f"{path}: was lost or damaged, restored from the store")
            return
        manifests = (self.folder / "shards").glob("*.tsv")
        shard = next(
            (shard for shard in manifests if any(r.video == row.video for r in read_manifest(shard))), "…"
        )
        raise ValueError(
            f"{path}: expected the array of SHA-256 {row.feature_sha256}, found "
            f"{'another' if path.is_file() else 'no file'}; compute it again by: "
            f"snakemake --cores 2 {shard} --forcerun {shard}"
        )


def read_feature_folder(folder: Path, shards: Sequence[str], scale: float = 1.0) -> FeatureFolder:
    """Reads the manifests of a feature folder's shards."""
    manifests = (folder / "shards" / f"{shard}.tsv" for shard in shards)
    return FeatureFolder(folder, {row.video: row for path in manifests for row in read_manifest(path)}, scale)


def _is_whole(path: Path, row: Row) -> bool:
    return path.is_file() and sha256_of(path) == row.feature_sha256


@dataclass(frozen=True)
class VideoInputs:
    """Where a video's clips lie in the file.

    Attributes:
        first: row of its first clip.
        clips: T.
        has_audio: whether its audio rows are sound; they are zeros where not.
    """

    first: int
    clips: int
    has_audio: bool


def assemble(
    queries: pd.DataFrame,
    visual: FeatureFolder,
    audio: FeatureFolder,
    options: InputOptions,
    store: Store,
    out: Path,
) -> None:
    """Pools every video's clips, aligns its sound and writes `features.safetensors` and `index.json`.

    Args:
        queries: the queries table; its videos are taken.
        visual: visual features; a video without them is left out.
        audio: audio features; a video without them gets zeros.
        options: pooling and standardisation.
        store: heals lost arrays.
        out: the folder to write into.

    Raises:
        ValueError: where features are missing altogether or cannot be healed.
    """
    videos = sorted(video for video in set(queries["video"]) if _has(visual, video))
    widths = {
        "visual": visual.width,
        "audio": audio.width if any(r.is_ok for r in audio.rows.values()) else 1,
    }
    places: dict[str, VideoInputs] = {}
    first = 0
    for video in videos:
        clips = min(visual.rows[video].rows, options.max_clips)
        places[video] = VideoInputs(first, clips, _has(audio, video))
        first += clips

    with mapped_safetensors(
        {name: (first, width) for name, width in widths.items()}, out / "features.safetensors"
    ) as data:
        for video, place in tqdm(places.items(), unit="video", desc="assemble"):
            rows = slice(place.first, place.first + place.clips)
            data["visual"][rows] = shorten(visual.load(video, store), options.max_clips)
            if place.has_audio:
                data["audio"][rows] = pool(audio.load(video, store), place.clips)
        if options.standardise:
            usable = queries[queries["fault"] == ""]
            training = set(usable.loc[usable["split"] == "train", "video"])
            _standardise(data["visual"], list(places.values()), [v in training for v in places])
            sound = {video: place for video, place in places.items() if place.has_audio}
            _standardise(data["audio"], list(sound.values()), [v in training for v in sound])
        content = hash_arrays(data)
    index = {
        "widths": widths,
        "options": options.model_dump(),
        "content_sha256": content,
        "videos": {video: asdict(place) for video, place in places.items()},
    }
    write_json(out / "index.json", index)


def _has(features: FeatureFolder, video: str) -> bool:
    return video in features.rows and features.rows[video].is_ok


def _standardise(data: np.ndarray, places: Sequence[VideoInputs], is_training: Sequence[bool]) -> None:
    """Brings rows [ΣT, D] to the training videos' mean 0 and standard deviation 1, in place."""
    count, total, squares = 0, np.zeros(data.shape[1]), np.zeros(data.shape[1])
    for place, training in zip(places, is_training, strict=True):
        if training:
            rows = data[place.first : place.first + place.clips].astype(np.float64)
            count += len(rows)
            total += rows.sum(axis=0)
            squares += np.square(rows).sum(axis=0)
    if count == 0:
        return
    mean = total / count
    deviation = np.sqrt(np.maximum(squares / count - np.square(mean), 0))
    # A value that never changes carries nothing: it becomes 0, whatever rounding left of its deviation.
    scale = np.where(deviation > _SMALLEST_DEVIATION, 1 / np.maximum(deviation, _SMALLEST_DEVIATION), 0.0)
    for place in places:
        clips = slice(place.first, place.first + place.clips)
        data[clips] = (data[clips] - mean) * scale
