"""The page in a real browser, on a tiny run of made-up videos."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from fake_retriever import FakeRetriever
from media import write_sound, write_video
from served import Served, serve
from small_run import SILENT, SmallRun, tiny_networks
from visitor import Visitor, wait_for

from img.page.drawing.rendering import tell_time
from img.retrieval import Answer, Retriever

if TYPE_CHECKING:
    from playwright.sync_api import Browser

pytestmark = pytest.mark.slow

SENTENCE, OTHER = "the red light", "a blue light goes out"


@pytest.fixture
def come(browser: Browser, served: Served) -> Iterator[Callable[[], Visitor]]:
    """Lets a visitor come; whoever came leaves at the end, having asked nothing of other hosts."""
    visitors = []

    def enter() -> Visitor:
        visitors.append(Visitor(browser, served.url))
        return visitors[-1]

    yield enter
    for visitor in visitors:
        visitor.leave()
        assert visitor.strangers == []


@pytest.fixture(scope="module")
def expect(small: SmallRun) -> Callable[[str, str], list[Answer]]:
    """Answers without the page."""
    with tiny_networks():
        retriever = Retriever.open(small.folder, store=small.store)
        videos = {name: retriever.encode(path) for name, path in small.videos.items()}
    return lambda video, sentence: retriever.answer(videos[video], sentence, answers=5)


def write_times(answers: list[Answer]) -> list[str]:
    return [f"{tell_time(answer.start)} – {tell_time(answer.end)}" for answer in answers]


def test_a_visitor_asks_and_goes_to_the_moments(come, expect, small: SmallRun) -> None:
    expected = expect("four", SENTENCE)
    visitor = come()
    visitor.send(small.videos["four"])
    visitor.wait_until_ready()
    assert visitor.ask(SENTENCE) == write_times(expected)

    # The player waits at the best answer.
    wait_for(lambda: abs(visitor.playing_at() - expected[0].start) < 0.05)

    # A click on another answer plays that moment, and stops at its end.
    last = expected[-1]
    visitor.answers.last.click()
    assert visitor.answers.last.get_attribute("aria-pressed") == "true"
    wait_for(lambda: last.start <= visitor.playing_at() <= last.end + 0.5)
    wait_for(lambda: visitor.page.evaluate("document.querySelector('video').paused"))
    assert visitor.playing_at() == pytest.approx(last.end, abs=0.5)

    # A click on the timeline moves the player, and the cursor follows it.
    duration = float(visitor.page.get_attribute(".moments-timeline", "data-duration") or 0)
    assert duration == pytest.approx(10.0, abs=0.2)
    visitor.click_timeline(0.25)
    wait_for(lambda: abs(visitor.playing_at() - 0.25 * duration) < 0.05)
    cursor = visitor.page.evaluate("parseFloat(document.querySelector('.cursor').style.left)")
    assert cursor == pytest.approx(25, abs=0.5)


def test_the_timeline_is_a_slider_for_the_keyboard(come, small: SmallRun) -> None:
    visitor = come()
    visitor.send(small.videos["four"])
    visitor.wait_until_ready()
    slider = visitor.page.get_by_role("slider", name="Position in the video")
    slider.focus()
    for key, seconds in (("Home", 0.0), ("ArrowRight", 1.0), ("Shift+ArrowRight", 6.0), ("ArrowLeft", 5.0)):
        visitor.page.keyboard.press(key)
        wait_for(lambda seconds=seconds: abs(visitor.playing_at() - seconds) < 0.05)
        assert float(slider.get_attribute("aria-valuenow")) == pytest.approx(seconds, abs=0.05)


def test_every_branch_has_a_lane_in_its_colour(come, small: SmallRun) -> None:
    visitor = come()
    visitor.send(small.videos["four"])
    visitor.wait_until_ready()
    visitor.ask(SENTENCE)
    lanes = visitor.page.locator(".lane.branch")
    assert lanes.evaluate_all("all => all.map(lane => lane.dataset.branch)") == ["fusion", "visual", "audio"]
    assert (
        len(
            set(
                lanes.evaluate_all(
                    "all => all.map(lane => getComputedStyle(lane.querySelector('.dot')).backgroundColor)"
                )
            )
        )
        == 3
    )
    assert visitor.page.locator(".lane.branch svg path").count() >= 3
    assert visitor.page.locator(".frames img").count() == 12
    assert visitor.page.locator(".sound svg path").count() == 1


def test_a_video_without_sound_is_answered_and_says_so(come, expect, small: SmallRun) -> None:
    visitor = come()
    visitor.send(small.videos[SILENT])
    visitor.wait_until_ready()
    assert visitor.ask(SENTENCE) == write_times(expect(SILENT, SENTENCE))
    assert "no sound: the visual branch answers" in visitor.page.inner_text(".moments-answers")
    assert visitor.page.inner_text(".lane.sound .track") == "no sound"


def make_text(folder: Path) -> Path:
    (folder / "notes.mp4").write_text("this is no video")
    return folder / "notes.mp4"


def make_sound(folder: Path) -> Path:
    return write_sound(folder / "song.mkv", np.zeros((1, 16000)), 16000)


def make_long(folder: Path) -> Path:
    return write_video(folder / "long.mp4", np.arange(0, 20, 1))


def make_large(folder: Path) -> Path:
    (folder / "large.mp4").write_bytes(bytes(1_200_000))
    return folder / "large.mp4"


def make_cut(folder: Path) -> Path:
    whole = write_video(folder / "whole.mp4", np.arange(0, 5, 1 / 8)).read_bytes()
    (folder / "cut.mp4").write_bytes(whole[: len(whole) // 2])
    return folder / "cut.mp4"


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (make_text, "notes.mp4: damaged, or not a media file"),
        (make_sound, "song.mkv: expected a video stream, found only audio"),
        (make_long, "long.mp4 is too long: 0.3 minutes, and this page takes up to 0.25."),
        (make_cut, "cut.mp4: damaged"),
    ],
)
def test_a_file_that_cannot_be_used_is_refused_in_words(
    come, served: Served, small: SmallRun, tmp_path: Path, make: Callable[[Path], Path], words: str
) -> None:
    visitor = come()
    visitor.send(make(tmp_path))
    assert words in visitor.error
    assert str(served.root) not in visitor.error
    # The page goes on.
    visitor.send(small.videos["four"])
    visitor.wait_until_ready()
    assert len(visitor.ask(SENTENCE)) > 0


def test_a_file_that_is_too_large_is_refused_in_words_while_it_arrives(come, tmp_path: Path) -> None:
    visitor = come()
    visitor.send(make_large(tmp_path))
    visitor.page.get_by_text("maximum").first.wait_for()
    assert visitor.page.is_disabled("#moments-find")


def test_an_empty_sentence_is_refused_in_words(come, small: SmallRun) -> None:
    visitor = come()
    visitor.send(small.videos["four"])
    visitor.wait_until_ready()
    visitor.start_asking("   ")
    assert visitor.error.startswith("Type a sentence first")


def test_two_visitors_at_once_get_their_own_answers(come, expect, small: SmallRun) -> None:
    one, other = come(), come()
    one.send(small.videos["four"])
    other.send(small.videos["one"])
    one.wait_until_ready()
    other.wait_until_ready()
    one.start_asking(SENTENCE)
    other.start_asking(OTHER)
    found = one.read_answers(), other.read_answers()
    assert found == (write_times(expect("four", SENTENCE)), write_times(expect("one", OTHER)))
    assert found[0] != found[1]


def test_uploads_are_deleted_after_their_visitor_left(browser, served: Served, small: SmallRun) -> None:
    visitor = Visitor(browser, served.url)
    visitor.send(small.videos["four"])
    visitor.wait_until_ready()
    assert len(list((served.root / "visits").rglob("video.mp4"))) == 1
    # Another video takes the place of the first.
    visitor.send(small.videos["one"])
    visitor.wait_until_ready()
    assert len(list((served.root / "visits").rglob("video.mp4"))) == 1
    visitor.leave()
    # Gradio does not notice everybody who leaves; the others are idle then.
    with suppress(AssertionError):
        wait_for(lambda: served.uploads() == [], 60)
    assert served.uploads() == []


def test_a_visitor_whose_video_is_being_read_holds_up_nobody(
    browser, small: SmallRun, tmp_path: Path
) -> None:
    slow = FakeRetriever(encoding_seconds=0.0)
    with serve(lambda store: slow, tmp_path) as served:
        quick, waiting = Visitor(browser, served.url), Visitor(browser, served.url)
        quick.send(small.videos["four"])
        quick.wait_until_ready()
        slow.encoding_seconds = 8.0
        waiting.send(small.videos["one"])
        waiting.page.locator("#moments-status progress[value]").wait_for()
        assert quick.ask("at 3")[0] == "0:03.0 – 0:05.0"
        assert waiting.page.is_disabled("#moments-find")
        waiting.wait_until_ready()
        assert waiting.ask("at 2")[0] == "0:02.0 – 0:04.0"
        for visitor in (quick, waiting):
            visitor.leave()
            assert visitor.strangers == []
    assert list(tmp_path.glob("img-page-*")) == []


def test_words_that_the_model_does_not_know_are_named(browser, small: SmallRun, tmp_path: Path) -> None:
    with serve(lambda store: FakeRetriever(), tmp_path) as served:
        visitor = Visitor(browser, served.url)
        visitor.send(small.videos["four"])
        visitor.wait_until_ready()
        visitor.ask("zebra <b>at</b> 3")
        assert "does not know “zebra”" in visitor.page.inner_text(".moments-answers")
        visitor.leave()


def test_a_program_gets_the_same_answers(served: Served, expect, small: SmallRun, tmp_path: Path) -> None:
    clients = pytest.importorskip("gradio_client", reason="needs the extra `page`")
    client = clients.Client(served.url, verbose=False, analytics_enabled=False)
    video = clients.handle_file(small.videos["four"])
    for found, sentence in (
        (client.predict(video, SENTENCE, 5, "auto", api_name="/retrieve"), SENTENCE),
        (client.predict(OTHER, 5, "auto", api_name="/ask"), OTHER),
    ):
        expected = expect("four", sentence)
        assert (found["video"], found["query"], found["branch"]) == ("four.mp4", sentence, "fusion")
        for name in ("rank", "start", "end", "score"):
            values = [answer[name] for answer in found["answers"]]
            assert values == pytest.approx([getattr(answer, name) for answer in expected], abs=1e-5)
    with pytest.raises(clients.exceptions.AppError, match=r"notes\.mp4: damaged"):
        client.predict(clients.handle_file(make_text(tmp_path)), SENTENCE, 5, "auto", api_name="/retrieve")
    with pytest.raises(clients.exceptions.AppError, match="Send a file, not an address"):
        client.predict(
            clients.handle_file("https://example.org/a.mp4"), SENTENCE, 5, "auto", api_name="/retrieve"
        )
    client.close()
