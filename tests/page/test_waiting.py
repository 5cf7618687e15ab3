import time
from collections.abc import Generator

import pytest

from img.page.retrieving import Progress
from img.page.visitors import waiting
from img.page.visitors.waiting import Step, follow


def test_progress_is_told_and_the_result_returned(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(waiting, "_BEAT_SECONDS", 0.02)

    def work(progress: Progress) -> str:
        progress(0.0, "not seen: the next comes at once")
        progress(0.5, "half")
        time.sleep(0.1)
        return "done"

    results = []

    def listen() -> Generator[Step, None, None]:
        results.append((yield from follow(work)))

    assert list(listen()) == [Step("half", 0.5)]
    assert results == ["done"]


def test_an_error_of_the_work_is_raised_where_it_is_followed() -> None:
    def work(progress: Progress) -> None:
        raise ValueError("no")

    with pytest.raises(ValueError, match=r"^no$"):
        list(follow(work))
