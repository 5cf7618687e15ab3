"""What a user sees, and keeps, when a file or a setting is not what it should be."""

import json
import os
import re
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
import yaml
from media import write_sound, write_video
from project import AS_ANNOTATED, SMALL_VIDEOS, Outcome, Project, new_project

from extractors.kinds.i3d.network import I3D
from extractors.storage.store import Store

pytestmark = [pytest.mark.workflow, pytest.mark.slow]

METRICS = "results/small/metrics.json"
STRANGE_NAMES = ("two words", 'it\'s "odd" * %03d', "-dash", "a:b")
REASONS = {
    "empty": "data/videos/empty.mp4: expected a media file, found an empty file",
    "truncated": "data/videos/truncated.mp4: damaged, or not a media file",
    "corrupt": "data/videos/corrupt.mp4: no decoder reads it",
    "sound": "data/videos/sound.mp4: expected a video stream, found only audio",
}
DATASET = {
    **SMALL_VIDEOS,
    "annotations": {
        "format": "activitynet_captions",
        "splits": {"train": "data/train.json", "test": "data/test.json"},
    },
}


def write_good_video(path: Path, seed: int = 0) -> bytes:
    noise = 0.1 * np.random.default_rng(seed).standard_normal(48_000)
    return write_video(path, np.arange(24) / 8, sound=noise).read_bytes()


