"""The page served for a test."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from img.page.retrieving import Retrieving
from img.page.visitors.limits import Limits


class Served:
    """A page that is being served.

    Attributes:
        url: its address.
        root: its folder, of the videos that visitors send.
    """

    def __init__(self, url: str, root: Path) -> None:
        self.url = url
        self.root = root

    def uploads(self) -> list[Path]:
        """Every file that came from a visitor."""
        kept = [*(self.root / "visits").rglob("*"), *(self.root / "uploads").rglob("*")]
        return [path for path in kept if path.is_file()]


@contextmanager
def serve(
    open_retriever: Callable[[Path], Retrieving], folder: Path, limits: Limits | None = None
) -> Iterator[Served]:
    """Serves a page whose folder lies in the given one, and which forgets uploads within ten seconds."""
    from img.page import server

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tempfile, "tempdir", str(folder))
        patch.setattr(server, "_SWEEP_SECONDS", 1)
        patch.setattr(server, "_UPLOAD_SECONDS", 8)
        with server.serving(open_retriever, [], "tiny run", limits or Limits()) as url:
            (root,) = folder.glob("img-page-*")
            yield Served(url, root)
