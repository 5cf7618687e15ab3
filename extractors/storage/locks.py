"""A lock that one process at a time holds, on any machine of a shared file system, and that dies with it."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path


class Lock:
    """A lock on a name: an empty file, which is there while somebody holds the lock."""

    def __init__(self, path: Path):
        self._path = path
        self._descriptor: int | None = None

    def acquire(self, wait: bool) -> bool:
        """Takes the lock; says whether it did.

        Args:
            wait: until whoever holds it lets go or ends; otherwise return at once.

        Raises:
            OSError: the file system has no locks.
        """
        self._path.parent.mkdir(parents=True, exist_ok=True)
        while True:
            descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
            except OSError as error:
                os.close(descriptor)
                if isinstance(error, BlockingIOError):
                    return False
                raise OSError(
                    f"{self._path.parent}: expected a file system with locks (flock), found one without "
                    f"({error.strerror}); have it mounted with them or keep the store elsewhere"
                ) from error
            # Whoever held it removed the file at the end: then this is a lock on nothing.
            if self._is_open_as(descriptor):
                self._descriptor = descriptor
                return True
            os.close(descriptor)

    def release(self) -> None:
        """Lets go, and removes the file."""
        if self._descriptor is not None:
            self._path.unlink(missing_ok=True)
            os.close(self._descriptor)
            self._descriptor = None

    def _is_open_as(self, descriptor: int) -> bool:
        try:
            return os.path.samestat(os.fstat(descriptor), self._path.stat())
        except FileNotFoundError:
            return False
