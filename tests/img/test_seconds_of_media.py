"""From media to clips with the real readers: what sounds at a second is in the clip of that second."""

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from feature_folders import write_features
from media import write_video

from extractors.kinds.pann.parameters import PannParameters
from extractors.media.audio_windows import audio_windows
from extractors.media.errors import ShortMediaError
from extractors.media.sampling import Window
from extractors.media.video import frame_windows
from extractors.parameters import FrameParameters
from extractors.storage.store import Store
from img.config.dataset import InputOptions
from img.data.clips.assembly import assemble
from img.data.clips.inputs import Inputs
from img.data.coverage import read_coverage, write_coverage
from img.data.samples import Moments
from img.data.text.vocabulary import Vocabulary

SECONDS, RATE, SOUND_RATE = 20.0, 8, 16_000
TONE = (8.0, 10.0)
FRAMES = FrameParameters(weights="random", frame_rate=RATE, window=8, stride=8, shorter_side=32, crop=32)
WINDOWS = PannParameters(weights="random")
VOCABULARY = Vocabulary(("a",), ("a",))


def tone(seconds: float) -> np.ndarray:
    """Silence but for a tone of 440 Hz between 8 and 10 s."""
    time = np.arange(round(seconds * SOUND_RATE)) / SOUND_RATE
    return np.where((time >= TONE[0]) & (time < TONE[1]), 0.5 * np.sin(2 * np.pi * 440 * time), 0.0)


def until_cut(windows: Iterator[Window]) -> list[Window]:
    """What there is of a file, as where `accept_short` is set."""
    found: list[Window] = []
    with suppress(ShortMediaError):
        found.extend(windows)
    return found


def assembled(root: Path, video: Path) -> tuple[Inputs, pd.DataFrame, pd.DataFrame]:
    """Inputs, queries and coverage of a video: rows are its windows' mean brightness and loudness."""
    store = Store(root / "store")
    seen = until_cut(frame_windows(video, FRAMES, "pyav"))
    heard = until_cut(audio_windows(video, WINDOWS, "pyav"))
    streams = {
        stream: write_features(
            root / name,
            store,
            {"v": np.array([[values(window.data)] for window in windows], np.float32)},
            row_seconds={"v": [(window.start, window.end) for window in windows]},
        )
        for stream, name, windows, values in (
            ("visual", "seen", seen, np.mean),
            ("audio", "heard", heard, np.std),
        )
    }
    moments = [(2.0, 4.0), TONE, (9.0, 15.0), (16.0, 18.0)]
    rows = [(f"q{number}", "train", "v", SECONDS, *span) for number, span in enumerate(moments)]
    queries = pd.DataFrame(rows, columns=["query", "split", "video", "duration", "start", "end"])
    queries = queries.assign(fault="", words=[["a"]] * len(rows))
    assemble(queries, streams, InputOptions(), store, root / "inputs")
    write_coverage(queries, streams, {}, root / "coverage.tsv")
    return Inputs.load(root / "inputs"), queries, read_coverage(root / "coverage.tsv")


@pytest.mark.parametrize("sound", [10.0, 13.0, SECONDS, 33.0])
def test_a_tone_at_8_to_10_s_is_in_the_clips_of_8_to_10_s(tmp_path: Path, sound: float) -> None:
    times = np.arange(round(SECONDS * RATE)) / RATE
    video = write_video(tmp_path / "v.mp4", times, sound=tone(sound), sample_rate=SOUND_RATE)
    inputs, queries, coverage = assembled(tmp_path, video)
    loudness = inputs.streams["audio"].numpy()[:, 0]
    assert inputs.videos["v"].clips == 20
    assert np.flatnonzero(loudness > 0.2).tolist() == [8, 9]
    # An encoder pads sound by a few milliseconds, which make no row of their own.
    assert inputs.videos["v"].reach["audio"] == min(sound, SECONDS)
    assert coverage.loc[0, "heard"] == pytest.approx(min(sound / SECONDS, 1), abs=0.01)
    moments = Moments(queries, "train", inputs, VOCABULARY)
    assert (moments.start[1], moments.end[1]) == (8, 9)
    batch = moments.batch(np.array([1]), np.random.default_rng(0))
    assert batch.streams["audio"].present.all()
    assert np.flatnonzero(batch.streams["audio"].values[0, :, 0] > 0.2).tolist() == [8, 9]


def test_half_a_matroska_file_keeps_its_labels_in_true_seconds(tmp_path: Path) -> None:
    times = np.arange(round(SECONDS * RATE)) / RATE
    whole = write_video(tmp_path / "whole.mkv", times, sound=tone(SECONDS), sample_rate=SOUND_RATE)
    content = whole.read_bytes()
    half = tmp_path / "half.mkv"
    half.write_bytes(content[: len(content) // 2])
    inputs, queries, coverage = assembled(tmp_path, half)
    video = inputs.videos["v"]
    assert video.seconds is not None
    assert 5 < video.seconds < 15
    assert coverage.loc[0, "length"] == "shorter"
    assert coverage.loc[0, "seconds"] == pytest.approx(video.seconds, abs=1e-3)
    moments = Moments(queries, "train", inputs, VOCABULARY)
    # The last moment lies beyond what is left.
    assert moments.table["query"].tolist() == ["q0", "q1", "q2"]
    length = video.seconds / video.clips
    assert length == pytest.approx(1, abs=0.15)
    assert moments.start[0] * length == pytest.approx(2, abs=0.6)
    assert (moments.end[0] + 1) * length == pytest.approx(4, abs=0.6)
    assert moments.end[2] == video.clips - 1