def write_odd_data(folder: Path) -> None:
    """Three-second videos, nearly all of them wrong in a way of their own, and their queries."""
    videos = folder / "videos"
    videos.mkdir(parents=True)
    for seed, name in enumerate(STRANGE_NAMES):
        content = write_good_video(videos / f"{name}.mp4", seed)
    write_video(videos / "silent.mp4", np.arange(24) / 8)
    write_sound(videos / "sound.wav", np.zeros((1, 48_000)), 16_000).rename(videos / "sound.mp4")
    (videos / "empty.mp4").touch()
    (videos / "truncated.mp4").write_bytes(content[: len(content) // 2])
    media, half = content.index(b"mdat") + 64, len(content) // 2
    (videos / "corrupt.mp4").write_bytes(content[:media] + bytes(half) + content[media + half :])
    (videos / "dangling.mp4").symlink_to("nowhere")
    write_captions(folder / "train.json", {name: [[0, 1], [1, 2]] for name in STRANGE_NAMES})
    bad = {name: [[0, 1]] for name in ("silent", "absent", "dangling", *REASONS)}
    # The second query begins after its video's three seconds.
    write_captions(folder / "test.json", {STRANGE_NAMES[1]: [[0, 1], [5, 6]], **bad})


def write_captions(path: Path, spans: dict[str, list[list[float]]]) -> None:
    entries = {
        video: {"duration": 3.0, "timestamps": times, "sentences": ["A red circle moves."] * len(times)}
        for video, times in spans.items()
    }
    path.write_text(json.dumps(entries))


def edit_yaml(path: Path, changes: dict[str, object]) -> None:
    path.write_text(yaml.safe_dump({**yaml.safe_load(path.read_text()), **changes}, sort_keys=False))


def assert_told_once(log: str, message: str) -> None:
    """A job's log holds one error, the right one, and no traceback."""
    assert re.findall(r"^error: ", log, re.MULTILINE) == ["error: "]
    assert f"error: {message}" in log
    assert "Traceback" not in log


@dataclass(frozen=True)
class Runs:
    """A project after a run under `stop` and another under `report`."""

    project: Project
    stopped: Outcome
    kept: int
    manifests: list[Path]
    reported: Outcome


@pytest.fixture(scope="module")
def runs(tmp_path_factory) -> Runs:
    project = new_project(tmp_path_factory.mktemp("odd") / "project", DATASET)
    write_odd_data(project.path("data"))
    stopped = project.snakemake("--config", "on_failure=stop", "--", METRICS)
    kept = len(list(Store(project.path("results/store")).entries()))
    manifests = sorted(project.path("results").rglob("shards/*.tsv"))
    return Runs(project, stopped, kept, manifests, project.snakemake("--", METRICS))


def test_under_stop_the_run_ends_after_the_shards_with_every_reason(runs):
    assert runs.stopped.status != 0
    assert runs.stopped.jobs == {"list_videos": 1, "prepare_queries": 1}
    assert runs.manifests == []
    for reason in REASONS.values():
        assert reason in runs.stopped.output
    assert "error: 4 of 11 videos failed and on_failure is `stop`" in runs.stopped.output
    assert "Traceback" not in runs.stopped.output


def test_nothing_computed_under_stop_is_lost(runs):
    # Visual features of the four good videos and the silent one, audio features of the four and the sound.
    assert runs.kept == 5 + 5
    assert runs.project.computed("i3d") == (0, 5)
    assert runs.project.computed("pann") == (0, 5)


def test_under_report_the_rest_goes_on_and_coverage_tells_each_videos_fate(runs):
    assert runs.reported.status == 0, runs.reported.output
    table = pd.read_csv(runs.project.path("results/small/coverage.tsv"), sep="\t").set_index("video")
    assert set(table.index) == {*STRANGE_NAMES, "silent", "absent", "dangling", *REASONS}
    for name in STRANGE_NAMES:
        assert tuple(table.loc[name, ["visual", "audio"]]) == ("ok", "ok")
    assert tuple(table.loc["silent", ["visual", "audio"]]) == ("ok", "no_audio")
    for name in ("absent", "dangling"):
        assert tuple(table.loc[name, ["visual", "audio"]]) == ("missing", "missing")
    for name, reason in REASONS.items():
        assert table.loc[name, "visual"].startswith(f"failed: {reason}")
    assert table.loc["sound", "audio"] == "ok"


def test_metrics_count_the_queries_that_are_left_out_and_why(runs):
    metrics = json.loads(runs.project.path(METRICS).read_text())
    assert metrics["coverage"] == {
        "test": {
            "videos": 8,
            "videos_used": 2,
            "queries": 9,
            "used": 2,
            "without_sound": 1,
            "share_heard": 0.5,
            **AS_ANNOTATED,
            "left_out": {"annotation": 1, "video failed": 4, "video missing": 2},
        },
        "train": {
            "videos": 4,
            "videos_used": 4,
            "queries": 8,
            "used": 8,
            "without_sound": 0,
            "share_heard": 1.0,
            **AS_ANNOTATED,
            "left_out": {},
        },
    }
    assert metrics["left_out"] == {
        "test": {
            "annotation": [f"{STRANGE_NAMES[1]}_1"],
            "video failed": sorted(REASONS),
            "video missing": ["absent", "dangling"],
        },
        "train": {},
    }
    log = runs.project.log("prepare_queries/*.log")
    assert "data/test.json: " in log
    assert "is left out: its start 5 s lies outside the video of 3 s" in log


def test_videos_with_strange_names_and_without_sound_are_answered(runs):
    answers = pd.read_parquet(runs.project.path("results/small/runs/img/seed0/predictions.parquet"))
    assert set(answers["video"]) == {STRANGE_NAMES[1], "silent"}
    for name in STRANGE_NAMES:
        assert runs.project.path(f"results/small/features/i3d/{name}.npy").is_file()


def test_a_second_run_over_bad_videos_has_nothing_to_do(runs):
    assert runs.project.snakemake("--dry-run", "--", METRICS).did_nothing


def test_reasons_are_the_same_bytes_when_a_shard_is_made_again(runs, tmp_path):
    project = runs.project.copy(tmp_path / "project")
    shard = "results/small/features/i3d/shards/000.tsv"
    content = project.path(shard).read_bytes()
    assert project.make(shard, "--forcerun", shard).jobs == {"extract_features": 1}
    assert project.path(shard).read_bytes() == content


def test_a_path_where_nothing_is_ends_the_run_even_where_old_results_are(runs, tmp_path):
    # Every other key that names a file: tests/planning.
    key, value = "annotations.splits.test", "data/nowhere.json"
    project = runs.project.copy(tmp_path / "project")
    project.edit({key: value})
    outcome = project.snakemake("--", METRICS)
    assert outcome.status == 1
    assert not outcome.jobs
    expected = "config/datasets/small.yaml: annotations: expected a file or folder, found nothing at"
    assert f"error: {expected} {value}\n" in outcome.output
    assert "Traceback" not in outcome.output


def test_a_missing_video_folder_is_named_before_the_first_job(tmp_path):
    outcome = new_project(tmp_path / "project", DATASET).snakemake("--", METRICS)
    assert outcome.status == 1
    assert not outcome.jobs
    assert "config/datasets/small.yaml: " in outcome.output
    assert "found nothing at data/" in outcome.output


def test_unknown_keys_and_wrong_types_are_all_named_before_any_job(tmp_path):
    # Every other file: tests/planning/test_project.py.
    project = new_project(tmp_path / "project", DATASET)
    edit_yaml(project.path("config/datasets/small.yaml"), {"trainin": {"epochs": 1}, "seeds": "one"})
    outcome = project.snakemake("--", METRICS)
    assert outcome.status == 1
    assert not outcome.jobs
    assert "Building DAG" not in outcome.output
    for message in ("The configuration is refused.", "config/datasets/small.yaml:", "trainin: ", "seeds: "):
        assert message in outcome.output
    assert "Traceback" not in outcome.output


def test_weights_and_word_vectors_that_do_not_fit_are_named(tmp_path):
    dataset = {
        **DATASET,
        "extractors": {
            "i3d": {**DATASET["extractors"]["i3d"], "weights": "data/i3d.pt"},
            "pann": {**DATASET["extractors"]["pann"], "weights": "data/pann.pt"},
        },
        "queries": {"embedding": "data/glove.txt"},
    }
    project = replace(new_project(tmp_path / "project", dataset), tiny=False)
    project.path("data/videos").mkdir(parents=True)
    write_good_video(project.path("data/videos/good.mp4"))
    for split in ("train", "test"):
        write_captions(project.path(f"data/{split}.json"), {"good": [[0, 1]]})
    project.path("data/glove.txt").write_text("red 0.1 0.2\ncircle 0.3 0.4\n")
    state = I3D().state_dict()
    name, tensor = next(iter(state.items()))
    torch.save({**state, name: tensor[:1]}, project.path("data/i3d.pt"))
    project.path("data/pann.pt").write_text("version https://git-lfs.github.com/spec/v1\n")

    outcome = project.snakemake("--", METRICS)
    assert outcome.status == 1
    assert outcome.jobs == {"list_videos": 1}
    assert "Traceback" not in outcome.output
    shapes = f"{name}: expected shape {list(tensor.shape)}, found {list(tensor[:1].shape)}"
    for folder, messages in {
        "extract_features/small/i3d": ["data/i3d.pt: expected the ", shapes],
        "extract_features/small/pann": ["data/pann.pt: expected a PyTorch file of nothing but tensors"],
        "prepare_queries": ["data/glove.txt, line 1: expected a word and 300 numbers, found 2 numbers"],
    }.items():
        assert_told_once(project.log(f"{folder}/**/*.log"), messages[0])
        for message in messages:
            assert message in outcome.output


def test_a_malformed_annotation_line_is_named(tmp_path):
    project = new_project(tmp_path / "project")
    annotations = project.path("data/annotations")
    annotations.mkdir(parents=True)
    project.path("data/videos").mkdir()
    (annotations / "durations.json").write_text('{"a": {"duration": 3}}')
    (annotations / "train.txt").write_text("a 0.0 1.0##A red circle moves.\na 0.0 A red circle moves.\n")
    (annotations / "test.txt").write_text("a 0.0 1.0##A red circle moves.\n")
    outcome = project.snakemake("--", METRICS)
    assert outcome.status == 1
    message = "data/annotations/train.txt, line 2: expected `video start end##sentence`, found"
    assert message in outcome.output
    for rule in ("list_videos", "prepare_queries"):
        assert_told_once(project.log(f"{rule}/*.log"), message)


def test_an_unreadable_video_is_reported_and_the_rest_goes_on(tmp_path):
    project = new_project(tmp_path / "project", DATASET)
    project.path("data/videos").mkdir(parents=True)
    write_good_video(project.path("data/videos/good.mp4"))
    locked = project.path("data/videos/locked.mp4")
    write_good_video(locked)
    locked.chmod(0)
    if os.access(locked, os.R_OK):
        pytest.skip("this user may read every file")
    for split in ("train", "test"):
        write_captions(project.path(f"data/{split}.json"), {"good": [[0, 1]], "locked": [[0, 1]]})
    shard = "results/small/features/i3d/shards/000.tsv"
    project.make(shard)
    assert (
        "failed: data/videos/locked.mp4: cannot be read (Permission denied)"
        in project.path(shard).read_text()
    )
    assert project.path("results/small/features/i3d/good.npy").is_file()
