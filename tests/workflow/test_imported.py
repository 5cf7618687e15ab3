"""On the real DAG: features that others published, and no video anywhere."""

import json
import pickle
from typing import Any

import numpy as np
import pandas as pd
import pytest
from project import Project, new_project

from extractors.storage.files import sha256_of
from extractors.storage.manifest import shard_of

pytestmark = [pytest.mark.workflow, pytest.mark.slow]

METRICS = "results/small/metrics.json"
TRAIN, TEST = [f"v{number}" for number in range(6)], ["v6", "v7"]
SILENT, BROKEN, ABSENT = "v1", "v2", "v3"
DATASET: dict[str, Any] = {
    "simulated": True,
    "annotations": {
        "format": "activitynet_captions",
        "splits": {"train": "data/train.json", "test": "data/test.json"},
    },
    "features": "imported",
    "imported": {
        "i3d": {"arrays": "data/i3d_video", "width": 12},
        "vggish": {"arrays": "data/VGGish.pickle", "width": 4, "divisor": 255},
    },
    "streams": {"visual": "i3d", "audio": "vggish"},
    "shards": 2,
    "model": {"width": 16, "heads": 2},
    "training": {"epochs": 1},
    "seeds": [0],
}


def visual(video: str) -> np.ndarray:
    return np.random.default_rng(int(video[1:])).standard_normal((9, 12)).astype(np.float32)


def write_sound(project: Project, changed: str = "") -> None:
    sound = {
        f"v_{video}": np.full((5, 4), number + 100 * (video == changed), np.uint8)
        for number, video in enumerate(TRAIN + TEST)
        if video != SILENT
    }
    project.path("data/VGGish.pickle").write_bytes(pickle.dumps(sound, protocol=2))


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> Project:
    """A project in which everything is made of arrays; one is absent, one holds no number."""
    project = new_project(tmp_path_factory.mktemp("imported") / "project", DATASET)
    arrays = project.path("data/i3d_video")
    arrays.mkdir(parents=True)
    for video in TRAIN + TEST:
        rows = np.full((9, 12), np.nan, np.float32) if video == BROKEN else visual(video)
        if video != ABSENT:
            np.save(arrays / f"{video}.npy", rows)
    write_sound(project)
    for split, videos in (("train", TRAIN), ("test", TEST)):
        entry = {"duration": 9.0, "timestamps": [[1.0, 3.0]], "sentences": ["A red circle moves."]}
        project.path(f"data/{split}.json").write_text(json.dumps(dict.fromkeys(videos, entry)))
    project.make()
    return project


@pytest.fixture
def project(made, tmp_path) -> Project:
    return made.copy(tmp_path / "project")


def shard_log(project: Project, extractor: str, shard: str) -> str:
    return project.log(f"extract_features/small/{extractor}/{shard}.log")


def test_arrays_alone_lead_to_metrics(made):
    metrics = json.loads(made.path(METRICS).read_text())
    assert set(metrics["variants"]["img"]["protocols"]["last"]["test"]) == {
        *("fusion", "visual", "audio", "auto")
    }
    coverage = metrics["coverage"]
    assert (coverage["test"]["queries"], coverage["test"]["used"]) == (2, 2)
    assert (coverage["train"]["used"], coverage["train"]["without_sound"]) == (4, 1)
    assert coverage["train"]["left_out"] == {"video failed": 1, "video missing": 1}
    assert not made.path("data/videos").exists()


def test_coverage_tells_the_file_that_cannot_be_used(made):
    table = pd.read_csv(made.path("results/small/coverage.tsv"), sep="\t").set_index("video")
    assert table.loc[BROKEN, "visual"].startswith(f"failed: data/i3d_video/{BROKEN}.npy: expected finite")
    assert table.loc[ABSENT, "visual"] == "missing"
    assert table.loc[SILENT, "audio"] == "missing"
    assert (table.loc["v6", ["visual", "audio"]] == "ok").all()


