"""Which resources are here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from img.resources.listing import Manifest, Resource
from img.resources.verification import MismatchError, record_of, verify

MISSING = "missing"


@dataclass(frozen=True)
class Status:
    """What is known of a resource.

    Attributes:
        name: the resource's.
        resource: its entry in the manifest.
        state: `present`, `local`, `unpacked`, `missing`, `unfinished` or `damaged`.
        path: the file or folder that is used.
        size: its bytes, None where nothing is there or it is a folder.
        fault: what is wrong with it.
    """

    name: str
    resource: Resource
    state: str
    path: Path
    size: int | None = None
    fault: str = ""


def inspect(manifest: Manifest, local: Mapping[str, Path], downloads: Path, hashes: bool) -> list[Status]:
    """Looks at every resource of a manifest.

    Args:
        manifest: the resources.
        local: files and folders of the user's in the place of resources.
        downloads: folder of unfinished downloads.
        hashes: whether to read the files and check their hashes; sizes are always checked.
    """
    return [
        _inspect(name, resource, local.get(name), downloads, hashes)
        for name, resource in manifest.resources.items()
    ]


def format_table(statuses: Sequence[Status]) -> str:
    """Returns a table of resources: name, state, size, licence, path and what needs them, then the faults."""
    rows = [("name", "state", "size", "licence", "path", "needed by")]
    for status in statuses:
        needed_by = ", ".join(status.resource.needed_by)
        size = _describe_size(status)
        rows.append((status.name, status.state, size, status.resource.licence, str(status.path), needed_by))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ["  ".join(map(str.ljust, row, widths)).rstrip() for row in rows]
    return "\n".join(lines + [status.fault for status in statuses if status.fault])


def _inspect(name: str, resource: Resource, local: Path | None, downloads: Path, hashes: bool) -> Status:
    path = local or resource.path
    if path.is_dir() and local and resource.unpacked_to:
        return Status(name, resource, "local", path)
    if path.is_dir():
        return Status(name, resource, "damaged", path, fault=f"{path}: expected a file, found a folder")
    if path.is_file():
        size = path.stat().st_size
        try:
            _check(path, resource, hashes)
        except MismatchError as error:
            return Status(name, resource, "damaged", path, size, str(error))
        return Status(name, resource, "local" if local else "present", path, size)
    part = downloads / f"{name}.part"
    if local is None and part.exists():
        return Status(name, resource, "unfinished", path, part.stat().st_size)
    if (
        local is None
        and resource.unpacked_to is not None
        and any(resource.unpacked_to.glob("*.unpacked.tsv"))
    ):
        return Status(name, resource, "unpacked", resource.unpacked_to)
    return Status(name, resource, MISSING, path)


def _check(path: Path, resource: Resource, hashes: bool) -> None:
    if hashes:
        verify(path, resource, record_of(resource.path))
    elif resource.exact_size not in (None, path.stat().st_size):
        raise MismatchError(f"{path}: expected {resource.exact_size} bytes, found {path.stat().st_size}")


def _describe_size(status: Status) -> str:
    if status.state == "unfinished":
        whole = _readable(status.resource.size)
        return f"{_readable(status.size)} of {whole}"
    return _readable(status.size if status.size is not None else status.resource.size)


def _readable(size: int | str | None) -> str:
    if size is None:
        return "unknown"
    if isinstance(size, str):
        return size
    for unit, power in (("GB", 9), ("MB", 6), ("kB", 3)):
        if size >= 10**power:
            return f"{size / 10**power:.1f} {unit}"
    return f"{size} B"
