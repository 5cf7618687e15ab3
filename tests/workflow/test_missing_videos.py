"""A dataset like ActivityNet as users have it: names of all kinds, some videos twice, some gone."""

import json
import shutil

import numpy as np
import pandas as pd
import pytest
from media import write_video
from project import AS_ANNOTATED, SMALL_VIDEOS, Project, new_project

pytestmark = [pytest.mark.workflow, pytest.mark.slow]

METRICS = "results/small/metrics.json"
SECONDS = 3.0
DATASET = {
    **SMALL_VIDEOS,
    "annotations": {
        "format": "activitynet_captions",
        "splits": {split: f"data/{split}.json" for split in ("train", "val_1", "val_2")},
    },
    "selection_split": "val_1",
}
CAPTIONS = {
    "train": {"v_a": [[0, 1], [1, 2]], "v_bB": [[0, 3], [2, 2]], "v_gone": [[0, 1], [1, 3]]},
    "val_1": {
        "v___c8": [[0, 1]],
        "v_-d-": [[1, 2], [0, 3]],
        "v_lost": [[0, 1], [1, 2], [2, 3]],
        "v_half": [[0, 3]],
    },
    "val_2": {"v_-d-": [[0, 2]], "v_lost": [[0, 2]]},
}
# Of val_1, 3 of 7 queries have a video, of val_2 1 of 2.
SHARE = {"val_1": 3 / 7, "val_2": 1 / 2}


def write_data(project: Project) -> None:
    videos = project.path("data/videos")
    for folder in ("downloads/2019", "webm"):
        (videos / folder).mkdir(parents=True)
    elsewhere = project.path("disk")
    elsewhere.mkdir()
    (videos / "more").symlink_to(elsewhere)
    times = np.arange(24) / 8
    sound = 0.1 * np.random.default_rng(0).standard_normal(48_000)
    write_video(videos / "v_a.mp4", times, sound=sound)
    write_video(videos / "downloads/2019/bB.mkv", times, sound=sound[::-1])
    write_video(videos / "webm/v___c8.webm", times, codec="libvpx")
    write_video(elsewhere / "-d-.mp4", times, sound=sound / 2).rename(elsewhere / "-d-.MP4")
    shutil.copyfile(videos / "v_a.mp4", videos / "webm/v_-d-.mp4")
    shutil.copyfile(videos / "v_a.mp4", videos / "v_half.mp4.part")
    for split, spans in CAPTIONS.items():
        entries = {
            video: {
                "duration": SECONDS,
                "timestamps": times,
                "sentences": ["A man opens a door."] * len(times),
            }
            for video, times in spans.items()
        }
        project.path(f"data/{split}.json").write_text(json.dumps(entries))


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> Project:
    project = new_project(tmp_path_factory.mktemp("missing") / "project", DATASET)
    write_data(project)
    project.make()
    return project


def metrics_of(project: Project) -> dict:
    return json.loads(project.path(METRICS).read_text())


def values_of(metrics: dict) -> dict:
    """Every number of the answers: (protocol, split, branch, metric) -> mean; and of the best constant."""
    protocols = metrics["variants"]["img"]["protocols"]
    values = {
        (protocol, split, branch, name): score["mean"]
        for protocol, splits in protocols.items()
        for split, branches in splits.items()
        for branch, scores in branches.items()
        for name, score in scores.items()
    }
    for split, scores in metrics["best_constant"].items():
        values |= {("constant", split, "", name): value for name, value in scores.items()}
    return values


def test_the_table_of_videos_names_each_ones_file_and_the_file_not_taken(made):
    table = pd.read_csv(made.path("results/small/videos.tsv"), sep="\t", keep_default_na=False)
    found = {row.video: (row.path, row.others) for row in table.itertuples()}
    assert found == {
        "v_a": ("data/videos/v_a.mp4", ""),
        "v_bB": ("data/videos/downloads/2019/bB.mkv", ""),
        "v___c8": ("data/videos/webm/v___c8.webm", ""),
        "v_-d-": ("data/videos/more/-d-.MP4", "data/videos/webm/v_-d-.mp4"),
        **dict.fromkeys(("v_gone", "v_lost", "v_half"), ("", "")),
    }
    log = made.log("list_videos/small.log")
    assert "video v_-d-: several files; data/videos/more/-d-.MP4 is taken, not" in log
    assert "data/videos: 3 of 7 videos have no file, such as v_gone" in log


