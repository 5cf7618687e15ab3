"""A run on real small videos, made as the workflow makes it, with networks of a few hundred weights."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from media import write_video
from toy_dataset import small_options

from extractors.jobs.extraction import Runtime
from extractors.jobs.outcomes import Delivery
from extractors.jobs.shard import Source, extract_shard
from extractors.media.container import length_of
from extractors.parameters import MergeRule
from extractors.registry import KINDS, parse
from extractors.storage.store import Store
from img.config.dataset import Annotations, InputOptions, QueryOptions
from img.config.runs import InferenceOptions
from img.data.clips.assembly import assemble
from img.data.clips.feature_folder import FeatureFolder, read_feature_folder
from img.data.clips.inputs import Inputs
from img.data.clips.merged_folder import merge_features
from img.data.text.queries import prepare_queries, read_queries_table
from img.data.text.query_features import assemble_query_features
from img.runs.evaluation import evaluate_run, open_splits
from img.runs.making import RunData, make_run
from img.runs.opening import open_run

TRAIN, TEST, SILENT = ("one", "two", "three"), ("four", "silent"), "silent"
SENTENCES = ("the red light", "a blue light goes out", "the light")
SEEN = {"kind": "i3d", "weights": "random", "frame_rate": 8, "shorter_side": 32, "crop": 32}
HEARD = {"kind": "pann", "weights": "random", "hop_seconds": 1.5}
EXTRACTORS = {
    "i3d": SEEN,
    "pann": HEARD,
    "fast": {**SEEN, "stride": 8, "seed": 3},
    "twin": {**SEEN, "seed": 5},
}


@dataclass(frozen=True)
class Media:
    """Videos, their features and their annotations, from which several runs are made.

    Attributes:
        root: of everything; `features/{extractor}` among it.
        videos: the file of each video.
        annotations: two queries about each.
    """

    root: Path
    videos: Mapping[str, Path]
    annotations: Annotations

    @property
    def store(self) -> Path:
        return self.root / "store"


@dataclass(frozen=True)
class SmallRun:
    """What the workflow leaves.

    Attributes:
        media: what it was made of.
        folder: the run's.
        queries: folder of the queries.
        predictions: what `evaluate` wrote, and each query's sentence.
    """

    media: Media
    folder: Path
    queries: Path
    predictions: pd.DataFrame

    @property
    def videos(self) -> Mapping[str, Path]:
        return self.media.videos

    @property
    def store(self) -> Path:
        return self.media.store


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


def make_media(root: Path) -> Media:
    """Writes videos and annotations, and extracts the features of every extractor."""
    videos = write_videos(root / "videos")
    media = Media(root, videos, write_annotations(root, videos))
    with tiny_networks():
        for name, settings in EXTRACTORS.items():
            kind, parameters = parse(dict(settings))
            folder = root / "features" / name
            delivery = Delivery(folder, folder / "shards" / "000.tsv")
            sources = [Source(video, path) for video, path in videos.items()]
            extract_shard(kind, parameters, sources, Store(media.store), delivery, Runtime())
    return media


def open_features(media: Media, name: str, writer: str | None) -> FeatureFolder:
    """Opens an extractor's features, and says who wrote the texts that they were made of."""
    folder = media.root / "features"
    return read_feature_folder(folder / name, ["000"], texts=folder / writer if writer else None)


def make_small_run(
    media: Media,
    root: Path,
    streams: Mapping[str, Sequence[str]] = {"visual": ["i3d"], "audio": ["pann"]},
    merge: MergeRule = "cut_to_shortest",
    inputs: Mapping[str, Any] = {},
    training: Mapping[str, Any] = {},
    query_features: Path | None = None,
    texts: Mapping[str, str] = {},
) -> SmallRun:
    """Assembles, trains and evaluates.

    Args:
        media: what it is made of.
        root: folder to work in.
        streams: the extractors of each stream.
        merge: how several extractors of a stream become one.
        inputs: options of the inputs that differ.
        training: options of the training that differ.
        query_features: folder of features of the sentences, read in the place of words.
        texts: who writes the texts that an extractor reads.
    """
    store = Store(media.store)
    words = QueryOptions(embedding_width=8, min_character_count=1, max_words=4)
    prepare_queries(media.annotations, words, ["train"], root / "queries")
    table = read_queries_table(root / "queries")
    features = {
        stream: merge_features(
            [open_features(media, name, texts.get(name)) for name in names],
            merge if len(names) > 1 else "cut_to_shortest",
            "none",
        )
        for stream, names in streams.items()
    }
    options = InputOptions.model_validate({"max_clips": 8, **inputs})
    assemble(table, features, options, store, root / "inputs")
    text = root / "query_features" if query_features else None
    if query_features and text:
        assemble_query_features(table, query_features, 4, text)
    data = RunData.open(root / "queries", root / "inputs", text)
    settings = small_options({"epochs": 2, "learning_rate": 5e-3, **training})
    folder, _ = make_run(data, settings, 0, store, "cpu", False)
    run = open_run(folder)
    inference = InferenceOptions()
    questions = run.read_queries(root / "queries", text)
    splits = open_splits(run, questions, Inputs.load(root / "inputs"), inference, {})
    evaluate_run(run, splits, "cpu", inference, root / "predictions.parquet")
    found = pd.read_parquet(root / "predictions.parquet")
    sentences = table.set_index("query")["sentence"]
    predictions = found[found["protocol"] == "last"].assign(sentence=found["query"].map(sentences))
    return SmallRun(media, folder, root / "queries", predictions)
