"""What a file says of its own integrity, checked before it is believed."""

from __future__ import annotations

import zipfile
from pathlib import Path


def check_archive(path: Path) -> None:
    """Checks the checksum of every member of a zip archive, which `.npz` and PyTorch's files are.

    PyTorch does not look at them, and numpy only where it reads a member to its end.

    Args:
        path: the file; one that is no zip archive has no checksums and passes.

    Raises:
        ValueError: a member is not what was written.
    """
    if not zipfile.is_zipfile(path):
        return
    with zipfile.ZipFile(path) as archive:
        damaged = archive.testzip()
    if damaged is not None:
        raise ValueError(f"its part {damaged} does not have the checksum that it was written with")
