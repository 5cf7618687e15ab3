"""Assembled inputs: every video's clips, pooled and aligned, in one memory-mapped file."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import asdict, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import pandas as pd
from tqdm import tqdm

from extractors.storage.files import sha256_of_json, write_json
from extractors.storage.store import Store
from img.config.dataset import TRAIN, InputOptions
from img.config.streams import AlignRule
from img.data.clips.inputs import FEATURES, INDEX, VideoInputs
from img.data.clips.layout import Layout, has, lay_out
from img.data.clips.mapped import hash_arrays, mapped_safetensors
from img.data.clips.merged_folder import MergedFeatures, PartFeatures, StreamFeatures
from img.data.clips.standardisation import Standardisation


def assemble(
    queries: pd.DataFrame,
    streams: Mapping[str, StreamFeatures],
    options: InputOptions,
    store: Store,
    out: Path,
    align: Mapping[str, AlignRule] = MappingProxyType({}),
) -> None:
    """Pools videos' clips, lays further streams along them, writes `features.safetensors` and `index.json`.

    Args:
        queries: the queries table; its videos are taken.
        streams: each stream's features, by its name. The first one's rows are the clips, and a video without
            them is left out; a video without those of another, and clips after their end, get zeros.
        options: pooling and standardisation.
        store: heals lost arrays.
        out: the folder to write into.
        align: how a stream is laid along the first one, of those that are not laid by seconds.

    Raises:
        ValueError: where features are missing altogether or cannot be healed, or nothing tells rows' seconds.
    """
    first, *further = streams
    widths = {first: streams[first].width, **{name: _width_of(streams[name]) for name in further}}
    rules: dict[str, AlignRule] = {name: align.get(name, "seconds") for name in further}
    layouts = {
        video: lay_out(video, streams, rules, options.max_clips)
        for video in sorted(set(queries["video"]))
        if has(streams[first], video)
    }
    videos = _place(layouts, further)
    total = sum(video.clips for video in videos.values())
    shapes = {name: (total, width) for name, width in widths.items()}
    with mapped_safetensors(shapes, out / FEATURES) as data:
        for video, laid in tqdm(videos.items(), unit="video", desc="assemble"):
            for name, clips in layouts[video].load(streams, store).items():
                data[name][laid.rows] = clips
        statistics = _standardise(data, videos, queries) if options.standardise else {}
        content = hash_arrays(data)
        videos = {video: replace(laid, sha256=_hash_video(data, laid)) for video, laid in videos.items()}
    index = {
        "content_sha256": content,
        "aligned_by": {
            name: Counter(
                sorted(layout.fits[name].rule for layout in layouts.values() if name in layout.fits)
            )
            for name in further
        },
        "reads": {
            "streams": {name: _describe(features) for name, features in streams.items()},
            "merges": {
                name: {"merge": features.merge, "normalise": features.normalise}
                for name, features in streams.items()
                if isinstance(features, MergedFeatures)
            },
            "align": rules,
            "options": options.model_dump(mode="json"),
            "standardisation": {name: found.to_json() for name, found in statistics.items()},
        },
        "videos": {video: asdict(laid) for video, laid in videos.items()},
    }
    write_json(out / INDEX, index)


def _has_any(features: StreamFeatures) -> bool:
    return any(row.is_ok for row in features.rows.values())


def _width_of(features: StreamFeatures) -> int:
    """Gives the width of a further stream: one column of zeros where no video has it."""
    return features.width if _has_any(features) else 1


def _place(layouts: Mapping[str, Layout], further: Collection[str]) -> dict[str, VideoInputs]:
    """Gives every video its rows, one after the other."""
    videos: dict[str, VideoInputs] = {}
    first = 0
    for video, layout in layouts.items():
        reach = {name: layout.reach(name) for name in further}
        videos[video] = VideoInputs(first, layout.clips, reach, layout.seconds)
        first += layout.clips
    return videos


def _standardise(
    data: Mapping[str, np.ndarray], videos: Mapping[str, VideoInputs], queries: pd.DataFrame
) -> dict[str, Standardisation]:
    """Standardises every stream that training videos have, in place; gives the statistics of each."""
    usable = queries[queries["fault"] == ""]
    training = set(usable.loc[usable["split"] == TRAIN, "video"])
    statistics: dict[str, Standardisation] = {}
    for name, values in data.items():
        reached = {video: laid.reached_rows(name) for video, laid in videos.items()}
        found = _standardise_stream(values, reached, training)
        if found is not None:
            statistics[name] = found
    return statistics


def _standardise_stream(
    data: np.ndarray, videos: Mapping[str, slice], training: Collection[str]
) -> Standardisation | None:
    """Standardises videos' rows of [ΣT, D] by those of the training videos, in place; not without any."""
    found = Standardisation.of(data[rows] for video, rows in videos.items() if video in training)
    if found is not None:
        for rows in videos.values():
            data[rows] = found.apply(data[rows])
    return found


def _hash_video(data: Mapping[str, np.ndarray], video: VideoInputs) -> str:
    """Hashes a video's clips in all streams, how far these reach and what they cover; not where they lie."""
    clips = {
        name: hashlib.sha256(np.ascontiguousarray(values[video.rows]).data).hexdigest()
        for name, values in data.items()
    }
    return sha256_of_json(
        {"clips": clips, "count": video.clips, "reach": dict(video.reach), "seconds": video.seconds}
    )


def _describe(features: StreamFeatures) -> list[dict[str, Any]]:
    """Says what made a stream's features, part by part; nothing of one that no video has."""
    if not _has_any(features):
        return []
    return [
        {**_describe_maker(part), "width": part.width, "scale": part.scale, **_describe_writer(part)}
        for part in features.parts
    ]


def _describe_maker(part: PartFeatures) -> dict[str, Any]:
    return {"name": part.name, "extractor": part.extractor(), "file_names": part.file_names()}


def _describe_writer(part: PartFeatures) -> dict[str, Any]:
    """Says what wrote the texts that features were made of; nothing of features of videos."""
    writer = part.writer()
    return {} if writer is None else {"texts": _describe_maker(writer)}
