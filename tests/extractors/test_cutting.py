"""A moment becomes a file that begins and ends where it was asked to; pictures tell which they are."""

from pathlib import Path

import av
import numpy as np
import pytest
from media import number_of, write_frames, write_video

from extractors.media import cutting
from extractors.media.cutting import TOLERANCE, cut
from extractors.media.errors import MediaError
from extractors.media.pyav_reader import decode_with_pyav

RATE = 10
SOUND = 0.2 * np.sin(np.arange(16000 * 12) / 10)


def shown(path: Path) -> list[tuple[float, int]]:
    """Time and number of each picture of a file."""
    return [(frame.start, number_of(frame.item())) for frame in decode_with_pyav(path)]


def heard_seconds(path: Path) -> float:
    with av.open(str(path)) as container:
        frames = list(container.decode(audio=0))
    return sum(frame.samples for frame in frames) / frames[0].sample_rate


@pytest.fixture
def video(tmp_path: Path) -> Path:
    return write_video(tmp_path / "v.mp4", np.arange(120) / RATE, sound=SOUND)


@pytest.fixture
def keyed(tmp_path: Path) -> Path:
    """A video at 25 pictures a second with a key frame every second."""
    return write_frames(tmp_path / "k.mp4", "libx264", 200, g="25", bf="0", sc_threshold="0")


def test_a_moment_between_key_frames_is_encoded_again_to_the_picture(video: Path, tmp_path: Path) -> None:
    made = cut(video, 3.0, 5.5, tmp_path / "cuts" / "a")
    assert made == tmp_path / "cuts" / "a.mp4"
    pictures = shown(made)
    assert [number for _, number in pictures] == list(range(30, 55))
    np.testing.assert_allclose([time for time, _ in pictures], np.arange(25) / RATE, atol=0.011)
    assert heard_seconds(made) == pytest.approx(2.5, abs=TOLERANCE)


def test_a_moment_that_begins_at_a_key_frame_is_copied(
    keyed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(cutting, "_encode")
    pictures = shown(cut(keyed, 2.05, 4.0, tmp_path / "a"))
    assert [number for _, number in pictures] == list(range(50, 100))
    np.testing.assert_allclose([time for time, _ in pictures], np.arange(50) / 25, atol=0.001)


def test_a_moment_away_from_key_frames_is_not_copied(
    keyed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(cutting, "_copy")
    pictures = shown(cut(keyed, 2.48, 4.0, tmp_path / "a"))
    assert [number for _, number in pictures] == list(range(62, 100))
    assert pictures[0][0] == pytest.approx(0, abs=0.001)


def test_seconds_count_from_the_first_picture(tmp_path: Path) -> None:
    late = write_video(tmp_path / "late.mkv", 5 + np.arange(60) / RATE)
    pictures = shown(cut(late, 1.0, 2.0, tmp_path / "a"))
    assert [number for _, number in pictures] == list(range(10, 20))


def test_a_turned_video_is_upright(tmp_path: Path) -> None:
    turned = write_video(tmp_path / "t.mp4", np.arange(40) / RATE, size=(48, 64), rotation=90)
    with av.open(str(cut(turned, 1.0, 2.0, tmp_path / "a"))) as container:
        frame = next(container.decode(video=0))
    assert (frame.height, frame.width, frame.rotation) == (64, 48, 0)


def test_a_moment_after_the_end_leaves_no_file(video: Path, tmp_path: Path) -> None:
    with pytest.raises(MediaError, match=r"v\.mp4: expected pictures from 20\.0 to 21\.0 s, found none"):
        cut(video, 20, 21, tmp_path / "cuts" / "a")
    assert not list((tmp_path / "cuts").iterdir())
