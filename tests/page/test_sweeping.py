import os
import threading
import time
from pathlib import Path

from img.page.visitors.sweeping import delete_old, repeating


def test_old_files_go_and_new_ones_stay(tmp_path: Path) -> None:
    (tmp_path / "hash").mkdir()
    old, new = tmp_path / "hash" / "old.mp4", tmp_path / "new"
    for path in (old, new):
        path.write_bytes(b"x")
    os.utime(old, (time.time() - 100, time.time() - 100))
    delete_old(tmp_path, 50)
    assert (old.exists(), new.exists()) == (False, True)
    delete_old(tmp_path / "absent", 50)


def test_work_is_repeated_until_the_end() -> None:
    done = threading.Semaphore(0)
    with repeating(done.release, 0.01):
        assert done.acquire(timeout=10)
        assert done.acquire(timeout=10)
    while done.acquire(blocking=False):
        pass
    assert not done.acquire(timeout=0.05)


def test_work_that_fails_is_tried_again() -> None:
    tried = threading.Semaphore(0)

    def fail() -> None:
        tried.release()
        raise OSError("busy")

    with repeating(fail, 0.01):
        assert tried.acquire(timeout=10)
        assert tried.acquire(timeout=10)
