"""On the real DAG: which jobs run after a change, and what their logs say was computed or restored."""

import json
import os
import shutil
import signal
import subprocess
import time
from dataclasses import replace

import numpy as np
import pytest
from project import TEST_VIDEOS, TRAIN_VIDEOS, Project, environment
from test_planning import planned_jobs

from extractors.storage.manifest import read_manifest, shard_of
from extractors.storage.store import Store

pytestmark = [pytest.mark.workflow, pytest.mark.slow]

VIDEOS = TRAIN_VIDEOS + TEST_VIDEOS
METRICS = "results/small/metrics.json"
RUN = "results/small/runs/img/seed0"


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


def test_a_second_run_has_nothing_to_do(project):
    assert project.make().did_nothing


def test_a_touched_but_unchanged_video_computes_no_array_and_trains_nothing(project):
    video = sorted(project.path("data/videos").iterdir())[0]
    weights = project.path(f"{RUN}/last.safetensors").read_bytes()
    video.touch()
    # Snakemake compares the content of files below 1 MB itself; real videos are larger.
    large = ("--max-checksum-file-size", "0")
    jobs = project.make(METRICS, *large).jobs
    shard = f"{shard_of(video.stem, 2):03d}"
    assert jobs["extract_features"] == 2
    for extractor in ("i3d", "pann"):
        assert " 0 computed," in project.log(f"extract_features/small/{extractor}/{shard}.log")
    assert "restored from the store" in project.log("train/**/*.log")
    assert project.path(f"{RUN}/last.safetensors").read_bytes() == weights
    assert project.make(METRICS, *large).did_nothing


def test_one_changed_video_computes_one_array_per_extractor_then_trains(project):
    first, second = sorted(project.path("data/videos").iterdir())[:2]
    shutil.copyfile(second, first)
    jobs = project.make().jobs
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
    project.make()
    for extractor in ("i3d", "pann"):
        assert " 1 computed," in project.log(f"extract_features/small/{extractor}/{shard}.log")
    # The arrays came out the same, so the run is the same: early cut-off.
    assert "restored from the store" in project.log("train/**/*.log")


def test_a_changed_training_option_leaves_features_alone(project):
    project.edit({"training.epochs": 2})
    planned = planned_jobs(project.snakemake("--dry-run", "--", METRICS))
    assert set(planned) == {"train", "evaluate", "summarise"}
    project.edit({"training.epochs": 3})
    assert project.snakemake("--dry-run", "--", METRICS).did_nothing


def test_variants_and_options_of_inference_alone_train_nothing(project):
    project.edit({"variants": ["img", "importance_0"]})
    assert project.make().jobs == {"train": 1, "best_weights": 1, "evaluate": 1, "summarise": 1}
    assert "restored from the store" in project.log("train/small/importance_0/*.log")
    variants = json.loads(project.path(METRICS).read_text())["variants"]
    assert [found["mean_importance"]["last"]["test"]["mean"] == 0 for found in variants.values()] == [
        False,
        True,
    ]
    project.edit({"inference.answers": 2})
    assert project.make().jobs == {"evaluate": 2, "summarise": 1}
    fusion = json.loads(project.path(METRICS).read_text())["variants"]["img"]["protocols"]["last"]["test"][
        "fusion"
    ]
    assert {"R1@0.7", "R2@0.7"} <= set(fusion)


def test_a_changed_extractor_parameter_redoes_that_extractor_only_and_back_is_free(project):
    project.edit({"extractors.pann.hop_seconds": 2.0})
    jobs = project.make().jobs
    assert jobs["extract_features"] == 2
    assert project.computed("pann") == (VIDEOS, 0)
    project.edit({"extractors.pann.hop_seconds": 1.5})
    project.make()
    assert project.computed("pann") == (0, VIDEOS)
    assert "restored from the store" in project.log("train/**/*.log")


