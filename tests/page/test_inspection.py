from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from media import write_frames, write_sound, write_video

from extractors.media.errors import MediaError
from img.page.looking import inspection
from img.page.looking.inspection import Facts, in_words, inspect, read_facts
from img.page.looking.killable import KilledError
from img.page.visitors.limits import RefusedError


def test_what_browsers_play_is_told_from_what_they_do_not(tmp_path: Path) -> None:
    sound = np.zeros(2 * 16000)
    mp4 = write_video(tmp_path / "a.mp4", np.arange(0, 2, 0.1), sound=sound)
    assert read_facts(mp4) == Facts(pytest.approx(2.0, abs=0.15), "h264", True, True)
    mpeg4 = write_frames(tmp_path / "b.mp4", "mpeg4", 25)
    assert read_facts(mpeg4) == Facts(pytest.approx(1.0, abs=0.05), "mpeg4", False, False)
    webm = write_frames(tmp_path / "c.webm", "libvpx", 25)
    assert read_facts(webm).playable
    assert read_facts(webm).codec == "vp8"
    # Safari and Firefox do not play Matroska, nor anybody 4:4:4.
    assert not read_facts(write_frames(tmp_path / "d.mkv", "libx264", 25)).playable
    assert not read_facts(write_frames(tmp_path / "e.mp4", "libx264", 25, pixel_format="yuv444p")).playable


def test_a_file_without_pictures_is_named(tmp_path: Path) -> None:
    with pytest.raises(MediaError, match="found only audio"):
        read_facts(write_sound(tmp_path / "a.mkv", np.zeros((1, 8000)), 8000))


@pytest.mark.slow
def test_visitors_read_the_name_that_they_gave(tmp_path: Path) -> None:
    (tmp_path / "video.mp4").write_text("no video")
    with pytest.raises(RefusedError, match=r"^This file cannot be used: holiday\.mp4: damaged") as found:
        inspect(tmp_path / "video.mp4", "holiday.mp4")
    assert str(tmp_path) not in str(found.value)


def test_a_decoder_that_dies_is_told_in_words(monkeypatch: pytest.MonkeyPatch) -> None:
    def die(*arguments: object, timeout: float) -> None:
        raise KilledError("its process crashed")

    monkeypatch.setattr(inspection, "run_killable", die)
    with pytest.raises(RefusedError, match=r"^a\.mp4 cannot be used: .* as its process crashed"):
        inspect(Path("a.mp4"), "a.mp4")


def test_words_hold_no_path_of_the_server() -> None:
    assert in_words(MediaError("/srv/x/video.mp4: cut short."), Path("/srv/x/video.mp4"), "a.mp4") == (
        "a.mp4: cut short"
    )
