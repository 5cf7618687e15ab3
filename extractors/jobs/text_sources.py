"""The texts that another extractor wrote, as what a shard reads in the place of media files."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from pathlib import Path

from extractors.jobs.shard import Source
from extractors.storage.files import read_json, sha256_of
from extractors.storage.manifest import Row, read_manifest
from extractors.storage.results import SUFFIXES, TEXTS
from extractors.storage.store import Store

log = logging.getLogger(__name__)


def list_text_sources(manifest: Path, videos: Iterable[str], store: Store) -> list[Source]:
    """Finds the texts of some videos, and heals those that were lost or damaged.

    Args:
        manifest: of the shard of texts, in the folder `shards` beside them.
        videos: ids.
        store: heals texts.

    Returns:
        Each video's texts, or why there are none: what its row in the manifest says.
    """
    rows = {row.video: row for row in read_manifest(manifest)}
    folder = manifest.parent.parent
    return [_find(rows.get(video, Row(video, "missing")), folder, manifest, store) for video in videos]


def _find(row: Row, folder: Path, manifest: Path, store: Store) -> Source:
    if row.is_failure:
        return Source(row.video, None, f"failed: it has no texts to read ({row.status})")
    if not row.is_ok:
        return Source(row.video, None, row.status)
    path = folder / f"{row.video}{SUFFIXES[TEXTS]}"
    if not _is_whole(path, row) and not _heal(path, row, store):
        cure = f"write them again by: snakemake --cores 2 {manifest} --forcerun {manifest}"
        reason = f"expected the texts of SHA-256 {row.feature_sha256}, found "
        reason += "others" if path.is_file() else "no file"
        return Source(row.video, None, f"failed: {path}: {reason}; {cure}")
    return Source(row.video, path, covered=row.seconds)


def _is_whole(path: Path, row: Row) -> bool:
    return path.is_file() and sha256_of(path) == row.feature_sha256


def _heal(path: Path, row: Row, store: Store) -> bool:
    description = path.with_suffix(".json")
    entry = store.find(read_json(description)["key"]) if description.is_file() else None
    if entry is None or entry.description["files"].get(TEXTS) != row.feature_sha256:
        return False
    entry.link({TEXTS: path})
    log.warning(f"{path}: was lost or damaged, restored from the store")
    return True