def test_a_deleted_array_comes_back_and_no_plan_writes_anything(project):
    array = an_array(project)
    content = array.read_bytes()
    shard = f"{shard_of(array.stem, 2):03d}"
    # The second time, there is a note of the first.
    for _ in range(2):
        array.unlink()
        results = set(project.path("results").rglob("*"))
        planned = project.snakemake("--dry-run", "--", METRICS).output
        assert f"shards/{shard}.tsv: 1 arrays are gone, such as {array.stem}" in planned
        assert set(project.path("results").rglob("*")) == results
        jobs = project.make().jobs
        assert (jobs["note_losses"], jobs["extract_features"]) == (1, 1)
        assert array.read_bytes() == content
        assert " 0 computed," in project.log(f"extract_features/small/i3d/{shard}.log")
        assert project.make().did_nothing


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
    assert project.snakemake("--forcerun", shard, "--", METRICS).status == 0
    assert array.read_bytes() == content


def test_a_changed_file_time_of_the_videos_folder_alone_changes_nothing(project):
    project.path("data/videos").touch()
    assert project.make().did_nothing


def test_a_changed_file_time_of_the_table_alone_extracts_nothing(project):
    jobs = project.make(METRICS, "--forcerun", "list_videos").jobs
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


def test_train_can_be_asked_for_again_and_really_again(project):
    outcome = project.snakemake("-R", "train", METRICS)
    assert outcome.status == 0, outcome.output
    assert outcome.jobs["train"] == 1
    assert "restored from the store" in project.log("train/**/*.log")
    weights = project.path(f"{RUN}/last.safetensors").read_bytes()
    assert project.make(METRICS, "-R", "train", "--config", "fresh=true").jobs["train"] == 1
    assert ": trained;" in project.log("train/**/*.log")
    assert project.path(f"{RUN}/last.safetensors").read_bytes() == weights
    assert project.make().did_nothing


def test_one_shard_can_be_made_alone(fresh):
    jobs = fresh.make("results/small/features/i3d/shards/001.tsv").jobs
    assert jobs == {"list_videos": 1, "extract_features": 1}


def kill_when(project: Project, target: str, ready) -> None:
    """Starts Snakemake on a target and kills it with all its jobs, SIGKILL, once something is so."""
    process = subprocess.Popen(
        project.command("--", target),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=environment(project.tiny),
        cwd=project.folder,
        start_new_session=True,
    )
    deadline = time.monotonic() + 300
    while not ready():
        assert process.poll() is None, "Snakemake ended before it could be killed"
        assert time.monotonic() < deadline
        time.sleep(0.02)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def test_a_shard_killed_in_the_middle_loses_at_most_the_video_in_hand(fresh):
    # I3D itself takes so long for a video that the kill comes before the last one.
    project = replace(fresh, tiny=False)
    project.edit({"shards": 1})
    target = "results/small/features/i3d/shards/000.tsv"
    store = Store(project.path("results/store"))
    kill_when(project, target, lambda: len(list(store.entries())) >= 2)
    kept = len(list(store.entries()))
    assert 2 <= kept < VIDEOS
    assert not project.path(target).exists()
    project.snakemake("--unlock")
    project.make(target)
    assert project.computed("i3d") == (VIDEOS - kept, kept)


def test_a_training_killed_in_the_middle_ends_with_the_same_weights(project):
    weights = project.path(f"{RUN}/last.safetensors").read_bytes()
    history = project.path(f"{RUN}/history.csv").read_bytes()
    for entry in Store(project.path("results/store")).entries():
        if entry.description["kind"] == "training":
            Store(project.path("results/store")).remove(entry)
    shutil.rmtree(project.path("results/small/runs"))
    project.path(METRICS).unlink()
    partial = project.path("results/store/partial")
    kill_when(project, METRICS, lambda: list(partial.glob("*/resume.pt")))
    assert not project.path(f"{RUN}/last.safetensors").exists()
    project.snakemake("--unlock")
    project.make()
    assert "resuming after epoch" in project.log("train/**/*.log")
    assert project.path(f"{RUN}/last.safetensors").read_bytes() == weights
    assert project.path(f"{RUN}/history.csv").read_bytes() == history
