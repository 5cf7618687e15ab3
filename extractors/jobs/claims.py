"""Which process computes which array, where several share a store."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path

from extractors.storage.locks import Lock
from extractors.storage.store import Entry, Store

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Task:
    """A video whose array or texts are to be made.

    Attributes:
        video: its id.
        path: its file.
        state: of the file, taken before it was hashed (see `state_of`).
        source_hash: of the file's content.
        key: of the array in the store.
        covered: seconds of the video that its texts are about, where these are what is read.
    """

    video: str
    path: Path
    state: tuple[int, ...] | None
    source_hash: str
    key: str
    covered: float | None = None

    def is_unchanged(self) -> bool:
        """Whether the file still is the one that was hashed, by what its folder says of it."""
        return state_of(self.path) == self.state


def state_of(path: Path) -> tuple[int, ...] | None:
    """Gives what a folder says of a file: its inode, size and time of change; None where it is not there."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_ino, status.st_size, status.st_mtime_ns


class Claims:
    """Which arrays this process is computing, so that no other process on the same store does.

    Nothing is waited for while a claim is held: two processes could wait for each other.
    """

    def __init__(self, store: Store):
        self.store = store
        self._held: dict[str, Lock] = {}

    def __enter__(self) -> Claims:
        return self

    def __exit__(self, *_: object) -> None:
        for lock in self._held.values():
            lock.release()

    def take(self, task: Task) -> bool:
        """Claims a task, unless another process has it in hand or has done it by now."""
        lock = self.store.lock(task.key)
        if not lock.acquire(wait=False):
            return False
        if self.store.holds(task.key):
            lock.release()
            return False
        self._held[task.key] = lock
        return True

    def drop(self, task: Task) -> None:
        """Lets go of a task, done or failed."""
        self._held.pop(task.key).release()

    def await_entry(self, task: Task) -> Entry | None:
        """Waits until no process has a task in hand; gives what came of it."""
        lock = self.store.lock(task.key)
        if not lock.acquire(wait=False):
            log.info(f"{task.video}: another process computes it; waiting")
            lock.acquire(wait=True)
        lock.release()
        return self.store.find(task.key)
