import errno
import fcntl
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from extractors.storage.files import StorageError
from extractors.storage.locks import Lock

HOLD = """
import sys, time
from pathlib import Path
from extractors.storage.locks import Lock
lock = Lock(Path(sys.argv[1]))
lock.acquire(wait=True)
print("held", flush=True)
time.sleep(60)
"""


def test_one_holds_a_lock_at_a_time_and_its_file_goes_with_it(tmp_path):
    first, second = Lock(tmp_path / "a.lock"), Lock(tmp_path / "a.lock")
    assert first.acquire(wait=False)
    assert not second.acquire(wait=False)
    first.release()
    assert list(tmp_path.iterdir()) == []
    assert second.acquire(wait=True)
    second.release()


def test_a_lock_dies_with_its_process(tmp_path):
    command = [sys.executable, "-c", HOLD, str(tmp_path / "a.lock")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "held\n"
        lock = Lock(tmp_path / "a.lock")
        assert not lock.acquire(wait=False)
        process.kill()
        assert lock.acquire(wait=True)
        lock.release()


def test_a_file_system_without_locks_is_told(tmp_path, monkeypatch):
    def refuse(descriptor, operation):
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", refuse)
    with pytest.raises(OSError, match=r"expected a file system with locks .* \(No locks available\)"):
        Lock(tmp_path / "a.lock").acquire(wait=False)


def test_who_waited_for_a_file_that_went_takes_the_next(tmp_path):
    first, second, third = (Lock(tmp_path / "a.lock") for _ in range(3))
    first.acquire(wait=False)
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(second.acquire, wait=True)
        time.sleep(0.3)
        assert not waiting.done()
        first.release()
        assert waiting.result()
    assert not third.acquire(wait=False)
    second.release()


def test_what_one_thread_took_another_lets_go(tmp_path):
    first, second = Lock(tmp_path / "a.lock"), Lock(tmp_path / "a.lock")
    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(first.acquire, wait=False).result()
    first.release()
    with second.held():
        assert not first.acquire(wait=False)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_refuses_the_lock_is_told(tmp_path, monkeypatch):
    def refuse(*arguments):
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr("filelock._unix.os.open", refuse)
    with pytest.raises(StorageError, match=r"a\.lock: cannot be written \(Read-only file system\)"):
        Lock(tmp_path / "a.lock").acquire(wait=False)
