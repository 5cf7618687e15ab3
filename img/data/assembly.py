"""Assembled inputs: every video's clips, pooled and aligned, in one memory-mapped file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pandas as pd
from tqdm import tqdm

from extractors.storage.files import write_json
from extractors.storage.store import Store
from img.config.settings import InputOptions
from img.data.feature_folder import FeatureFolder
from img.data.inputs import VideoInputs
from img.data.mapped import hash_arrays, mapped_safetensors
from img.data.pooling import pool, shorten

_SMALLEST_DEVIATION = 1e-6


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
