"""What visitors sent, deleted in time."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

log = logging.getLogger(__name__)


@contextmanager
def repeating(work: Callable[[], None], seconds: float) -> Iterator[None]:
    """Does something again and again in a thread, until the context ends, also after it failed.

    Args:
        work: what to do.
        seconds: between two times.
    """
    ended = threading.Event()

    def run() -> None:
        while not ended.wait(seconds):
            try:
                work()
            except Exception:
                log.exception("sweeping failed; it is tried again")

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def delete_old(folder: Path, seconds: float) -> None:
    """Deletes every file below a folder that was last written to that many seconds ago or earlier.

    Gradio keeps an upload under two names, one of them for as long as the server runs.
    """
    written_before = time.time() - seconds
    for path in [found for found in folder.rglob("*") if found.is_file()]:
        # It may have gone meanwhile.
        with suppress(FileNotFoundError):
            if path.stat().st_mtime <= written_before:
                path.unlink()
