"""On the real DAG: which jobs run after a change of media and arrays, and what was computed or restored."""

import json
import shutil

import numpy as np
import pytest
from project import TEST_VIDEOS, TRAIN_VIDEOS

from extractors.storage.manifest import read_manifest, shard_of

pytestmark = [pytest.mark.workflow, pytest.mark.slow]

VIDEOS = TRAIN_VIDEOS + TEST_VIDEOS
METRICS = "results/small/metrics.json"
INPUTS = "results/small/inputs/i3d+pann/index.json"
RUN = "results/small/runs/img/seed0"
WEIGHTS = f"{RUN}/last.safetensors"


def an_array(project):
    return sorted(project.path("results/small/features/i3d").glob("*.npy"))[0]


def test_a_first_run_leaves_every_stage_and_its_description(finished):
    arrays = sorted(finished.path("results/small/features").glob("*/*.npy"))
    assert len(arrays) == 2 * VIDEOS
    for array in arrays:
        made = json.loads(array.with_suffix(".json").read_text())
        assert list(np.load(array, allow_pickle=False).shape) == [made["rows"], made["width"]]
    rows = [
        row
        for manifest in sorted(finished.path("results/small/features/i3d/shards").glob("*.tsv"))
        for row in read_manifest(manifest)
    ]
    assert sorted(row.video for row in rows if row.is_ok) == [array.stem for array in arrays[:VIDEOS]]
    assert finished.computed("i3d") == (VIDEOS, 0)
    metrics = json.loads(finished.path(METRICS).read_text())
    assert metrics["simulated"] is True
    assert set(metrics["variants"]["img"]["protocols"]) == {"last", "best_on_test"}
    assert set(metrics["variants"]["img"]["protocols"]["last"]["test"]) == {
        "fusion",
        "visual",
        "audio",
        "auto",
    }
    assert metrics["coverage"]["test"]["used"] == metrics["coverage"]["test"]["queries"] > 0
    assert metrics["versions"]["torch"].startswith("2.11.0")
    assert metrics["variants"]["img"]["options"]["training"]["epochs"] == 3
    assert finished.path(f"{RUN}/history.csv").read_text().count("\n") == 1 + 3
    assert list(finished.path(f"{RUN}/events").iterdir())


def test_a_second_run_has_nothing_to_do(finished):
    assert finished.snakemake("--dry-run", "--", METRICS).did_nothing


def test_a_touched_but_unchanged_video_computes_no_array_and_trains_nothing(project):
    video = sorted(project.path("data/videos").iterdir())[0]
    weights = project.path(WEIGHTS).read_bytes()
    video.touch()
    # Snakemake compares the content of files below 1 MB itself; real videos are larger.
    large = ("--max-checksum-file-size", "0")
    jobs = project.make(WEIGHTS, *large).jobs
    shard = f"{shard_of(video.stem, 2):03d}"
    assert jobs["extract_features"] == 2
    for extractor in ("i3d", "pann"):
        assert " 0 computed," in project.log(f"extract_features/small/{extractor}/{shard}.log")
    assert "restored from the store" in project.log("train/**/*.log")
    assert project.path(WEIGHTS).read_bytes() == weights
    assert project.snakemake(*large, "--dry-run", "--", WEIGHTS).did_nothing


def test_one_changed_video_computes_one_array_per_extractor_then_trains(project):
    first, second = sorted(project.path("data/videos").iterdir())[:2]
    shutil.copyfile(second, first)
    jobs = project.make(WEIGHTS).jobs
    shard = f"{shard_of(first.stem, 2):03d}"
    assert jobs["extract_features"] == 2
    for extractor in ("i3d", "pann"):
        log = project.log(f"extract_features/small/{extractor}/{shard}.log")
        # The content is another video's, which the store holds already: even that is not computed again.
        assert " 0 computed," in log
    assert (jobs["assemble"], jobs["train"]) == (1, 1)
    assert ": trained;" in project.log("train/**/*.log")


