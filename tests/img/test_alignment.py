"""Sound that ends before or after its video, and videos that end before or after their annotated duration."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from feature_folders import RowSeconds, heard_seconds, seen_seconds, write_features
from hypothesis import given
from hypothesis import strategies as st

from extractors.rows import pool
from extractors.storage.files import read_json
from extractors.storage.manifest import Row
from extractors.storage.store import Store
from img.config.dataset import InputOptions
from img.data.clips.alignment import Fit, count_rows, ends_together, fit, share_covered
from img.data.clips.assembly import assemble
from img.data.clips.inputs import Inputs

TONE = (8.0, 10.0)
VIDEO_SECONDS = 20.0


def row_of(seconds: RowSeconds | None, rows: int = 0) -> Row:
    """What a manifest says of an array with these rows."""
    return Row("v", "ok", len(seconds or ()) or rows, 1, seconds[-1][1] if seconds else None)


def tone_rows(seconds: RowSeconds) -> np.ndarray:
    """Rows that tell how much of each the tone sounds [n, 1]; 0.01 where only the room is heard."""
    shares = [max(min(end, TONE[1]) - max(start, TONE[0]), 0) / (end - start) for start, end in seconds]
    return np.maximum(np.array(shares, np.float32), 0.01)[:, None]


def assembled(
    root: Path, seen: RowSeconds, heard: RowSeconds, standardise: bool = False, clips: int = 128
) -> Inputs:
    """Inputs of one video whose only sound is the tone."""
    store = Store(root / "store")
    rng = np.random.default_rng(0)
    visual = write_features(
        root / "v", store, {"v": rng.random((len(seen), 2), np.float32)}, row_seconds={"v": seen}
    )
    audio = write_features(root / "a", store, {"v": tone_rows(heard)}, row_seconds={"v": heard})
    queries = pd.DataFrame({"video": ["v"], "split": ["train"], "fault": [""]})
    options = InputOptions(max_clips=clips, standardise=standardise)
    assemble(queries, {"visual": visual, "audio": audio}, options, store, root / "inputs")
    return Inputs.load(root / "inputs")


def loud_seconds(inputs: Inputs, threshold: float = 0.5) -> tuple[float, float]:
    """From when to when the clips hold the tone, each an equal share of the video's seconds."""
    video = inputs.videos["v"]
    assert video.seconds is not None
    loud = np.flatnonzero(inputs.streams["audio"].numpy()[:, 0] > threshold)
    length = video.seconds / video.clips
    return loud[0] * length, (loud[-1] + 1) * length


@pytest.mark.parametrize(("window", "hop"), [(1.0, 1.0), (0.96, 0.96), (1.0, 0.5)])
@pytest.mark.parametrize("sound", [10.0, 10.7, 15.0, 20.0, 20.4, 31.0, 60.0])
def test_a_tone_becomes_the_clips_it_is_heard_in_however_long_the_sound_is(
    tmp_path: Path, window: float, hop: float, sound: float
) -> None:
    inputs = assembled(tmp_path, seen_seconds(VIDEO_SECONDS), heard_seconds(sound, window, hop))
    assert loud_seconds(inputs) == pytest.approx(TONE, abs=1.1)


def test_sound_of_half_a_video_is_heard_in_half_its_clips_and_zero_in_the_rest(tmp_path: Path) -> None:
    inputs = assembled(tmp_path, [(second, second + 1) for second in range(20)], heard_seconds(10.0))
    audio = inputs.streams["audio"].numpy()[:, 0]
    np.testing.assert_allclose(audio, [0.01] * 8 + [1, 1] + [0] * 10)
    assert (inputs.videos["v"].reach["audio"], inputs.videos["v"].clips) == (10, 20)
    # Without the seconds of its rows the tone would be heard from 15 to 20 s.
    stretched = pool(tone_rows(heard_seconds(10.0)), 20)[:, 0]
    assert np.flatnonzero(stretched > 0.5).tolist() == [15, 16, 17, 18, 19]


def test_sound_that_runs_on_is_cut_at_the_videos_end(tmp_path: Path) -> None:
    inputs = assembled(tmp_path, [(second, second + 1) for second in range(12)], heard_seconds(40.0))
    np.testing.assert_allclose(inputs.streams["audio"].numpy()[:, 0], [0.01] * 8 + [1, 1] + [0.01] * 2)
    assert inputs.videos["v"].reach["audio"] == 12


def test_clips_after_the_sounds_end_stay_zero_when_standardised_and_count_for_nothing(tmp_path: Path) -> None:
    seen = [(second, second + 1.0) for second in range(20)]
    inputs = assembled(tmp_path, seen, heard_seconds(10.0), standardise=True)
    audio = inputs.streams["audio"].numpy()[:, 0]
    np.testing.assert_array_equal(audio[10:], 0)
    assert audio[:10].mean() == pytest.approx(0, abs=1e-6)
    assert audio[:10].std() == pytest.approx(1, abs=1e-6)
    np.testing.assert_allclose(inputs.standardisation["audio"].mean, tone_rows(heard_seconds(10.0)).mean())


