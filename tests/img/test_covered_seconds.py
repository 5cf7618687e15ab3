"""Videos that are shorter or longer than annotated: their clips cover the seconds they cover."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from coverage_tables import AS_ANNOTATED
from feature_folders import heard_seconds, seen_seconds, write_features
from shared_data import SHARED

from extractors.media.pyav_reader import packet_times
from extractors.media.sampling import Timed, frames_at_rate
from extractors.media.windows import cut_windows
from extractors.storage.store import Store
from img.data.clips.inputs import Inputs, VideoInputs
from img.data.coverage import count_coverage, count_misses, list_left_out, read_coverage, write_coverage
from img.data.durations import choose_duration, compare_durations, find_beyond, find_cut
from img.data.samples import Moments, find_usable
from img.data.text.vocabulary import Vocabulary

VOCABULARY = Vocabulary(("a",), ("a",))
COVERED = {"whole": 9.96, "half": 5.0, "long": 20.0, "unknown": None}
CLIPS = 10


def queries() -> pd.DataFrame:
    """Three moments of each video, all of them annotated on ten seconds."""
    moments = [(1.0, 3.0), (4.0, 8.0), (6.0, 9.0)]
    rows = [
        (f"{video}{n}", "train", video, 10.0, *span) for video in COVERED for n, span in enumerate(moments)
    ]
    table = pd.DataFrame(rows, columns=["query", "split", "video", "duration", "start", "end"])
    return table.assign(fault="", words=[["a"]] * len(table))


def inputs() -> Inputs:
    videos = {
        name: VideoInputs(number * CLIPS, CLIPS, {"audio": 0}, seconds)
        for number, (name, seconds) in enumerate(COVERED.items())
    }
    return Inputs({"visual": torch.zeros(40, 1), "audio": torch.zeros(40, 1)}, videos, "")


def test_durations_agree_within_two_seconds_or_15_percent() -> None:
    annotated = np.array([30.0, 30, 30, 30, 4, 4, 30])
    covered = np.array([28.0, 27.9, 32, 32.1, 3.5, 3.3, np.nan])
    lengths = ["as annotated", "shorter", "as annotated", "longer", "as annotated", "shorter", ""]
    assert compare_durations(annotated, covered).tolist() == lengths
    assert choose_duration(annotated, covered).tolist() == [30, 27.9, 30, 32.1, 4, 3.3, 30]


def test_moments_of_a_shorter_video_lie_in_it_partly_beyond_or_beyond() -> None:
    start, end = np.array([1.0, 9, 10, 12]), np.array([9.0, 11, 12, 15])
    short, whole = np.full(4, 10.0), np.full(4, 19.0)
    annotated = np.full(4, 20.0)
    assert find_cut(start, end, annotated, short).tolist() == [False, True, False, False]
    assert find_beyond(start, annotated, short).tolist() == [False, False, True, True]
    for covered in (whole, np.full(4, 40.0), np.full(4, np.nan)):
        assert not find_cut(start, end, annotated, covered).any()
        assert not find_beyond(start, annotated, covered).any()


def test_labels_and_times_are_those_of_the_seconds_that_clips_cover() -> None:
    found = Moments(queries(), "train", inputs(), VOCABULARY)
    table = found.table.assign(first=found.start, last=found.end).set_index("query")
    # Clips of 1 s, of 0.5 s where half the video is there, of 2 s where it is twice as long.
    assert {query: tuple(span) for query, *span in table[["first", "last"]].itertuples()} == {
        "whole0": (1, 2),
        "whole1": (4, 7),
        "whole2": (6, 8),
        "half0": (2, 5),
        "half1": (8, 9),
        "long0": (0, 1),
        "long1": (2, 3),
        "long2": (3, 4),
        "unknown0": (1, 2),
        "unknown1": (4, 7),
        "unknown2": (6, 8),
    }
    durations = table.groupby("video")["duration"].unique().map(list).to_dict()
    assert durations == {"whole": [10.0], "half": [5.0], "long": [20.0], "unknown": [10.0]}
    # What was annotated stays what answers are held against.
    assert (table.loc["half1", "start"], table.loc["half1", "end"]) == (4.0, 8.0)


def coverage_of(folder: Path) -> pd.DataFrame:
    store = Store(folder / "store")
    rows = {video: np.ones((CLIPS, 2), np.float32) for video in COVERED}
    seen = {
        video: np.linspace((0, s / CLIPS), (s - s / CLIPS, s), CLIPS) for video, s in COVERED.items() if s
    }
    heard = {video: [(second, second + 1.0) for second in range(10)] for video in ("whole", "long")}
    visual = write_features(folder / "v", store, rows, row_seconds={v: s.tolist() for v, s in seen.items()})
    audio = write_features(folder / "a", store, {**rows, "half": "no_audio"}, row_seconds=heard)
    write_coverage(queries(), {"visual": visual, "audio": audio}, {}, folder / "coverage.tsv")
    return read_coverage(folder / "coverage.tsv")


def test_coverage_flags_videos_and_counts_their_queries(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    coverage = coverage_of(tmp_path).set_index("video")
    assert coverage["length"].to_dict() == {
        "whole": "as annotated",
        "half": "shorter",
        "long": "longer",
        "unknown": "",
    }
    assert coverage["annotated"].tolist() == [10.0] * 4
    assert coverage["seconds"].dropna().to_dict() == {"half": 5.0, "long": 20.0, "whole": 9.96}
    assert coverage["heard"].dropna().to_dict() == {"half": 0.0, "long": 0.5, "whole": 1.0}
    assert "1 of 4 videos are shorter than annotated, such as half: 5 s in place of 10 s" in caplog.text
    assert "1 of 4 videos are longer than annotated, such as long: 20 s in place of 10 s" in caplog.text

    table, coverage = queries(), coverage.reset_index()
    assert count_coverage(table, coverage)["train"] == {
        "videos": 4,
        "videos_used": 4,
        "queries": 12,
        "used": 11,
        "without_sound": 2,
        **AS_ANNOTATED,
        "partly_heard": 3,
        "share_heard": None,
        "on_shorter_videos": 2,
        "on_longer_videos": 3,
        "moments_cut": 1,
        "left_out": {"moment beyond video": 1},
    }
    assert list_left_out(table, coverage) == {"train": {"moment beyond video": ["half2"]}}
    assert count_misses(table, coverage) == {"train": 1}
    known = table[table["video"] != "unknown"]
    # Two queries hear nothing, three half of their video, three all of it.
    assert count_coverage(known, coverage)["train"]["share_heard"] == pytest.approx(4.5 / 8, abs=1e-4)
    # What is counted as used is what is used.
    assert find_usable(table, "train", inputs()).sum() == 11


@pytest.mark.parametrize(("video", "annotated"), [("v_GGSY1Qvo990", 18.16), ("v_ZNVhz7ctTq0", 14.05)])
@pytest.mark.parametrize(("rate", "window"), [(None, 16), (24, 24), (3.75, 8)])
def test_real_videos_are_as_long_as_annotated(
    video: str, annotated: float, rate: float | None, window: int
) -> None:
    path = SHARED / "activitynet_mini" / "videos" / f"{video}.mp4"
    if not path.is_file():
        pytest.skip(f"{path} is absent")
    frames = [Timed(None, start, end) for start, end in packet_times(path)]
    slots = (slot for shown in frames_at_rate(frames, rate) for slot in shown)
    *_, last = cut_windows(slots, window, window)
    assert compare_durations(np.array([annotated]), np.array([last[-1].end])).tolist() == ["as annotated"]
    assert annotated - last[-1].end == pytest.approx(0.15, abs=0.15)


def test_made_up_rows_follow_the_rules_of_extraction() -> None:
    assert [end for _, end in seen_seconds(4.0)] == pytest.approx([16 / 12, 28 / 12, 40 / 12, 47 / 12])
    assert heard_seconds(2.6) == [(0.0, 1.0), (1.0, 2.0), (2.0, 2.6)]