def test_a_video_with_new_content_computes_one_array_per_extractor(project):
    video = sorted(project.path("data/videos").iterdir())[0]
    # A free atom at the end of an MP4 is content that no decoder shows.
    video.write_bytes(video.read_bytes() + b"\x00\x00\x00\x0cfree\x01\x02\x03\x04")
    shard = f"{shard_of(video.stem, 2):03d}"
    project.make(WEIGHTS)
    for extractor in ("i3d", "pann"):
        assert " 1 computed," in project.log(f"extract_features/small/{extractor}/{shard}.log")
    # The arrays came out the same, so the run is the same: early cut-off.
    assert "restored from the store" in project.log("train/**/*.log")


def test_a_changed_extractor_parameter_redoes_that_extractor_only_and_back_is_free(project):
    project.edit({"extractors.pann.hop_seconds": 2.0})
    jobs = project.make(INPUTS).jobs
    assert jobs["extract_features"] == 2
    assert project.computed("pann") == (VIDEOS, 0)
    project.edit({"extractors.pann.hop_seconds": 1.5})
    project.make(INPUTS)
    assert project.computed("pann") == (0, VIDEOS)


def test_a_deleted_array_comes_back_and_no_plan_writes_anything(project):
    array = an_array(project)
    content = array.read_bytes()
    shard = f"{shard_of(array.stem, 2):03d}"
    # The second time, there is a note of the first.
    for _ in range(2):
        array.unlink()
        results = set(project.path("results").rglob("*"))
        planned = project.snakemake("--dry-run", "--", INPUTS).output
        assert f"shards/{shard}.tsv: 1 arrays are gone, such as {array.stem}" in planned
        assert set(project.path("results").rglob("*")) == results
        jobs = project.make(INPUTS).jobs
        assert (jobs["note_losses"], jobs["extract_features"]) == (1, 1)
        assert array.read_bytes() == content
        assert " 0 computed," in project.log(f"extract_features/small/i3d/{shard}.log")
        assert project.snakemake("--dry-run", "--", INPUTS).did_nothing


def test_a_damaged_array_is_never_trained_on(project):
    array = an_array(project)
    array.chmod(0o644)
    content = array.read_bytes()
    array.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    outcome = project.snakemake("--forcerun", "assemble", "--", METRICS)
    assert outcome.status != 0
    assert f"{array.relative_to(project.folder)}: expected the array of SHA-256" in outcome.output
    shard = f"results/small/features/i3d/shards/{shard_of(array.stem, 2):03d}.tsv"
    assert f"--forcerun {shard}" in outcome.output
    assert project.snakemake("--forcerun", shard, "--", INPUTS).status == 0
    assert array.read_bytes() == content


def test_a_changed_file_time_of_the_videos_folder_alone_changes_nothing(project):
    project.path("data/videos").touch()
    assert project.snakemake("--dry-run", "--", METRICS).did_nothing


def test_a_changed_file_time_of_the_table_alone_extracts_nothing(project):
    jobs = project.make(INPUTS, "--forcerun", "list_videos").jobs
    assert "list_videos" in jobs
    assert "extract_features" not in jobs


def test_a_new_video_touches_its_shard_only(project):
    with project.path("data/annotations/train.txt").open("a") as file:
        file.write("newcomer 0.0 2.0##a red circle moves.\n")
    durations = json.loads(project.path("data/annotations/durations.json").read_text())
    project.path("data/annotations/durations.json").write_text(
        json.dumps(durations | {"newcomer": {"duration": 12}})
    )
    video = sorted(project.path("data/videos").iterdir())[0]
    shutil.copyfile(video, video.with_stem("newcomer"))
    jobs = project.make("results/small/coverage.tsv").jobs
    assert jobs["extract_features"] == 2


def test_one_shard_can_be_made_alone(fresh):
    jobs = fresh.make("results/small/features/i3d/shards/001.tsv").jobs
    assert jobs == {"list_videos": 1, "extract_features": 1}
