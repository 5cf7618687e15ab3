"""The shipped Charades-STA and ActivityNet Captions: their settings, and all of their real annotations."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from shared_data import ACTIVITYNET, CHARADES, needs_annotations

from extractors.words import tokenise
from img.__main__ import main
from img.config.base import to_json
from img.config.dataset import Dataset, read_datasets
from img.config.variants import read_variants, resolve
from img.data.annotations.query import Query
from img.data.annotations.reading import read_queries
from img.data.text.queries import read_queries_table
from img.data.text.vocabulary import Vocabulary, read_vectors

CONFIG = Path(__file__).parents[2] / "config"
VECTOR = 300


@pytest.fixture
def in_project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder to run in, where the real annotations lie as if they had been fetched."""
    (tmp_path / "resources").mkdir()
    (tmp_path / "resources" / "charades").symlink_to(CHARADES.resolve())
    (tmp_path / "resources" / "activitynet").symlink_to(ACTIVITYNET.resolve())
    monkeypatch.chdir(tmp_path)
    return tmp_path


def shipped(name: str) -> Dataset:
    return read_datasets(CONFIG / "datasets")[name]


def by_split(name: str) -> dict[str, list[Query]]:
    queries = read_queries(shipped(name).annotations)
    return {split: [q for q in queries if q.split == split] for split in shipped(name).annotations.splits}


def test_charades_has_the_published_recipe() -> None:
    dataset = shipped("charades")
    sight = dataset.extractors[dataset.streams["visual"].extractors[0]]
    kind, visual = sight.kind, sight.parameters
    assert kind.name == "i3d"
    recipe = {"frame_rate": 24, "window": 24, "stride": 24, "shorter_side": 226, "shrink": False, "crop": 224}
    assert recipe.items() <= visual.model_dump().items()
    assert visual.weights == Path("resources/weights/rgb_charades.pt")
    assert dataset.extractors[dataset.streams["audio"].extractors[0]].kind.name == "pann"
    options = resolve(
        {"charades": dataset}, read_variants(CONFIG / "papers" / "img" / "variants.yaml"), "charades", "img"
    ).model
    assert (options.eps_min, options.gamma, options.max_clips) == (0.2, 3, 128)
    assert (dataset.selection_split, dataset.seeds, dataset.variants) == ("test", [0, 1, 2], ["img"])


def test_activitynet_has_the_published_recipe() -> None:
    dataset = shipped("activitynet")
    sight = dataset.extractors[dataset.streams["visual"].extractors[0]]
    kind, visual = sight.kind, sight.parameters
    assert kind.name == "i3d"
    recipe = {"frame_rate": None, "window": 16, "stride": 16, "shorter_side": 224, "shrink": True}
    assert recipe.items() <= visual.model_dump().items()
    assert visual.weights == Path("resources/weights/rgb_imagenet.pt")
    sound = dataset.extractors[dataset.streams["audio"].extractors[0]]
    kind, audio = sound.kind, sound.parameters
    assert (kind.name, audio.scale) == ("vggish", 1 / 255)
    assert audio.model_dump()["pca"] == Path("resources/weights/vggish_pca_params-970ea276.pth")
    variants = read_variants(CONFIG / "papers" / "img" / "variants.yaml")
    options = resolve({"activitynet": dataset}, variants, "activitynet", "img").model
    assert (options.eps_min, options.gamma) == (0.1, 2)
    assert (dataset.selection_split, dataset.seeds) == ("val_1", [0, 1, 2])


@pytest.mark.parametrize("name", ["charades", "activitynet"])
def test_everything_but_the_videos_a_user_brings_is_looked_for_where_it_is_fetched_to(name: str) -> None:
    dataset = shipped(name)
    files = [*dataset.annotations.files, dataset.videos, dataset.queries.embedding]
    for extractor in dataset.extractors.values():
        files += [value for _, value in extractor.parameters if isinstance(value, Path)]
    assert all(Path(file).is_relative_to("resources") for file in files)


