import errno
import fcntl
import subprocess
import sys

import pytest

from extractors.storage.locks import Lock

HOLD = """
import sys, time
from pathlib import Path
from extractors.storage.locks import Lock
Lock(Path(sys.argv[1])).acquire(wait=True)
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
