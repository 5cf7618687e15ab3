from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from coverage_tables import AS_ANNOTATED
from feature_folders import write_features

from extractors.storage.store import Store
from img.data.coverage import count_coverage, count_misses, list_left_out, read_coverage, write_coverage

ARRAY = np.zeros((2, 3), np.float32)
QUERIES = pd.DataFrame(
    [
        ("001", "train", ""),
        ("001", "train", "its start lies outside"),
        ("001", "test", ""),
        ("silent", "test", ""),
        ("broken", "test", ""),
        ("cut", "test", ""),
        ("gone", "train", ""),
        ("gone", "train", "it has no words"),
        ("new", "test", ""),
    ],
    columns=["video", "split", "fault"],
).assign(query=[f"q{number}" for number in range(9)], duration=20.0, start=4.0, end=8.0)


def coverage_of(folder: Path) -> pd.DataFrame:
    store = Store(folder / "store")
    faults = {"broken": 'failed: no "moov" atom', "cut": "failed: timed out", "gone": "missing"}
    visual = write_features(folder / "visual", store, {"001": ARRAY, "silent": ARRAY, **faults})
    audio = write_features(folder / "audio", store, {"001": ARRAY, "silent": "no_audio", **faults})
    streams = {"visual": visual, "audio": audio}
    write_coverage(QUERIES, streams, {"cut": "b/cut.mp4 | c/cut.mkv"}, folder / "coverage.tsv")
    return read_coverage(folder / "coverage.tsv")


def test_every_video_has_a_row_with_its_statuses_and_queries(tmp_path: Path) -> None:
    coverage = coverage_of(tmp_path)
    columns = ["video", "visual", "audio", "test_queries", "train_queries", "others"]
    lengths = ["seconds", "annotated", "length", "heard"]
    assert list(coverage.columns) == columns[:3] + lengths + columns[3:]
    assert [tuple(row) for row in coverage[columns].itertuples(index=False)] == [
        ("001", "ok", "ok", 1, 2, ""),
        ("broken", 'failed: no "moov" atom', 'failed: no "moov" atom', 1, 0, ""),
        ("cut", "failed: timed out", "failed: timed out", 1, 0, "b/cut.mp4 | c/cut.mkv"),
        ("gone", "missing", "missing", 0, 2, ""),
        ("new", "not extracted", "not extracted", 1, 0, ""),
        ("silent", "ok", "no_audio", 1, 0, ""),
    ]


def test_every_query_is_counted_as_used_or_left_out_with_its_reason(tmp_path: Path) -> None:
    counts = count_coverage(QUERIES, coverage_of(tmp_path))
    assert counts == {
        "train": {
            "videos": 2,
            "videos_used": 1,
            "queries": 4,
            "used": 1,
            "without_sound": 0,
            "share_heard": None,
            **AS_ANNOTATED,
            "left_out": {"annotation": 2, "video missing": 1},
        },
        "test": {
            "videos": 5,
            "videos_used": 2,
            "queries": 5,
            "used": 2,
            "without_sound": 1,
            "share_heard": None,
            **AS_ANNOTATED,
            "left_out": {"video failed": 2, "video not extracted": 1},
        },
    }


def test_queries_on_videos_without_a_further_stream_are_counted(tmp_path: Path) -> None:
    coverage = coverage_of(tmp_path)
    coverage.insert(2, "narrative", ["ok" if video == "silent" else "missing" for video in coverage["video"]])
    counts = count_coverage(QUERIES, coverage)
    assert (counts["train"]["used"], counts["train"]["without"]) == (1, {"narrative": 1})
    assert (counts["test"]["used"], counts["test"]["without"]) == (2, {"narrative": 1})


def test_everything_left_out_is_named_with_its_reason(tmp_path: Path) -> None:
    assert list_left_out(QUERIES, coverage_of(tmp_path)) == {
        "train": {"annotation": ["q1", "q7"], "video missing": ["gone"]},
        "test": {"video failed": ["broken", "cut"], "video not extracted": ["new"]},
    }


def test_a_miss_is_a_faultless_query_whose_video_is_absent(tmp_path: Path) -> None:
    # Of train, q6 on the missing video; q7 on it is faulty, q1 is faulty on a video that is there.
    assert count_misses(QUERIES, coverage_of(tmp_path)) == {"train": 1, "test": 3}


def coverage_of_eight_seconds(folder: Path, queries: pd.DataFrame) -> pd.DataFrame:
    store = Store(folder / "store")
    visual = write_features(folder / "v", store, {"a": ARRAY}, row_seconds={"a": [(0.0, 4.0), (4.0, 8.0)]})
    write_coverage(queries, {"visual": visual}, {}, folder / "coverage.tsv")
    return read_coverage(folder / "coverage.tsv")


def test_a_duration_that_is_not_annotated_is_what_the_clips_cover(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    spans = {"start": [2.0, 2000.0, 8.0], "end": [9.0, 4000.0, 9.0]}
    queries = pd.DataFrame({"query": ["in", "ms", "after"], **spans})
    queries = queries.assign(video="a", split="test", fault="", duration=np.nan)
    coverage = coverage_of_eight_seconds(tmp_path, queries)
    assert (coverage["seconds"].tolist(), coverage["annotated"].tolist()) == ([8.0], [""])
    counts = count_coverage(queries, coverage)["test"]
    assert (counts["used"], counts["left_out"]) == (1, {"moment beyond video": 2})
    assert (counts["on_shorter_videos"], counts["moments_cut"]) == (0, 0)
    assert "1 of 3 moments begin after their video and would lie inside if their times" in caplog.text


def test_a_query_counts_as_cut_where_any_of_its_moments_is(tmp_path: Path) -> None:
    queries = pd.DataFrame(
        {"query": ["one", "two"], "start": 1.0, "end": 2.0, "further_windows": [(), ((7.0, 9.0),)]}
    ).assign(video="a", split="test", fault="", duration=20.0)
    counts = count_coverage(queries, coverage_of_eight_seconds(tmp_path, queries))["test"]
    assert (counts["queries"], counts["used"], counts["moments_cut"]) == (2, 2, 1)
