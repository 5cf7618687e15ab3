from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from fake_retriever import FakeRetriever
from media import write_video

from img.page import service as services
from img.page.looking.inspection import Facts
from img.page.looking.strip import Strip
from img.page.service import Service, Shown, Taken
from img.page.visitors.limits import Limits, RefusedError
from img.page.visitors.visits import Visits


@pytest.fixture
def service(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Service:
    """A service that looks into files without starting processes."""
    monkeypatch.setattr(services, "inspect", lambda path, name: Facts(10.0, "h264", True, True))
    monkeypatch.setattr(services, "make_strip", lambda path, duration: Strip())
    (tmp_path / "visits").mkdir()
    return Service(FakeRetriever(), Visits(tmp_path / "visits", 60), Limits(minutes=0.2))


@pytest.fixture
def upload(tmp_path: Path) -> Path:
    return write_video(tmp_path / "upload.mp4", np.arange(0, 1, 0.1))


def test_a_video_is_taken_step_by_step_and_asked_about(service: Service, upload: Path) -> None:
    steps = list(service.receive("me", upload, "mine.mp4"))
    assert [type(step) for step in steps if not isinstance(step, services.Step)] == [Taken, Strip, Shown]
    asked = service.ask("me", "at 3 zebra", "auto", 3)
    assert [answer.start for answer in asked.answers] == pytest.approx([3.0, 3.7, 4.4])
    assert asked.branch == "fusion"
    assert [(lane.name, lane.bands[0].start, lane.chosen) for lane in asked.lanes] == [
        ("fusion", 3.0, True),
        ("visual", 3.5, False),
        ("audio", 4.0, False),
    ]
    assert set(asked.lanes[0].curves) == {"start", "end"}
    assert asked.importance == 0.62
    assert asked.notes == ["The model does not know “zebra”; it read the sentence without."]


def test_auto_is_named_by_the_branch_that_answered(service: Service, upload: Path) -> None:
    service.retriever = FakeRetriever(silent=True)
    list(service.receive("me", upload, "mine.mp4"))
    asked = service.ask("me", "at 3", "auto", 2)
    assert asked.branch == "visual"
    assert asked.importance != asked.importance
    assert service.ask("me", "at 3", "audio", 2).branch == "audio"


def test_no_more_answers_are_given_than_allowed(service: Service, upload: Path) -> None:
    list(service.receive("me", upload, "mine.mp4"))
    assert len(service.ask("me", "at 3", "auto", 1000).answers) == service.limits.answers


def test_a_question_before_a_video_is_refused(service: Service) -> None:
    with pytest.raises(RefusedError, match="Choose a video first"):
        service.ask("me", "at 3", "auto", 1)


def test_a_question_while_the_video_is_read_is_refused(service: Service, upload: Path) -> None:
    reading = service.receive("me", upload, "mine.mp4")
    next(reading)
    with pytest.raises(RefusedError, match="One thing at a time"):
        service.ask("me", "at 3", "auto", 1)
    list(reading)
    assert service.ask("me", "at 3", "auto", 1).answers


def test_a_video_that_is_refused_is_deleted(
    service: Service, upload: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(services, "inspect", lambda path, name: Facts(60.0, "h264", True, True))
    with pytest.raises(RefusedError, match="too long"):
        list(service.receive("me", upload, "mine.mp4"))
    assert not service.visits.of("me").folder.exists()


def test_what_the_retriever_cannot_read_is_told_by_the_visitors_name(service: Service, upload: Path) -> None:
    class Failing(FakeRetriever):
        def encode(self, path, progress):
            raise ValueError(f"{path}: cut short")

    service.retriever = Failing()
    with pytest.raises(RefusedError, match=r"^This video cannot be read: mine\.mp4: cut short\.$"):
        list(service.receive("me", upload, "mine.mp4"))
    assert not service.visits.of("me").folder.exists()


def test_the_name_must_be_that_of_a_video(service: Service, upload: Path) -> None:
    with pytest.raises(RefusedError, match=r"page\.html is not called like a video"):
        list(service.receive("me", upload, "page.html"))


def test_a_question_that_the_model_cannot_read_is_refused_in_words(service: Service, upload: Path) -> None:
    class Failing(FakeRetriever):
        def answer(self, video, query, answers, branch):
            raise ValueError("query: expected a sentence, found no word")

    list(service.receive("me", upload, "mine.mp4"))
    service.retriever = Failing()
    with pytest.raises(RefusedError, match=r"^This question cannot be answered: query: .* found no word\.$"):
        service.ask("me", "!?", "auto", 1)
