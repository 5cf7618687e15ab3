"""Whether a file is the one the manifest means, or at least the one that was here before."""

from __future__ import annotations

import os
from pathlib import Path

from extractors.storage.files import sha256_of, write_text
from img.resources.listing import Resource


class MismatchError(ValueError):
    """A file is not the one that was expected."""


def verify(path: Path, resource: Resource, record: Path) -> None:
    """Checks a file's size and hashes.

    Where no whole hash is published, the file's SHA-256 is compared with the record; the first time, it is
    written there, in the format of `sha256sum`.

    Args:
        path: the file.
        resource: what it should be.
        record: where the hash of a file without a published one is kept.

    Raises:
        MismatchError: naming the file, what was expected and what was found.
    """
    size = path.stat().st_size
    if resource.exact_size not in (None, size):
        raise MismatchError(f"{path}: expected {resource.exact_size} bytes, found {size}")
    for checksum in resource.checksums:
        found = checksum.find(path)
        if not checksum.agrees(found):
            raise MismatchError(f"{path}: expected {checksum}, found {found}")
    if not resource.is_proven:
        _compare_with_record(path, resource, record)


def record_of(path: Path) -> Path:
    """Returns where the hash of a file without a published one is kept: beside it."""
    return path.with_name(f"{path.name}.sha256")


def _compare_with_record(path: Path, resource: Resource, record: Path) -> None:
    found = sha256_of(path)
    if not record.exists():
        write_text(record, f"{found}  {resource.path.name}\n")
        return
    recorded = record.read_text(encoding="utf-8").partition(" ")[0].strip()
    if found != recorded:
        raise MismatchError(
            f"{path}: expected SHA-256 {recorded}, as {os.fspath(record)} recorded it the first time, found "
            f"{found}; if the new file is right, delete {record}"
        )
