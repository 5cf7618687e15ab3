"""Feature folders as the extraction leaves them: arrays linked from a store, and a shard's manifest."""

import io
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from extractors.outcomes import ARRAY
from extractors.storage.files import sha256_of
from extractors.storage.manifest import Row, write_manifest
from extractors.storage.store import DESCRIPTION, Store
from img.data.assembly import FeatureFolder, read_feature_folder


def write_features(
    folder: Path, store: Store, videos: Mapping[str, np.ndarray | str], scale: float = 1.0
) -> FeatureFolder:
    """Writes arrays [n, D], or the status of a video without, as one shard called `000`."""
    rows = []
    for video, content in videos.items():
        if isinstance(content, str):
            rows.append(Row(video, content))
            continue
        buffer = io.BytesIO()
        np.save(buffer, content, allow_pickle=False)
        ingredients = {"kind": "features", "video": video, "folder": folder.name}
        key = Store.key(ingredients)
        with store.adding(key, ingredients) as temporary:
            (temporary / ARRAY).write_bytes(buffer.getvalue())
        entry = store.find(key)
        assert entry is not None
        entry.link({ARRAY: folder / f"{video}.npy", DESCRIPTION: folder / f"{video}.json"})
        hashed = sha256_of(folder / f"{video}.npy")
        rows.append(Row(video, "ok", len(content), content.shape[1], float(len(content)), "", hashed))
    write_manifest(folder / "shards" / "000.tsv", rows)
    return read_feature_folder(folder, ["000"], scale)
