import pytest
from file_server import serve

from img.resources.download import Patience

CONTENT = bytes(range(256)) * 40


@pytest.fixture
def content() -> bytes:
    """The bytes of the served file, 10,240 of them."""
    return CONTENT


@pytest.fixture
def server(monkeypatch):
    """A server of one file, /file, reached without any proxy."""
    for name in ("http_proxy", "HTTP_PROXY", "no_proxy", "NO_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    with serve({"/file": CONTENT}) as server:
        yield server


@pytest.fixture
def pauses() -> list[float]:
    """The pauses that were made, without waiting."""
    return []


@pytest.fixture
def patience(pauses) -> Patience:
    return Patience(attempts=4, first_pause=1, longest_pause=3, timeout=0.3, sleep=pauses.append)
