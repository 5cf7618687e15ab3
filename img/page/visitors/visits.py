"""Who is asking: each visitor's video, and the promise that one thing at a time is done for each."""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Generic, TypeVar

from extractors.storage.files import link_or_copy, remove_content
from img.page.visitors.limits import BusyError

Shown = TypeVar("Shown")


@dataclass
class Visit(Generic[Shown]):
    """One visitor.

    Attributes:
        folder: of the video they sent; its name cannot be guessed.
        shown: what they look at; None before their first video.
        seen: when they last did something, on the monotonic clock.
    """

    folder: Path
    shown: Shown | None = None
    seen: float = field(default_factory=time.monotonic)
    _busy: threading.Lock = field(default_factory=threading.Lock)
    _left: bool = False

    @contextmanager
    def doing(self) -> Iterator[None]:
        """Marks the visitor as being served; a second question meanwhile is refused and waits for nothing.

        Raises:
            BusyError: the visitor is being served.
        """
        if not self._busy.acquire(blocking=False):
            raise BusyError("One thing at a time: the last one is still being worked on.")
        try:
            self.seen = time.monotonic()
            yield
        finally:
            self.seen = time.monotonic()
            self._busy.release()
            if self._left:
                self.forget()

    @property
    def busy(self) -> bool:
        """Whether the visitor is being served."""
        return self._busy.locked()

    def take(self, upload: Path, suffix: str) -> Path:
        """Keeps an uploaded file in the visitor's folder, in the place of the one before.

        The upload itself stays where it is: two visitors who send the same bytes share it.

        Args:
            upload: the file.
            suffix: how the kept file's name is to end.
        """
        self.forget()
        self.folder.mkdir(mode=0o700, exist_ok=True)
        kept = self.folder / f"video{suffix}"
        link_or_copy(upload, kept)
        return kept

    def leave(self) -> None:
        """Deletes the visitor's files, now and after what is still being done for them."""
        self._left = True
        self.forget()

    def forget(self) -> None:
        """Deletes the visitor's files."""
        self.shown = None
        if self.folder.exists():
            remove_content(self.folder)
            self.folder.rmdir()


class Visits(Generic[Shown]):
    """All visitors, by the name that the server gives each open page."""

    def __init__(self, root: Path, idle_seconds: float) -> None:
        """Makes the list.

        Args:
            root: folder in which each visitor gets one.
            idle_seconds: after which a visitor who does nothing is forgotten.
        """
        self._root = root
        self._idle = idle_seconds
        self._visits: dict[str, Visit[Shown]] = {}
        self._lock = threading.Lock()

    def of(self, name: str) -> Visit[Shown]:
        """Returns a visitor, new or known."""
        with self._lock:
            return self._visits.setdefault(name, Visit(self._root / secrets.token_urlsafe(24)))

    def end(self, name: str) -> None:
        """Forgets a visitor who has left, and deletes their files."""
        with self._lock:
            visit = self._visits.pop(name, None)
        if visit is not None:
            visit.leave()

    def forget_idle(self) -> None:
        """Forgets those who have done nothing for too long."""
        now = time.monotonic()
        with self._lock:
            idle = [
                name
                for name, visit in self._visits.items()
                if not visit.busy and now - visit.seen > self._idle
            ]
        for name in idle:
            self.end(name)
