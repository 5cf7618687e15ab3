"""The files that a shard's features are made from."""

from __future__ import annotations

import csv
import functools
import os
from pathlib import Path

from extractors.importing.folders import Collection, open_collection
from extractors.names import video_names
from planning.features import find_read_extractor, is_imported, name_shards, require_arrays
from planning.paths import name_manifest
from planning.project import Project
from planning.resources import Refusal


def check_shard(project: Project, dataset: str, extractor: str, shard: str) -> None:
    """Checks, before there is a table of videos, that a shard's features can be made.

    Raises:
        ValueError: where the dataset has no such shard or extractor.
        Refusal: where the folder of imported arrays is missing.
    """
    names = name_shards(project, dataset)
    if shard not in names:
        raise ValueError(
            f"shard {shard}: expected 000 to {names[-1]}, the shards of config/datasets/{dataset}.yaml"
        )
    require_arrays(project, dataset, extractor)


def list_sources(project: Project, dataset: str, extractor: str, shard: str, table: Path) -> list[str]:
    """Lists a shard's videos, or the arrays that are imported for them, or the manifest of the texts read.

    One that cannot be read would end the whole run, as Snakemake hashes small inputs; its shard reports it.

    Args:
        project: the project.
        dataset: its name.
        extractor: its name.
        shard: its name.
        table: of the dataset's videos.

    Raises:
        Refusal: where imported arrays are in no folder or pickle.
    """
    if read := find_read_extractor(project, dataset, extractor):
        return [name_manifest(dataset, read, shard)]
    rows = _read_shards(table, table.stat().st_mtime_ns).get(shard, [])
    if is_imported(project, dataset, extractor):
        names = [name for video, _ in rows for name in video_names(video)]
        collections = _open_collections(project, dataset, extractor)
        paths = [str(path) for collection in collections for path in collection.files(names)]
    else:
        paths = [path for _, path in rows if path]
    return [path for path in paths if os.access(path, os.R_OK)]


@functools.cache
def _read_shards(table: Path, modified: int) -> dict[str, list[tuple[str, str]]]:
    """Reads the video and path of each row of each shard, once for as long as the table is not modified."""
    shards: dict[str, list[tuple[str, str]]] = {}
    with table.open(newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file, delimiter="\t"):
            shards.setdefault(row["shard"], []).append((row["video"], row["path"]))
    return shards


@functools.cache
def _open_collections(project: Project, dataset: str, extractor: str) -> list[Collection]:
    """Opens the folders and pickles of imported arrays, listed once for all shards."""
    try:
        return [open_collection(path) for path in require_arrays(project, dataset, extractor)]
    except ValueError as error:
        source = f"config/datasets/{dataset}.yaml: extractors.{extractor}.arrays"
        raise Refusal(f"{source}: {error}") from None
