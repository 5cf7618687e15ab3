from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from media import number_of, write_video

from extractors.__main__ import main
from extractors.media.errors import MediaError
from extractors.media.preview import load_previews, preview, save_previews

MEDIA = Path(__file__).parents[3] / "shared" / "data"
REAL = MEDIA / "activitynet_mini" / "videos" / "v_GGSY1Qvo990.mp4"
SIDEWAYS = MEDIA / "media" / "video_90.mov"
needs_media = pytest.mark.skipif(not REAL.is_file(), reason="needs the real videos in ../shared")


@needs_media
def test_a_video_gives_as_many_pictures_of_the_height_asked_for_and_its_loudness() -> None:
    found = preview(REAL, pictures=5, height=48, parts=100)
    assert found.pictures.shape[:2] == (5, 48)
    assert found.pictures.dtype == np.uint8
    assert len(found.loudness) == 100
    assert 0 < found.loudness.max() <= 1.5
    assert found.sound_seconds == pytest.approx(found.video_seconds, abs=1.0)


@needs_media
def test_pictures_are_upright_and_a_video_without_sound_has_no_loudness() -> None:
    found = preview(SIDEWAYS, pictures=2, height=60)
    assert found.pictures.shape[1] > found.pictures.shape[2]
    assert len(found.loudness) == 0
    assert found.sound_seconds == 0


def test_loudness_is_that_of_equal_parts_of_the_sound(tmp_path: Path) -> None:
    times = np.arange(10 * 16000) / 16000
    path = write_video(
        tmp_path / "a.mkv", np.arange(100) / 10, sound=times / 20 * np.sin(2 * np.pi * 440 * times)
    )
    found = preview(path, pictures=2, height=16, parts=10)
    assert found.sound_seconds == pytest.approx(10.0, abs=0.15)
    np.testing.assert_allclose(found.loudness, np.arange(1, 11) / 20, atol=0.02)


def test_pictures_are_from_equal_parts_of_a_video_that_begins_late(tmp_path: Path) -> None:
    found = preview(write_video(tmp_path / "late.mkv", np.arange(100) / 25 + 3), pictures=4, height=64)
    assert [number_of(picture) for picture in found.pictures] == pytest.approx([12, 37, 62, 87], abs=1)
    assert found.video_seconds == pytest.approx(4.0, abs=0.05)


def test_a_file_that_is_no_video_is_named(tmp_path: Path) -> None:
    (tmp_path / "text.mp4").write_text("no video")
    with pytest.raises(MediaError, match=r"text\.mp4"):
        preview(tmp_path / "text.mp4")


@needs_media
def test_previews_are_kept_and_read_back(tmp_path: Path) -> None:
    found = {"v_a": preview(REAL, pictures=2, height=16, parts=10)}
    save_previews(found, tmp_path / "previews.npz")
    back = load_previews(tmp_path / "previews.npz")["v_a"]
    assert np.array_equal(back.pictures, found["v_a"].pictures)
    assert np.array_equal(back.loudness, found["v_a"].loudness)
    assert (back.video_seconds, back.sound_seconds) == (
        found["v_a"].video_seconds,
        found["v_a"].sound_seconds,
    )


@needs_media
def test_the_command_leaves_out_what_has_no_file_and_what_fails(tmp_path: Path) -> None:
    (tmp_path / "bad.mp4").write_text("no video")
    rows = [("real", REAL), ("bad", tmp_path / "bad.mp4"), ("gone", ""), ("unwanted", REAL)]
    (tmp_path / "videos.tsv").write_text("video\tpath\n" + "".join(f"{v}\t{p}\n" for v, p in rows))
    (tmp_path / "only.tsv").write_text("query\tvideo\n1\treal\n2\tbad\n3\tgone\n4\treal\n")
    out = tmp_path / "previews.npz"
    options = ["--videos", tmp_path / "videos.tsv", "--only", tmp_path / "only.tsv", "--out", out]
    assert main(["preview", *map(str, options)]) == 0
    assert list(load_previews(out)) == ["real"]
