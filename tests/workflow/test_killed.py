"""On the real DAG: what a run that is killed in the middle keeps."""

import os
import shutil
import signal
import subprocess
import time
from dataclasses import replace

import pytest
from project import TEST_VIDEOS, TRAIN_VIDEOS, Project, environment

from extractors.storage.store import Store

pytestmark = [pytest.mark.workflow, pytest.mark.slow]

VIDEOS = TRAIN_VIDEOS + TEST_VIDEOS
RUN = "results/small/runs/img/seed0"
WEIGHTS = f"{RUN}/last.safetensors"


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
    weights = project.path(WEIGHTS).read_bytes()
    history = project.path(f"{RUN}/history.csv").read_bytes()
    for entry in Store(project.path("results/store")).entries():
        if entry.description["kind"] == "training":
            Store(project.path("results/store")).remove(entry)
    shutil.rmtree(project.path("results/small/runs"))
    partial = project.path("results/store/partial")
    kill_when(project, WEIGHTS, lambda: list(partial.glob("*/resume.pt")))
    assert not project.path(WEIGHTS).exists()
    project.snakemake("--unlock")
    project.make(WEIGHTS)
    assert "resuming after epoch" in project.log("train/**/*.log")
    assert project.path(WEIGHTS).read_bytes() == weights
    assert project.path(f"{RUN}/history.csv").read_bytes() == history
