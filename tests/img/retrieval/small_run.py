"""A run on real small videos, made as the workflow makes it, with networks of a few hundred weights."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from media import write_video
from toy_dataset import small_options

from extractors.extraction import Runtime
from extractors.media.container import length_of
from extractors.outcomes import Delivery
from extractors.registry import KINDS, parse
from extractors.shard import Source, extract_shard
from extractors.storage.store import Store
from img.config.dataset import Annotations, InputOptions, QueryOptions
from img.config.runs import InferenceOptions
from img.data.clips.assembly import assemble
from img.data.clips.feature_folder import read_feature_folder
from img.data.clips.inputs import Inputs
from img.data.clips.merged_folder import merge_features
from img.data.text.queries import prepare_queries, read_queries_table
from img.runs.evaluation import evaluate_run, open_splits
from img.runs.making import RunData, make_run
from img.runs.opening import open_run

TRAIN, TEST, SILENT = ("one", "two", "three"), ("four", "silent"), "silent"
SENTENCES = ("the red light", "a blue light goes out", "the light")
SEEN = {"kind": "i3d", "weights": "random", "frame_rate": 8, "shorter_side": 32, "crop": 32}
HEARD = {"kind": "pann", "weights": "random", "hop_seconds": 1.5}
EXTRACTORS = {"i3d": SEEN, "pann": HEARD, "fast": {**SEEN, "stride": 8, "seed": 3}}


@dataclass(frozen=True)
class SmallRun:
    """What the workflow leaves.

    Attributes:
        root: of everything.
        folder: the run's.
        videos: the file of each video.
        predictions: what `evaluate` wrote.
        store: of the arrays.
    """

    root: Path
    folder: Path
    videos: Mapping[str, Path]
    predictions: pd.DataFrame
    store: Path


@contextmanager
def tiny_networks() -> Iterator[None]:
    """Builds networks of a few hundred weights in the place of I3D and CNN14."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("i3d", "pann"):
            kind = replace(KINDS[name], network=f"tiny_networks.tiny_networks:build_{name}")
            patch.setitem(KINDS, name, kind)
        yield


def write_videos(folder: Path) -> dict[str, Path]:
    """Writes a few videos of 7 to 11 seconds, one of them silent."""
    folder.mkdir(parents=True)
    rng = np.random.default_rng(0)
    videos = {}
    for number, name in enumerate((*TRAIN, *TEST)):
        seconds = 7 + number
        loud = rng.random(seconds).repeat(16000) * rng.standard_normal(seconds * 16000)
        times = np.arange(0, seconds, 1 / 8)
        sound = None if name == SILENT else 0.2 * loud
        videos[name] = write_video(folder / f"{name}.mp4", times, size=(48, 64), sound=sound)
    return videos


def write_annotations(folder: Path, videos: Mapping[str, Path]) -> Annotations:
    """Writes two queries about each video."""
    lengths = {name: length_of(path) for name, path in videos.items()}
    durations = {name: {"duration": length} for name, length in lengths.items()}
    (folder / "durations.json").write_text(json.dumps(durations))
    for split, names in (("train", TRAIN), ("test", TEST)):
        lines = [
            f"{name} {start} {start + 3}##{SENTENCES[(number + start) % 3]}\n"
            for number, name in enumerate(names)
            for start in (0, 2)
        ]
        (folder / f"{split}.txt").write_text("".join(lines))
    splits = {split: folder / f"{split}.txt" for split in ("train", "test")}
    return Annotations(format="charades_sta", splits=splits, durations=folder / "durations.json")


def make_small_run(
    root: Path,
    streams: Mapping[str, Any] = {"visual": ("i3d",), "audio": ("pann",)},
    merge: str = "cut_to_shortest",
    inputs: Mapping[str, Any] = {},
    training: Mapping[str, Any] = {},
    extractors: Mapping[str, Mapping[str, Any]] = EXTRACTORS,
) -> SmallRun:
    """Extracts, assembles, trains and evaluates."""
    videos = write_videos(root / "videos")
    annotations = write_annotations(root, videos)
    prepare_queries(
        annotations,
        QueryOptions(embedding_width=8, min_character_count=1, max_words=4),
        ["train"],
        root / "q",
    )
    table = read_queries_table(root / "q")
    store = Store(root / "store")
    used = dict.fromkeys(name for names in streams.values() for name in names)
    with tiny_networks():
        for name in used:
            kind, parameters = parse(dict(extractors[name]))
            folder = root / "features" / name
            delivery = Delivery(folder, folder / "shards" / "000.tsv")
            sources = [Source(video, path) for video, path in videos.items()]
            extract_shard(kind, parameters, sources, store, delivery, Runtime())
    features = {
        stream: merge_features(
            [read_feature_folder(root / "features" / name, ["000"]) for name in names],
            merge if len(names) > 1 else "cut_to_shortest",
            "none",
        )
        for stream, names in streams.items()
    }
    options = InputOptions.model_validate({"max_clips": 8, **inputs})
    assemble(table, features, options, store, root / "inputs")
    data = RunData.open(root / "q", root / "inputs")
    settings = small_options({"epochs": 2, "learning_rate": 5e-3, **training})
    folder, _ = make_run(data, settings, 0, store, "cpu", False)
    predictions = evaluate(folder, root)
    return SmallRun(root, folder, videos, predictions, root / "store")


def evaluate(folder: Path, root: Path) -> pd.DataFrame:
    """Answers the test split as `evaluate` does."""
    run = open_run(folder)
    inference = InferenceOptions()
    questions = run.read_queries(root / "q")
    splits = open_splits(run, questions, Inputs.load(root / "inputs"), inference, {})
    evaluate_run(run, splits, "cpu", inference, root / "predictions.parquet")
    found = pd.read_parquet(root / "predictions.parquet")
    sentences = read_queries_table(root / "q").set_index("query")["sentence"]
    return found[found["protocol"] == "last"].assign(sentence=found["query"].map(sentences))
