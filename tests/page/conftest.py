"""A browser, and a tiny run to ask in it."""

from __future__ import annotations

import importlib.util
import shutil
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest
from served import Served, serve
from small_run import SmallRun, make_media, make_small_run, tiny_networks

from img.page.visitors.limits import Limits

if TYPE_CHECKING:
    from playwright.sync_api import Browser

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
MISSING = [
    name
    for name, found in (
        ("gradio (the extra `page`)", importlib.util.find_spec("gradio")),
        ("playwright (the extra `dev`)", importlib.util.find_spec("playwright")),
        ("a Chromium", CHROMIUM),
    )
    if not found
]


# Not for the whole session: Playwright's event loop stays in the thread until the browser goes.
@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    if MISSING:
        pytest.skip(f"needs {', '.join(MISSING)}")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        found = playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu", "--mute-audio"]
        )
        yield found
        found.close()


@pytest.fixture(scope="session")
def small(tmp_path_factory: pytest.TempPathFactory) -> SmallRun:
    return make_small_run(make_media(tmp_path_factory.mktemp("media")), tmp_path_factory.mktemp("small"))


@pytest.fixture(scope="session")
def served(small: SmallRun, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """The page of the tiny run, up to a megabyte and 15 seconds a video."""
    from img.retrieval import Retriever

    limits = Limits(megabytes=1, minutes=0.25, idle_minutes=0.6)
    with (
        tiny_networks(),
        serve(
            lambda store: Retriever.open(small.folder, store=store), tmp_path_factory.mktemp("served"), limits
        ) as found,
    ):
        yield found
