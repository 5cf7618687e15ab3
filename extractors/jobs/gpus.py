"""Which GPU a job works on, where it sees several."""

from __future__ import annotations

import atexit
import os
import tempfile
import time
from pathlib import Path

from extractors.storage.locks import Lock

_PAUSE_SECONDS = 1.0


def take_gpu(folder: Path | None = None) -> int:
    """Makes one GPU this process's current device, and keeps other jobs of the machine off it until its end.

    A scheduler shows a job its own GPU alone, and then nothing is locked. Where a process sees several, it
    takes the first that no other has taken, and waits where all are. To be called once in a process.

    Args:
        folder: of the locks, the same for all processes of the machine; by default that of temporary files.

    Returns:
        The device's number among those the process sees.

    Raises:
        ValueError: there is no CUDA device.
    """
    # Not at the top: a shard whose arrays are all in the store is done before torch would be loaded.
    import torch

    count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if count == 0:
        raise ValueError("device: expected a CUDA device, found none; use cpu")
    chosen = 0 if count == 1 else _lock_one(folder or Path(tempfile.gettempdir()), count)
    torch.cuda.set_device(chosen)
    return chosen


def _lock_one(folder: Path, count: int) -> int:
    # Numbers count from the first visible GPU, which need not be the first of the machine.
    visible = os.environ.get("CUDA_VISIBLE_DEVICES", "").split(",")
    names = visible if len(visible) == count else [str(number) for number in range(count)]
    while True:
        for number, name in enumerate(names):
            lock = Lock(folder / f"img-{os.getuid()}-gpu-{name.strip()}.lock")
            if lock.acquire(wait=False):
                # Held to the end of the process, which ends the lock whatever ended it.
                atexit.register(lock.release)
                return number
        time.sleep(_PAUSE_SECONDS)
