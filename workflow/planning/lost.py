"""Arrays that a manifest lists and that are there no more.

Arrays are no outputs of rules: one for every video would make planning slow. So Snakemake does not miss them.
"""

from __future__ import annotations

import functools
from pathlib import Path
from typing import NamedTuple

from extractors.storage.manifest import read_manifest
from extractors.storage.results import SUFFIXES
from planning.paths import name_feature_folder, name_loss_record, name_manifest

_SUFFIXES = frozenset(SUFFIXES.values())


class Losses(NamedTuple):
    """What is missing of a shard.

    Attributes:
        videos: those whose array is gone.
        fault: why the manifest cannot be read; empty where it can.
    """

    videos: tuple[str, ...] = ()
    fault: str = ""

    def describe(self) -> str:
        """Says in a line what is missing; nothing where nothing is."""
        if not self.videos:
            return self.fault
        return f"{len(self.videos)} arrays are gone, such as {self.videos[0]}"


def find_losses(dataset: str, extractor: str, shard: str) -> Losses:
    """Finds what is missing of a shard that was made."""
    manifest = Path(name_manifest(dataset, extractor, shard))
    folder = Path(name_feature_folder(dataset, extractor))
    if not manifest.exists():
        return Losses()
    try:
        listed = _read_listed(manifest, manifest.stat().st_mtime_ns)
    except ValueError as error:
        return Losses(fault=f"{error}; make it again with --forcerun {manifest}")
    return Losses(tuple(sorted(listed - _list_arrays(folder, folder.stat().st_mtime_ns))))


@functools.cache
def _read_listed(manifest: Path, modified: int) -> frozenset[str]:
    """Reads the videos that should have an array, once for as long as the manifest is not modified."""
    return frozenset(row.video for row in read_manifest(manifest) if row.is_ok)


@functools.cache
def _list_arrays(folder: Path, modified: int) -> frozenset[str]:
    """Lists the videos that have an array or texts, once for as long as the folder is not modified."""
    return frozenset(path.stem for path in folder.iterdir() if path.suffix in _SUFFIXES)


def list_loss_records(dataset: str, extractor: str, shard: str) -> list[str]:
    """Lists the note that arrays of a shard were lost, where it is or has to be made.

    A new note makes the shard again. An old one stays: were it no input any more, that would do so too.
    """
    record = name_loss_record(dataset, extractor, shard)
    is_needed = Path(record).exists() or find_losses(dataset, extractor, shard).videos
    return [record] if is_needed else []