def test_pooled_clips_keep_the_tones_time_too(tmp_path: Path) -> None:
    seen = [(second / 2, (second + 1) / 2) for second in range(40)]
    inputs = assembled(tmp_path, seen, heard_seconds(10.0), clips=10)
    np.testing.assert_allclose(inputs.streams["audio"].numpy()[:, 0], [0.01] * 4 + [1] + [0] * 5)
    assert inputs.videos["v"].reach["audio"] == 5


@given(video=st.floats(1, 300), off=st.floats(-0.9, 0.9), grid=st.sampled_from([(1.0, 1.0), (0.96, 0.96)]))
def test_sound_that_ends_within_a_row_of_its_video_is_left_as_it_is(
    video: float, off: float, grid: tuple[float, float]
) -> None:
    seen = row_of([(0.0, video)])
    heard = heard_seconds(video + off * grid[0], *grid)
    sound = row_of(heard)
    if abs(heard[-1][1] - video) <= heard[-1][1] / len(heard):
        assert ends_together(sound, seen)
        assert fit(sound, seen, _never) == Fit("seconds", sound.rows, sound.rows)
        assert share_covered(sound, seen) == 1


@given(
    seconds=st.floats(0.5, 200),
    grid=st.sampled_from([(1.0, 1.0), (0.96, 0.96), (2.0, 1.0), (1.0, 1.5), (10.0, 10.0)]),
    other=st.floats(0.5, 200),
)
def test_the_rows_up_to_an_end_are_those_of_a_sound_that_ends_there(
    seconds: float, grid: tuple[float, float], other: float
) -> None:
    # Ends on the seams of windows may fall either way.
    window, hop = grid
    phase = (seconds % hop, (seconds - window / 2) % hop, (seconds - window) % hop)
    if any(min(part, hop - part) < 0.01 for part in phase) or other < window + hop:
        return
    rows = np.array(heard_seconds(other, *grid))
    assert count_rows(rows, seconds) == len(heard_seconds(seconds, *grid))


def test_a_single_short_row_keeps_its_seconds() -> None:
    fitted = fit(row_of([(0.0, 0.4)]), row_of([(0.0, 20.0)]), lambda: np.array([[0.0, 0.4]]))
    assert fitted == Fit("seconds", 1, 50)
    assert fitted.count_clips(20) == 1
    assert share_covered(row_of([(0.0, 0.4)]), row_of([(0.0, 20.0)])) == pytest.approx(0.02)


@pytest.mark.parametrize("unknown", ["sound", "video"])
def test_arrays_without_seconds_share_the_video_as_ever(unknown: str) -> None:
    sound, video = row_of(heard_seconds(10.0)), row_of(seen_seconds(20.0))
    if unknown == "sound":
        sound = row_of(None, rows=10)
    else:
        video = row_of(None, rows=20)
    assert fit(sound, video, _never) == Fit("share", 10, 10)
    known = row_of(heard_seconds(10.0)), row_of(seen_seconds(20.0))
    assert fit(*known, _never, "share") == Fit("share", 10, 10)
    assert np.isnan(share_covered(sound, video))


def test_the_index_tells_by_which_rule_sound_was_aligned(tmp_path: Path) -> None:
    store = Store(tmp_path / "store")
    seconds = {"known": heard_seconds(4.0)}
    videos: dict[str, np.ndarray | str] = {
        name: np.ones((4, 2), np.float32) for name in ("known", "given", "mute")
    }
    visual = write_features(tmp_path / "v", store, videos, row_seconds=seconds)
    audio = write_features(tmp_path / "a", store, {**videos, "mute": "no_audio"}, row_seconds=seconds)
    queries = pd.DataFrame({"video": list(videos), "split": "train", "fault": ""})
    streams = {"visual": visual, "audio": audio}
    assemble(queries, streams, InputOptions(), store, tmp_path / "inputs")
    index = read_json(tmp_path / "inputs" / "index.json")
    assert index["aligned_by"] == {"audio": {"seconds": 1, "share": 1}}
    assemble(queries, streams, InputOptions(), store, tmp_path / "inputs", {"audio": "share"})
    assert read_json(tmp_path / "inputs" / "index.json")["aligned_by"] == {"audio": {"share": 2}}


@pytest.mark.parametrize("content", [None, '{"row_seconds": null}', '{"row_seconds": [[0, 1]]}'])
def test_a_description_that_does_not_tell_the_seconds_it_should_is_refused(
    tmp_path: Path, content: str | None
) -> None:
    folder = write_features(
        tmp_path / "a",
        Store(tmp_path / "store"),
        {"v": np.ones((4, 2), np.float32)},
        row_seconds={"v": heard_seconds(4.0)},
    )
    path = tmp_path / "a" / "v.json"
    path.unlink()
    if content:
        path.write_text(content)
    with pytest.raises(
        ValueError, match=r"v\.json: expected the seconds of 4 rows, found .*; compute it again by: snakemake"
    ):
        folder.row_seconds("v")


def _never() -> Sequence[tuple[float, float]]:
    raise AssertionError("the seconds of the rows were not needed")
