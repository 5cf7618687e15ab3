"""A worker process ends when the process that started it does, whatever ended that.

A killed parent ends nobody. Its worker would notice at the next window it hands over, which a decoder that
hangs, or works on for minutes, never reaches.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys
import threading
from multiprocessing import parent_process
from multiprocessing.connection import wait

_SET_PARENT_DEATH_SIGNAL = 1
"""PR_SET_PDEATHSIG of Linux's prctl."""


def end_with_parent() -> None:
    """Has this worker process killed when its parent ends. To be called in it first of all.

    On Linux the kernel does it, also while native code holds the interpreter's lock. Elsewhere a thread does,
    as soon as the lock is free.
    """
    parent = parent_process()
    if parent is None:
        return
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_SET_PARENT_DEATH_SIGNAL, signal.SIGKILL)
        # It may have ended before the kernel was asked.
        if os.getppid() != parent.pid:
            os._exit(1)
    threading.Thread(target=_end_after, args=(parent.sentinel,), daemon=True).start()


def _end_after(sentinel: int) -> None:
    wait([sentinel])
    os._exit(1)