@needs_annotations
def test_every_charades_query_and_video_is_there(in_project: Path) -> None:
    splits = by_split("charades")
    assert {split: len(found) for split, found in splits.items()} == {
        "train": 12_408,
        "test": 3_720,
        "audiomatter": 1_196,
    }
    videos = {split: {q.video for q in found} for split, found in splits.items()}
    assert (len(videos["train"]), len(videos["test"])) == (5_338, 1_334)
    assert not videos["train"] & videos["test"]
    assert not any(q.fault for found in splits.values() for q in found)
    whole = {(q.query, q.video, q.start, q.end, q.sentence) for q in splits["test"]}
    part = {(q.query, q.video, q.start, q.end, q.sentence) for q in splits["audiomatter"]}
    assert part < whole


@needs_annotations
def test_charades_moments_that_end_after_their_video_are_cut(in_project: Path) -> None:
    annotations, splits = shipped("charades").annotations, by_split("charades")
    cut = 0
    for split in ("train", "test"):
        lines = annotations.splits[split].read_text().splitlines()
        for query, line in zip(splits[split], lines, strict=True):
            annotated = float(line.partition("##")[0].split()[2])
            assert query.end == min(annotated, query.duration)
            cut += annotated > query.duration
    assert cut == 2_364


@pytest.mark.slow
@needs_annotations
def test_every_activitynet_query_and_video_is_there_and_every_fault_counted(in_project: Path) -> None:
    splits = by_split("activitynet")
    assert {split: (len(found), len({q.video for q in found})) for split, found in splits.items()} == {
        "train": (37_421, 10_009),
        "val_1": (17_505, 4_917),
        "val_2": (17_031, 4_885),
    }
    videos = {split: {q.video for q in found} for split, found in splits.items()}
    assert videos["val_2"] < videos["val_1"]
    assert len(videos["train"] | videos["val_1"]) == 14_926
    # Of the 16 odd training queries 4 end before they begin; 12 end after their video and are cut.
    assert [q.query for q in splits["train"] if q.fault] == [
        "v_N7ppHQNikv8_2",
        "v_4rKTw99bM8g_1",
        "v_0bosp4-pyTM_3",
        "v_rhOtqArO-3Y_5",
    ]
    assert not any(q.fault for split in ("val_1", "val_2") for q in splits[split])


def write_glove(path: Path, words: list[str]) -> None:
    """Writes a vector for every word; all of one word's values are its place."""
    with path.open("w", encoding="utf-8") as file:
        for place, word in enumerate(words):
            file.write(f"{word}{f' {place}' * VECTOR}\n")


@pytest.mark.slow
@needs_annotations
@pytest.mark.parametrize(("name", "rows"), [("charades", 17_324), ("activitynet", 71_957)])
def test_all_queries_are_prepared_with_the_vectors_a_glove_file_has(
    in_project: Path, name: str, rows: int
) -> None:
    dataset = shipped(name)
    sentences = {query.sentence for query in read_queries(dataset.annotations)}
    words = sorted({word for sentence in sentences for word in tokenise(sentence, 128)})
    # Every third word is none of GloVe's.
    listed = [word for place, word in enumerate(words) if place % 3]
    write_glove(in_project / "glove.txt", listed)
    options = dataset.queries.model_copy(update={"embedding": in_project / "glove.txt"})
    splits = ["--vocabulary-splits", *dataset.annotations.splits]
    command = ["prepare-queries", "--annotations", to_json(dataset.annotations)]
    assert main([*command, "--options", to_json(options), *splits, "--out", "queries"]) == 0

    table = read_queries_table(Path("queries"))
    assert len(table) == rows
    assert table["words"].map(len).between(1, 128).all()
    assert not pd.DataFrame(table[["split", "query"]]).duplicated().any()
    vocabulary = Vocabulary.load(Path("queries/vocabulary.json"))
    assert set(vocabulary.words) == set(listed)
    vectors = read_vectors(Path("queries/vectors.bin"))
    for number, word in enumerate(listed):
        np.testing.assert_array_equal(vectors[word], np.full(VECTOR, number, np.float32))