def test_every_array_says_where_it_came_from(made):
    description = json.loads(made.path("results/small/features/i3d/v0.json").read_text())
    source = sha256_of(made.path("data/i3d_video/v0.npy"))
    assert description["sources"] == [{"name": "i3d_video/v0.npy", "sha256": source}]
    stored = np.load(made.path("results/small/features/vggish/v4.npy"))
    assert stored.tolist() == np.full((5, 4), 4.0).tolist()


def test_sound_is_divided_when_inputs_are_assembled(made):
    from img.data.clips.inputs import Inputs

    inputs = Inputs.load(made.path("results/small/inputs/i3d+vggish"))
    place = inputs.videos["v4"]
    sound = inputs.streams["audio"][place.first : place.first + place.clips]
    np.testing.assert_allclose(sound, np.full((9, 4), 4 / 255), rtol=1e-6)


def test_a_second_run_has_nothing_to_do(project):
    assert project.make().did_nothing


def test_a_changed_file_is_imported_anew_and_nothing_else(project):
    np.save(project.path("data/i3d_video/v4.npy"), visual("v4") + 1)
    jobs = project.make().jobs
    assert jobs["extract_features"] == 1
    assert " 1 computed," in shard_log(project, "i3d", f"{shard_of('v4', 2):03d}")
    assert ": trained;" in project.log("train/**/*.log")


def test_a_changed_array_of_a_pickle_is_imported_anew_alone(project):
    write_sound(project, changed="v4")
    jobs = project.make().jobs
    assert jobs["extract_features"] == 2
    logs = {shard: shard_log(project, "vggish", shard) for shard in ("000", "001")}
    changed = f"{shard_of('v4', 2):03d}"
    assert {shard: " 1 computed," in log for shard, log in logs.items()} == {
        shard: shard == changed for shard in logs
    }


def test_a_file_that_comes_and_one_that_goes_are_noticed(project):
    np.save(project.path(f"data/i3d_video/{ABSENT}.npy"), visual(ABSENT))
    project.path("data/i3d_video/v5.npy").unlink()
    project.make()
    table = pd.read_csv(project.path("results/small/coverage.tsv"), sep="\t").set_index("video")
    assert table.loc[ABSENT, "visual"] == "ok"
    assert table.loc["v5", "visual"] == "missing"


def test_queries_given_as_features_are_read_and_those_without_are_counted(project):
    arrays = project.path("data/text")
    arrays.mkdir()
    for video in (*TRAIN[1:], *TEST):
        np.save(arrays / f"{video}_0.npy", np.full((4, 6), int(video[1:]), np.float32))
    project.edit({"queries.features": "data/text"})
    jobs = project.make().jobs
    assert jobs["assemble_query_features"] == jobs["train"] == jobs["evaluate"] == 1
    assert "extract_features" not in jobs
    coverage = json.loads(project.path(METRICS).read_text())["coverage"]["train"]
    assert coverage["left_out"] == {"text features": 1, "video failed": 1, "video missing": 1}
    assert coverage["used"] == 3
    assert project.make().did_nothing
    np.save(arrays / "v4_0.npy", np.ones((4, 6), np.float32))
    assert project.make().jobs["assemble_query_features"] == 1
    assert ": trained;" in project.log("train/**/*.log")
    project.edit({"queries.features": None})
    assert "assemble_query_features" not in project.make().jobs
    assert "restored from the store" in project.log("train/**/*.log")


@pytest.mark.parametrize("place", ["data/nowhere", "data/train.json"])
def test_a_wrong_place_of_arrays_ends_the_run_before_any_job(project, place):
    project.edit({"imported.i3d.arrays": place})
    outcome = project.snakemake("--", METRICS)
    assert outcome.status == 1
    assert not outcome.jobs
    assert "error: config/datasets/small.yaml: extractors.i3d.arrays: " in outcome.output
    assert place in outcome.output
    assert "Traceback" not in outcome.output
