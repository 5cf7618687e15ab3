from __future__ import annotations

from pathlib import Path

import pytest

from img.page.visitors.limits import RefusedError
from img.page.visitors.visits import Visits


@pytest.fixture
def upload(tmp_path: Path) -> Path:
    path = tmp_path / "upload"
    path.write_bytes(b"a video")
    return path


def test_each_visitor_has_a_video_of_their_own(tmp_path: Path, upload: Path) -> None:
    visits: Visits[str] = Visits(tmp_path / "visits", 60)
    (tmp_path / "visits").mkdir()
    kept = [visits.of(name).take(upload, ".mp4") for name in ("one", "other")]
    assert kept[0] != kept[1]
    upload.unlink()
    assert [path.read_bytes() for path in kept] == [b"a video", b"a video"]
    assert visits.of("one") is visits.of("one")


def test_a_folder_has_no_name_that_another_visitor_could_guess(tmp_path: Path) -> None:
    visits: Visits[str] = Visits(tmp_path, 60)
    names = {visits.of(str(number)).folder.name for number in range(50)}
    assert len(names) == 50
    assert min(map(len, names)) >= 32


def test_a_new_video_takes_the_place_of_the_one_before(tmp_path: Path, upload: Path) -> None:
    visit = Visits[str](tmp_path, 60).of("one")
    visit.take(upload, ".mp4")
    visit.shown = "the first"
    second = visit.take(upload, ".webm")
    assert list(visit.folder.iterdir()) == [second]
    assert visit.shown is None


def test_who_leaves_is_forgotten(tmp_path: Path, upload: Path) -> None:
    visits: Visits[str] = Visits(tmp_path / "visits", 60)
    (tmp_path / "visits").mkdir()
    kept = visits.of("one").take(upload, ".mp4")
    visits.end("one")
    visits.end("never came")
    assert not kept.parent.exists()


def test_who_leaves_while_being_served_is_forgotten_afterwards(tmp_path: Path, upload: Path) -> None:
    visits: Visits[str] = Visits(tmp_path / "visits", 60)
    (tmp_path / "visits").mkdir()
    visit = visits.of("one")
    with visit.doing():
        visits.end("one")
        visit.take(upload, ".mp4")
    assert list((tmp_path / "visits").iterdir()) == []


def test_the_idle_are_forgotten_and_the_busy_are_not(tmp_path: Path, upload: Path) -> None:
    visits: Visits[str] = Visits(tmp_path / "visits", idle_seconds=100)
    (tmp_path / "visits").mkdir()
    idle, busy, fresh = (visits.of(name) for name in ("idle", "busy", "fresh"))
    for visit in (idle, busy, fresh):
        visit.take(upload, ".mp4")
    idle.seen -= 200
    with busy.doing():
        busy.seen -= 200
        visits.forget_idle()
    assert [visit.folder.exists() for visit in (idle, busy, fresh)] == [False, True, True]


def test_one_thing_at_a_time_is_done_for_each_visitor(tmp_path: Path) -> None:
    visits: Visits[str] = Visits(tmp_path, 60)
    with visits.of("one").doing():
        with pytest.raises(RefusedError, match="One thing at a time"), visits.of("one").doing():
            pass
        with visits.of("other").doing():
            assert visits.of("other").busy
    with visits.of("one").doing():
        pass
