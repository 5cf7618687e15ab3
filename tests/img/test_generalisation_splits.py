"""The shipped CD and CG splits: their settings, and all of their real annotations."""

import json
from pathlib import Path
from typing import Any

import pytest
from shared_data import ACTIVITYNET, GENERALISATION, SHARED, needs_generalisation

from img.config.base import check
from img.config.dataset import Annotations, Dataset, read_datasets
from img.config.variants import read_variants, resolve
from img.data.annotations.reading import Query, read_queries
from img.resources.listing import read_resources
from img.resources.verification import verify

pytestmark = pytest.mark.slow

PROJECT = Path(__file__).parents[2]
CONFIG = PROJECT / "config"


def shipped(name: str) -> Dataset:
    return read_datasets(CONFIG / "datasets")[name]


@pytest.fixture
def in_project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder to run in, where the real annotations lie as if they had been fetched."""
    for name in GENERALISATION:
        (tmp_path / "resources" / name).mkdir(parents=True)
        for file in (SHARED / "annotations" / name).glob("*.json"):
            (tmp_path / "resources" / name / file.name).symlink_to(file.resolve())
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write_activitynet_cd_training(folder: Path) -> None:
    """Every video of ActivityNet Captions that is in none of the other files, with all its captions."""
    videos: dict[str, dict[str, Any]] = {}
    for file in ("train", "val_1", "val_2"):
        for video, entry in json.loads((ACTIVITYNET / f"{file}.json").read_text()).items():
            own = videos.setdefault(video, {**entry, "timestamps": [], "sentences": []})
            own["timestamps"] = own["timestamps"] + entry["timestamps"]
            own["sentences"] = own["sentences"] + entry["sentences"]
    listed = (SHARED / "annotations" / "activitynet_cd" / "anet_train_videos.txt").read_text().split()
    (folder / "anet_train.json").write_text(json.dumps({video: videos[video] for video in listed}))


def by_split(name: str) -> dict[str, list[Query]]:
    splits: dict[str, list[Query]] = {}
    for query in read_queries(shipped(name).annotations):
        splits.setdefault(query.split, []).append(query)
    return splits


COUNTS = {
    "charades_cd": {
        "train": (11_071, 4_564),
        "val": (859, 333),
        "test_ood": (3_375, 1_442),
        "test_iid": (823, 333),
    },
    "charades_cg": {
        "train": (8_281, 3_555),
        "novel_word": (695, 580),
        "novel_composition": (3_442, 2_480),
        "test_trivial": (3_096, 1_689),
    },
    "activitynet_cd": {
        "train": (51_415, 10_984),
        "val": (3_521, 746),
        "test_ood": (13_578, 2_450),
        "test_iid": (3_443, 746),
    },
    "activitynet_cg": {
        "train": (36_724, 9_659),
        "novel_word": (3_920, 1_991),
        "novel_composition": (12_028, 4_202),
        "test_trivial": (15_712, 4_775),
    },
}
"""Queries and videos, as TEA's section on datasets and the files' own READMEs count them."""

NOVEL = {"charades_cg": {"VERB": 120, "NOUN": 475}, "activitynet_cg": {"VERB": 398, "NOUN": 3_255}}

FAULTY = {
    # Three moments that start after their video's end.
    "charades_cd": {"test_ood": 3},
    "charades_cg": {},
    # Moments that end where they start, or before.
    "activitynet_cd": {"train": 0, "test_ood": 4},
    "activitynet_cg": {"train": 4},
}


@needs_generalisation
@pytest.mark.parametrize("name", GENERALISATION)
def test_every_query_is_there_and_every_fault_counted(in_project: Path, name: str) -> None:
    write_activitynet_cd_training(in_project / "resources" / "activitynet_cd")
    splits = by_split(name)
    found = {split: (len(queries), len({q.video for q in queries})) for split, queries in splits.items()}
    assert {split: found[split] for split in COUNTS[name]} == COUNTS[name]
    subsets = shipped(name).annotations.subsets
    assert set(found) == {*COUNTS[name], *subsets}
    for subset, options in subsets.items():
        assert len(splits[subset]) == NOVEL[name][options.part_of_speech]
        whole = {(q.query, q.sentence, q.start, q.end) for q in splits[options.split]}
        assert {(q.query, q.sentence, q.start, q.end) for q in splits[subset]} < whole
    faulty = {split: sum(bool(q.fault) for q in queries) for split, queries in splits.items()}
    assert {split: count for split, count in faulty.items() if count} == {
        split: count for split, count in FAULTY[name].items() if count
    }
    train = {q.video for q in splits["train"]}
    assert not any(
        train & {q.video for q in queries} for split, queries in splits.items() if split != "train"
    )


@needs_generalisation
def test_charades_cd_moments_keep_their_seconds(in_project: Path) -> None:
    first = by_split("charades_cd")["test_ood"][0]
    assert (first.video, first.sentence, first.duration) == (
        "N14BK",
        "person put a notebook in a bag",
        47.625,
    )
    assert (first.start, first.end) == (39.3, 45.0)


@needs_generalisation
@pytest.mark.parametrize("name", GENERALISATION)
def test_the_files_are_those_of_the_manifest(in_project: Path, name: str) -> None:
    manifest = read_resources(PROJECT / "resources" / "manifest.yaml")
    for path in shipped(name).annotations.files:
        entry = manifest.resources[manifest.find_file(path)]
        if path.exists():
            assert entry.size == path.stat().st_size
            verify(path, entry, in_project / "record")
        else:
            # Too large for the copy at hand; its repository gives git's hash.
            assert (path.name, len(entry.git_blob)) == ("anet_train.json", 40)


@pytest.mark.parametrize("name", GENERALISATION)
def test_the_settings_are_those_of_the_whole_dataset(name: str) -> None:
    dataset, whole = shipped(name), shipped(name.partition("_")[0])
    assert dataset.extractors["i3d"] == whole.extractors["i3d"]
    assert (dataset.videos, dataset.queries, dataset.shards) == (whole.videos, whole.queries, whole.shards)
    assert list(dataset.streams) == ["visual"]
    assert dataset.selection_split == ("val" if name.endswith("_cd") else "test_trivial")
    variants = read_variants(CONFIG / "papers" / "tea" / "variants.yaml")
    assert resolve({name: dataset}, variants, name, dataset.variants[0]).model.kind == "emb"


def write_novel(folder: Path, news: object) -> Annotations:
    queries = {"duration": 9.0, "timestamps": [[0, 1], [2, 3]], "sentences": ["a man jumps", "a cat"]}
    (folder / "train.json").write_text(json.dumps({"a": queries}))
    (folder / "test.json").write_text(json.dumps({"b": {**queries, "news": news}}))
    values = {
        "format": "activitynet_captions",
        "splits": {"train": folder / "train.json", "test": folder / "test.json"},
        "subsets": {"verbs": {"split": "test", "part_of_speech": "VERB"}},
    }
    return check(Annotations, values, "annotations")


def test_a_subset_repeats_the_queries_with_such_a_word(tmp_path: Path) -> None:
    annotations = write_novel(tmp_path, [{"VERB": ["jumps"], "NOUN": ["man"]}, {"NOUN": ["cat"]}])
    found = [(query.split, query.query) for query in read_queries(annotations)]
    assert found == [("train", "a_0"), ("train", "a_1"), ("test", "b_0"), ("test", "b_1"), ("verbs", "b_0")]


@pytest.mark.parametrize("news", [None, [{"VERB": ["jumps"]}], [["jumps"], []]])
def test_a_file_that_lists_no_novel_words_is_refused(tmp_path: Path, news: object) -> None:
    with pytest.raises(ValueError, match=r"test\.json, video b: news: expected"):
        read_queries(write_novel(tmp_path, news))


def test_a_subset_without_queries_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"test\.json: expected queries with a novel word that is a VERB"):
        read_queries(write_novel(tmp_path, [{}, {"NOUN": ["cat"]}]))


@pytest.mark.parametrize(
    ("subsets", "message"),
    [
        ({"test": {"split": "test", "part_of_speech": "VERB"}}, "subsets: expected other names"),
        ({"verbs": {"split": "train", "part_of_speech": "VERB"}}, r"subsets\.verbs\.split: expected one of"),
        ({"verbs": {"split": "test", "part_of_speech": "verb"}}, "subsets.verbs.part_of_speech"),
    ],
)
def test_a_faulty_subset_is_refused_by_its_key(subsets: dict[str, Any], message: str) -> None:
    values = {"format": "activitynet_captions", "splits": {"train": "a", "test": "b"}, "subsets": subsets}
    with pytest.raises(ValueError, match=message):
        check(Annotations, values, "annotations")
