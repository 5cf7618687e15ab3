"""Assembled inputs: every video's clips, pooled and aligned, in one memory-mapped file."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import asdict
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
from tqdm import tqdm

from extractors.storage.files import write_json
from extractors.storage.store import Store
from img.config.dataset import InputOptions
from img.data.alignment import Fit, fit
from img.data.feature_folder import FeatureFolder
from img.data.inputs import FEATURES, INDEX, VideoInputs
from img.data.mapped import hash_arrays, mapped_safetensors
from img.data.pooling import pool, shorten
from img.data.standardisation import Standardisation


def assemble(
    queries: pd.DataFrame,
    visual: FeatureFolder,
    audio: FeatureFolder,
    options: InputOptions,
    store: Store,
    out: Path,
) -> None:
    """Pools every video's clips, lays its sound along them, writes `features.safetensors` and `index.json`.

    Args:
        queries: the queries table; its videos are taken.
        visual: visual features; a video without them is left out.
        audio: audio features; a video without them, and clips after their end, get zeros.
        options: pooling and standardisation.
        store: heals lost arrays.
        out: the folder to write into.

    Raises:
        ValueError: where features are missing altogether or cannot be healed, or nothing tells rows' seconds.
    """
    widths = {
        "visual": visual.width,
        "audio": audio.width if any(r.is_ok for r in audio.rows.values()) else 1,
    }
    fits = {
        video: fit(row, visual.rows[video], partial(audio.row_seconds, video))
        for video, row in audio.rows.items()
        if row.is_ok and _has(visual, video)
    }
    videos = _lay_out(queries, visual, fits, options.max_clips)
    total = sum(video.clips for video in videos.values())
    shapes = {name: (total, width) for name, width in widths.items()}
    statistics: dict[str, Standardisation] = {}
    with mapped_safetensors(shapes, out / FEATURES) as data:
        for name, video in tqdm(videos.items(), unit="video", desc="assemble"):
            data["visual"][video.rows] = shorten(visual.load(name, store), options.max_clips)
            if video.has_audio:
                data["audio"][video.rows] = pool(fits[name].apply(audio.load(name, store)), video.clips)
        if options.standardise:
            usable = queries[queries["fault"] == ""]
            training = set(usable.loc[usable["split"] == "train", "video"])
            seen = {name: video.rows for name, video in videos.items()}
            heard = {name: video.heard_rows for name, video in videos.items() if video.has_audio}
            for stream, rows in (("visual", seen), ("audio", heard)):
                found = _standardise(data[stream], rows, training)
                if found is not None:
                    statistics[stream] = found
        content = hash_arrays(data)
    index = {
        "widths": widths,
        "options": options.model_dump(),
        "content_sha256": content,
        "audio_aligned_by": Counter(sorted(fits[name].rule for name in videos if name in fits)),
        "videos": {name: asdict(video) for name, video in videos.items()},
        "standardisation": {stream: found.to_json() for stream, found in statistics.items()},
    }
    write_json(out / INDEX, index)


def _lay_out(
    queries: pd.DataFrame, visual: FeatureFolder, fits: Mapping[str, Fit], max_clips: int
) -> dict[str, VideoInputs]:
    """Gives every video of the queries that has visual features its rows, one after the other."""
    videos: dict[str, VideoInputs] = {}
    first = 0
    for video in sorted(video for video in set(queries["video"]) if _has(visual, video)):
        seen = visual.rows[video]
        clips = min(seen.rows, max_clips)
        heard = fits[video].count_clips(clips) if video in fits else 0
        videos[video] = VideoInputs(first, clips, heard, seen.seconds)
        first += clips
    return videos


def _has(features: FeatureFolder, video: str) -> bool:
    return video in features.rows and features.rows[video].is_ok


def _standardise(
    data: np.ndarray, videos: Mapping[str, slice], training: Collection[str]
) -> Standardisation | None:
    """Standardises videos' rows of [ΣT, D] by those of the training videos, in place; not without any."""
    found = Standardisation.of(data[rows] for video, rows in videos.items() if video in training)
    if found is not None:
        for rows in videos.values():
            data[rows] = found.apply(data[rows])
    return found
