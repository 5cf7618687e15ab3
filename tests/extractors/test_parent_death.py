import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from extractors.media import parent_death

linux = pytest.mark.skipif(sys.platform != "linux", reason="the kernel's part is Linux's")

# A parent that starts a worker, tells its number once the worker is ready, and waits for it.
PARENT = """
import ctypes, multiprocessing, sys, time
from extractors.media import parent_death

def work(pipe, hang):
    parent_death.end_with_parent()
    pipe.send("ready")
    if hang:
        # Native code that holds the interpreter's lock, as a decoder that hangs does.
        ctypes.PyDLL(None).sleep(600)
    time.sleep(600)

if __name__ == "__main__":
    context = multiprocessing.get_context("spawn")
    pipe, end = context.Pipe()
    worker = context.Process(target=work, args=(end, sys.argv[1] == "hang"))
    worker.start()
    pipe.recv()
    print(worker.pid, flush=True)
    worker.join()
"""

# An extractor whose decoder hangs in a file: it tells the decoding process's number, and waits for a window.
EXTRACTOR = """
import multiprocessing, sys, threading, time
from pathlib import Path
from fake_kind import KIND, PARAMETERS
from extractors.media.decoding import decode_ahead

def tell():
    while not (workers := multiprocessing.active_children()):
        time.sleep(0.01)
    print(workers[0].pid, flush=True)

if __name__ == "__main__":
    threading.Thread(target=tell, daemon=True).start()
    next(decode_ahead(KIND, PARAMETERS, [Path(sys.argv[1])], workers=1, timeout=600))
"""


def is_alive(process: int) -> bool:
    try:
        return "\nState:\tZ" not in Path(f"/proc/{process}/status").read_text()
    except FileNotFoundError:
        return False


def kill_parent(folder, script, argument, how):
    """Starts a program that tells the number of its worker, ends it, and waits for the worker's end."""
    path = folder / "parent.py"
    path.write_text(script)
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, str(path), argument]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as parent:
        worker = int(parent.stdout.readline())
        assert is_alive(worker)
        parent.send_signal(how)
    deadline = time.monotonic() + 60
    while is_alive(worker):
        assert time.monotonic() < deadline, "the worker lives on"
        time.sleep(0.05)


@linux
@pytest.mark.parametrize("way", ["hang", "sleep"])
@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
def test_a_worker_ends_with_its_parent_whatever_ended_that(tmp_path, way, how):
    kill_parent(tmp_path, PARENT, way, how)


@linux
def test_a_killed_extractor_leaves_no_decoder_behind(tmp_path):
    # The made-up kind reads a whole file at once, and nobody ever writes into this one.
    os.mkfifo(tmp_path / "video")
    kill_parent(tmp_path, EXTRACTOR, str(tmp_path / "video"), signal.SIGKILL)


def test_where_the_kernel_cannot_a_thread_watches_the_parent(monkeypatch):
    reading, writing = os.pipe()
    ended = []
    monkeypatch.setattr(parent_death.os, "_exit", ended.append)
    os.close(writing)
    parent_death._end_after(reading)
    os.close(reading)
    assert ended == [1]


def test_a_worker_whose_parent_ended_before_it_asked_ends_itself(monkeypatch):
    class Parent:
        pid = os.getppid() + 1

    def end(code):
        raise SystemExit(code)

    monkeypatch.setattr(parent_death, "parent_process", Parent)
    monkeypatch.setattr(parent_death.ctypes, "CDLL", lambda name: parent_death)
    monkeypatch.setattr(parent_death, "prctl", lambda *arguments: 0, raising=False)
    monkeypatch.setattr(parent_death.os, "_exit", end)
    with pytest.raises(SystemExit):
        parent_death.end_with_parent()
