"""Assembled inputs: every video's clips, pooled and aligned, in one memory-mapped file."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pandas as pd
from tqdm import tqdm

from extractors.storage.files import write_json
from extractors.storage.store import Store
from img.config.settings import InputOptions
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
    widths = {
        "visual": visual.width,
        "audio": audio.width if any(r.is_ok for r in audio.rows.values()) else 1,
    }
    videos = _lay_out(queries, visual, audio, options.max_clips)
    total = sum(video.clips for video in videos.values())
    shapes = {name: (total, width) for name, width in widths.items()}
    statistics: dict[str, Standardisation] = {}
    with mapped_safetensors(shapes, out / FEATURES) as data:
        for name, video in tqdm(videos.items(), unit="video", desc="assemble"):
            data["visual"][video.rows] = shorten(visual.load(name, store), options.max_clips)
            if video.has_audio:
                data["audio"][video.rows] = pool(audio.load(name, store), video.clips)
        if options.standardise:
            usable = queries[queries["fault"] == ""]
            training = set(usable.loc[usable["split"] == "train", "video"])
            sounding = {name: video for name, video in videos.items() if video.has_audio}
            for stream, present in (("visual", videos), ("audio", sounding)):
                found = _standardise(data[stream], present, training)
                if found is not None:
                    statistics[stream] = found
        content = hash_arrays(data)
    index = {
        "widths": widths,
        "options": options.model_dump(),
        "content_sha256": content,
        "videos": {name: asdict(video) for name, video in videos.items()},
        "standardisation": {stream: found.to_json() for stream, found in statistics.items()},
    }
    write_json(out / INDEX, index)


def _lay_out(
    queries: pd.DataFrame, visual: FeatureFolder, audio: FeatureFolder, max_clips: int
) -> dict[str, VideoInputs]:
    """Gives every video of the queries that has visual features its rows, one after the other."""
    videos: dict[str, VideoInputs] = {}
    first = 0
    for video in sorted(video for video in set(queries["video"]) if _has(visual, video)):
        clips = min(visual.rows[video].rows, max_clips)
        videos[video] = VideoInputs(first, clips, _has(audio, video))
        first += clips
    return videos


def _has(features: FeatureFolder, video: str) -> bool:
    return video in features.rows and features.rows[video].is_ok


def _standardise(
    data: np.ndarray, videos: Mapping[str, VideoInputs], training: Collection[str]
) -> Standardisation | None:
    """Standardises rows [ΣT, D] by those of the training videos, in place; not at all without any."""
    found = Standardisation.of(data[video.rows] for name, video in videos.items() if name in training)
    if found is not None:
        for video in videos.values():
            data[video.rows] = found.apply(data[video.rows])
    return found