def test_coverage_names_every_video_with_its_queries(made):
    table = pd.read_csv(made.path("results/small/coverage.tsv"), sep="\t", keep_default_na=False)
    columns = ["video", "visual", "audio", "train_queries", "val_1_queries", "val_2_queries", "others"]
    lengths = ["seconds", "annotated", "length", "heard"]
    assert list(table.columns) == columns[:3] + lengths + columns[3:]
    assert set(table.loc[table["visual"] == "ok", "length"]) == {"as annotated"}
    assert dict(zip(table["video"], table["heard"], strict=True)) == {
        **dict.fromkeys(("v_a", "v_bB", "v_-d-"), "1.0"),
        "v___c8": "0.0",
        **dict.fromkeys(("v_gone", "v_lost", "v_half"), ""),
    }
    assert {tuple(row) for row in table[columns].itertuples(index=False)} == {
        ("v_a", "ok", "ok", 2, 0, 0, ""),
        ("v_bB", "ok", "ok", 2, 0, 0, ""),
        ("v_gone", "missing", "missing", 2, 0, 0, ""),
        ("v___c8", "ok", "no_audio", 0, 1, 0, ""),
        ("v_-d-", "ok", "ok", 0, 2, 1, "data/videos/webm/v_-d-.mp4"),
        ("v_lost", "missing", "missing", 0, 3, 1, ""),
        ("v_half", "missing", "missing", 0, 1, 0, ""),
    }


def test_metrics_say_how_much_of_each_split_is_left_out_what_and_why(made):
    metrics = metrics_of(made)
    assert metrics["coverage"] == {
        "train": {
            "videos": 3,
            "videos_used": 2,
            "queries": 6,
            "used": 3,
            "without_sound": 0,
            "share_heard": 1.0,
            **AS_ANNOTATED,
            "left_out": {"annotation": 1, "video missing": 2},
        },
        "val_1": {
            "videos": 4,
            "videos_used": 2,
            "queries": 7,
            "used": 3,
            "without_sound": 1,
            "share_heard": 0.6667,
            **AS_ANNOTATED,
            "left_out": {"video missing": 4},
        },
        "val_2": {
            "videos": 2,
            "videos_used": 1,
            "queries": 2,
            "used": 1,
            "without_sound": 0,
            "share_heard": 1.0,
            **AS_ANNOTATED,
            "left_out": {"video missing": 1},
        },
    }
    assert metrics["left_out"] == {
        "train": {"annotation": ["v_bB_1"], "video missing": ["v_gone"]},
        "val_1": {"video missing": ["v_half", "v_lost"]},
        "val_2": {"video missing": ["v_lost"]},
    }
    assert metrics["evaluation"] == {
        "mode": "covered_queries",
        "scored": {"val_1": 3, "val_2": 1},
        "counted_as_misses": {"val_1": 0, "val_2": 0},
        "samples": {"moment": {"val_1": 3, "val_2": 1}},
    }


def test_a_dataset_without_a_test_split_chooses_on_the_one_it_names(made):
    metrics = metrics_of(made)
    (variant,) = metrics["variants"].values()
    assert list(variant["protocols"]) == ["last", "best_on_val_1"]
    assert made.path("results/small/runs/img/seed0/best_on_val_1.safetensors").is_file()
    assert not made.path("results/small/runs/img/seed0/best_on_test.safetensors").exists()


def test_over_all_queries_every_number_falls_by_the_share_of_answered_ones_and_nothing_trains(made):
    covered, predictions = metrics_of(made), pd.read_parquet(predictions_of(made))
    made.edit({"evaluation": "all_queries"})
    assert made.make().jobs == {"evaluate": 1, "summarise": 1}
    counted = metrics_of(made)
    assert counted["evaluation"] == {
        "mode": "all_queries",
        "scored": {"val_1": 7, "val_2": 2},
        "counted_as_misses": {"val_1": 4, "val_2": 1},
        "samples": {"moment": {"val_1": 3, "val_2": 1}},
    }
    before, after = values_of(covered), values_of(counted)
    # On two splits, two protocols with four branches of R1, R5 and mIoU, and the constant's R1 and mIoU.
    assert len(after) == 2 * (2 * 4 * 7 + 4)
    assert after == pytest.approx({key: SHARE[key[1]] * value for key, value in before.items()})
    assert max(before.values()) > 0
    assert counted["coverage"] == covered["coverage"]
    pd.testing.assert_frame_equal(pd.read_parquet(predictions_of(made)), predictions)

    made.edit({"evaluation": None})
    assert made.make().jobs == {"evaluate": 1, "summarise": 1}
    assert values_of(metrics_of(made)) == before


def predictions_of(project: Project):
    return project.path("results/small/runs/img/seed0/predictions.parquet")


def test_another_file_of_a_video_is_reported_and_trains_nothing(made, tmp_path):
    project = made.copy(tmp_path / "project")
    source = project.path("data/videos/v_a.mp4")
    shutil.copyfile(source, source.with_name("v_a.webm"))
    jobs = project.make().jobs
    assert jobs["list_videos"] == jobs["report_coverage"] == 1
    assert "extract_features" not in jobs
    assert "restored from the store" in project.log("train/**/*.log")
    table = pd.read_csv(project.path("results/small/coverage.tsv"), sep="\t", index_col="video")
    assert table.loc["v_a", "others"] == "data/videos/v_a.webm"


def test_an_unfinished_download_changes_nothing(made, tmp_path):
    project = made.copy(tmp_path / "project")
    project.path("data/videos/v_lost.mp4.part").write_bytes(b"half")
    assert project.snakemake("--dry-run", "--", METRICS).did_nothing
