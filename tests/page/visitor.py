"""Somebody in front of the page."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Locator

_MILLISECONDS = 60_000


class Visitor:
    """A browser window with cookies of its own; it notes what it asks of other hosts."""

    def __init__(self, browser: Browser, url: str) -> None:
        self._context = browser.new_context(viewport={"width": 1366, "height": 850})
        self.page = self._context.new_page()
        self.page.set_default_timeout(_MILLISECONDS)
        self.strangers: list[str] = []
        self.page.on("request", lambda request: self._note(request.url, url))
        self.page.goto(url)
        self.page.wait_for_selector("#moments-query")

    def _note(self, asked: str, url: str) -> None:
        if not asked.startswith((url, "data:", "blob:")):
            self.strangers.append(asked)

    def send(self, path: Path) -> None:
        """Chooses a video, before the first or in the place of the one before."""
        which = "moments-another" if self.page.is_visible("#moments-another") else "moments-upload"
        if which == "moments-upload":
            self.page.set_input_files("#moments-upload input[type=file]", path)
        else:
            with self.page.expect_file_chooser() as chooser:
                self.page.click("#moments-another")
            chooser.value.set_files(path)

    def wait_until_ready(self) -> None:
        self.page.wait_for_selector("#moments-find:not([disabled])")

    def start_asking(self, sentence: str) -> None:
        self.page.fill("#moments-query textarea, #moments-query input", sentence)
        self.page.click("#moments-find")

    def ask(self, sentence: str) -> list[str]:
        """Asks, and reads the answers' times."""
        self.start_asking(sentence)
        return self.read_answers()

    def read_answers(self) -> list[str]:
        self.answers.first.wait_for()
        return [" ".join(text.split()) for text in self.page.locator(".answer .when").all_inner_texts()]

    @property
    def answers(self) -> Locator:
        return self.page.locator(".moments-answers .answer")

    @property
    def error(self) -> str:
        """The error that the page shows, once it shows one."""
        alert = self.page.locator("#moments-status [role=alert]")
        alert.wait_for()
        return " ".join(alert.inner_text().split())

    def playing_at(self) -> float:
        return float(self.page.evaluate("document.querySelector('.moments-player video').currentTime"))

    def click_timeline(self, share: float) -> None:
        overlay = self.page.locator(".moments-timeline .overlay")
        box = overlay.bounding_box()
        assert box is not None
        overlay.click(position={"x": share * box["width"], "y": box["height"] / 2})

    def leave(self) -> None:
        self._context.close()


def wait_for(condition: Callable[[], bool], seconds: float = 20.0) -> None:
    """Waits until something holds, and fails where it does not in time."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not come true in time"
        time.sleep(0.1)
