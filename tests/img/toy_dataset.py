"""A tiny dataset that a small model learns in seconds: each video holds a `red` and a `blue` moment."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from feature_folders import write_features

from extractors.storage.store import Store
from img.config.dataset import Annotations, InputOptions, QueryOptions
from img.config.runs import RunOptions
from img.data.clips.assembly import assemble
from img.data.clips.inputs import Inputs
from img.data.samples import Moments
from img.data.text.queries import prepare_queries, read_queries_table
from img.data.text.vocabulary import Vocabulary
from img.runs.evaluation import Splits
from img.runs.making import RunData

CLIPS, SECONDS = 8, 16.0
SILENT = ("train3", "test1")
"""Videos without sound."""


@dataclass(frozen=True)
class Toy:
    """Folders as the workflow makes them."""

    queries: Path
    inputs: Path
    store: Store

    @property
    def vocabulary(self) -> Vocabulary:
        return Vocabulary.load(self.queries / "vocabulary.json")

    def data(self) -> RunData:
        return RunData.open(self.queries, self.inputs)

    def splits(self, *names: str, **missed: int) -> Splits:
        samples = {"moment": {split: self.moments(split) for split in names}}
        return Splits(samples, missed, np.zeros((0, 8), np.float32))

    def moments(self, split: str, sound: bool = True) -> Moments:
        table = read_queries_table(self.queries)
        return Moments(table, split, Inputs.load(self.inputs), self.vocabulary, sound)


def make_toy(root: Path, further: str = "", second: str = "audio") -> Toy:
    """Writes 12 training and 4 test videos with two queries each; two of them lack the second stream.

    That one is called `audio`, or as it is said. With a further sentence there is a further split, of a query
    with it about a video of its own.
    """
    rng = np.random.default_rng(0)
    lines: dict[str, list[str]] = {"train": [], "test": []}
    visual: dict[str, np.ndarray | str] = {}
    audio: dict[str, np.ndarray | str] = {}
    for video in [f"train{number}" for number in range(12)] + [f"test{number}" for number in range(4)]:
        seen = 0.1 * rng.standard_normal((CLIPS, 4)).astype(np.float32)
        places = rng.permutation(CLIPS // 2)[:2] * 2
        for channel, (colour, first) in enumerate(zip(("red", "blue"), places, strict=True)):
            seen[first : first + 2, channel] += 2
            start, end = (place * SECONDS / CLIPS for place in (first, first + 2))
            lines[video.rstrip("0123456789")].append(f"{video} {start} {end}##the {colour} light\n")
        visual[video] = seen
        audio[video] = "no_audio" if video in SILENT else seen[:, :3] + 1
    if further:
        lines["further"] = [f"further0 0 4##{further}\n"]
        visual["further0"], audio["further0"] = visual["test0"], audio["test0"]
    for split, text in lines.items():
        root.mkdir(parents=True, exist_ok=True)
        (root / f"{split}.txt").write_text("".join(text))
    (root / "durations.json").write_text(
        "{" + ", ".join(f'"{video}": {{"duration": {SECONDS}}}' for video in visual) + "}"
    )
    annotations = Annotations(
        format="charades_sta",
        splits={split: root / f"{split}.txt" for split in lines},
        durations=root / "durations.json",
    )
    prepare_queries(
        annotations,
        QueryOptions(embedding_width=8, min_character_count=1),
        ["train", "test"],
        root / "queries",
    )
    store = Store(root / "store")
    table = read_queries_table(root / "queries")
    assemble(
        table,
        {
            "visual": write_features(root / "visual", store, visual),
            second: write_features(root / second, store, audio),
        },
        InputOptions(max_clips=CLIPS),
        store,
        root / "inputs",
    )
    return Toy(root / "queries", root / "inputs", store)


def small_options(training: dict[str, Any] | None = None, **model: Any) -> RunOptions:
    """Options of a model that trains an epoch of the toy in a moment."""
    size = {"width": 16, "heads": 2, "max_clips": CLIPS, "max_words": 8}
    steps = {"epochs": 3, "batch_size": 8, **(training or {})}
    return RunOptions.model_validate(
        {"model": {**size, **model}, "training": steps, "selection_split": "test"}
    )
