"""A lock that one process at a time holds, on any machine of a shared file system, and that dies with it."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from extractors.storage.files import writing

_POLL_SECONDS = 0.2
_WITHOUT_LOCKS = (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP)


class Lock:
    """A lock on a name: an empty file, which is there while somebody holds the lock."""

    def __init__(self, path: Path):
        self._path = path
        # A decoding thread takes what the main thread lets go. A marker file in place of a lock would not die
        # with its process.
        self._lock = FileLock(path, thread_local=False, fallback_to_soft=False, poll_interval=_POLL_SECONDS)

    def acquire(self, wait: bool) -> bool:
        """Takes the lock; says whether it did.

        Args:
            wait: until whoever holds it lets go or ends; otherwise return at once.

        Raises:
            OSError: the file system has no locks.
            StorageError: the lock's file cannot be written.
        """
        try:
            with writing(self._path):
                self._path.parent.mkdir(parents=True, exist_ok=True)
                self._lock.acquire(blocking=wait)
        except Timeout:
            return False
        except OSError as error:
            if error.errno not in _WITHOUT_LOCKS:
                raise
            raise OSError(
                f"{self._path.parent}: expected a file system with locks (flock), found one without "
                f"({error.strerror}); have it mounted with them or keep the store elsewhere"
            ) from error
        return True

    def release(self) -> None:
        """Lets go, and removes the file."""
        if self._lock.is_locked:
            # While it is held: who waits for a file that went notices, and begins again with the next.
            self._path.unlink(missing_ok=True)
            self._lock.release()

    @contextmanager
    def held(self) -> Iterator[None]:
        """Waits for the lock, and lets go at the end of the block."""
        self.acquire(wait=True)
        try:
            yield
        finally:
            self.release()
