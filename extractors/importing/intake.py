"""Arrays that were made elsewhere, taken into the store so that what follows cannot tell the difference."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from tqdm import tqdm

from extractors.importing.folders import Collection, Part, open_collection
from extractors.importing.merging import merge
from extractors.jobs.keeping import keep_array
from extractors.jobs.outcomes import Counts, Delivery, Outcomes
from extractors.kinds.imported.parameters import ImportedParameters
from extractors.names import check_name, video_names
from extractors.registry import KINDS
from extractors.storage.files import sha256_of_json
from extractors.storage.libraries import library_versions
from extractors.storage.store import Store

_IDENTITY = {"kind": "imported", "code_version": KINDS["imported"].code_version}


def import_shard(
    parameters: ImportedParameters, videos: Sequence[str], store: Store, delivery: Delivery
) -> Counts:
    """Imports some videos' arrays: what the store holds is linked, the rest read, checked, stored and linked.

    A video's files in `delivery.out` are those that `extract_shard` leaves: `{video}.npy`,
    float32 [rows, width], and `{video}.json`, which names the files it came from and their hashes. The
    seconds of the rows are unknown, and said to be. A video's array is kept under the hash of its own content
    alone, so a changed file is one array imported anew, also where it is one of many in a pickle.

    Args:
        parameters: where the arrays are and what their width is.
        videos: ids.
        store: where arrays are kept.
        delivery: folder of the linked arrays, the manifest, and what to do about failures. A video without an
            array is `missing`, one whose array cannot be used `failed`, with the reason.

    Returns:
        What was computed (imported anew), restored, absent and failed.

    Raises:
        OSError: there is nothing where the arrays should be.
        ValueError: what is there is neither a folder nor a pickle of arrays.
        ShardFailedError: under `stop`, where a video failed.
        StorageError: the store or the folder of links cannot be written.
    """
    collections = [open_collection(path) for path in parameters.paths]
    outcomes = Outcomes(delivery)
    for video in tqdm(videos, unit="video", desc="imported"):
        with outcomes.of(video):
            check_name(video)
            parts = _find_parts(collections, parameters.paths, video)
            if parts:
                _take_in(video, parts, parameters, store, outcomes)
            else:
                outcomes.absent(video)
    return outcomes.finish()


def _take_in(
    video: str, parts: Sequence[Part], parameters: ImportedParameters, store: Store, outcomes: Outcomes
) -> None:
    hashes = [part.sha256() for part in parts]
    source_hash = hashes[0] if len(hashes) == 1 else sha256_of_json(hashes)
    identity = {**_IDENTITY, "parameters": parameters.recipe}
    key = Store.key({**identity, "sources": hashes})
    entry = store.find(key)
    if entry is not None and entry.description["width"] == parameters.width:
        outcomes.restored(video, source_hash, entry)
        return
    array = _join(parts, parameters)
    if [part.sha256() for part in parts] != hashes:
        raise ValueError(f"{parts[0].name}: changed while being read; import it again")
    made = {
        **identity,
        "source_sha256": source_hash,
        "sources": [
            {"name": part.name, "sha256": sha256} for part, sha256 in zip(parts, hashes, strict=True)
        ],
        "libraries": library_versions(),
        "row_seconds": None,
    }
    outcomes.computed(video, source_hash, keep_array(store, key, made, array))


def _find_parts(collections: Sequence[Collection], paths: Sequence[Path], video: str) -> list[Part]:
    """Finds a video's array in every collection; none at all where none has one."""
    found = [collection.find(video_names(video)) for collection in collections]
    parts = [part for part in found if part is not None]
    if parts and len(parts) < len(found):
        absent = paths[found.index(None)]
        raise ValueError(f"{absent}: expected an array of {video} beside {parts[0].name}, found none")
    return parts


def _join(parts: Sequence[Part], parameters: ImportedParameters) -> np.ndarray:
    """Merges the parts' rows: float32 [R, width]."""
    joined = merge([part.read() for part in parts], parameters)
    if joined.shape[1] != parameters.width:
        names = " + ".join(part.name for part in parts)
        raise ValueError(f"{names}: expected rows of {parameters.width} values, found {joined.shape[1]}")
    return joined
