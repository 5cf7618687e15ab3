"""Feature folders as the extraction leaves them: arrays linked from a store, and a shard's manifest."""

import io
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from extractors.media.audio_windows import cut
from extractors.media.sampling import Timed, frames_at_rate
from extractors.media.windows import cut_windows
from extractors.storage.files import sha256_of
from extractors.storage.manifest import Row, write_manifest
from extractors.storage.results import ARRAY
from extractors.storage.store import DESCRIPTION, Store
from img.data.clips.feature_folder import FeatureFolder, read_feature_folder

RowSeconds = Sequence[tuple[float, float]]


def seen_seconds(seconds: float, frame_rate: int = 12, window: int = 16, stride: int = 12) -> RowSeconds:
    """Start and end of the rows that a video's frames become by the published rule, one row a window."""
    frames = [
        Timed(None, slot / frame_rate, (slot + 1) / frame_rate) for slot in range(round(seconds * frame_rate))
    ]
    slots = (slot for shown in frames_at_rate(frames, frame_rate) for slot in shown)
    return [(frames[0].start, frames[-1].end) for frames in cut_windows(slots, window, stride)]


def heard_seconds(seconds: float, window: float = 1.0, hop: float = 1.0) -> RowSeconds:
    """Start and end of the rows that a sound of some seconds becomes."""
    rate = 16_000
    samples = np.zeros(round(seconds * rate), np.float32)
    return [(cutting.start, cutting.end) for cutting in cut([samples], rate, window, hop)]


def write_features(
    folder: Path,
    store: Store,
    videos: Mapping[str, np.ndarray | str],
    scale: float = 1.0,
    row_seconds: Mapping[str, RowSeconds] = {},
) -> FeatureFolder:
    """Writes arrays [n, D], or the status of a video without, as one shard called `000`.

    Without their seconds rows are like those of arrays that were made elsewhere.
    """
    rows = []
    for video, content in videos.items():
        if isinstance(content, str):
            rows.append(Row(video, content))
            continue
        buffer = io.BytesIO()
        np.save(buffer, content, allow_pickle=False)
        seconds = row_seconds.get(video)
        ingredients = {
            "kind": "features",
            "code_version": 1,
            "parameters": {"weights": f"sha256:{folder.name}"},
            "video": video,
            "folder": folder.name,
            "row_seconds": [list(row) for row in seconds] if seconds else None,
        }
        key = Store.key(ingredients)
        with store.adding(key, ingredients) as temporary:
            (temporary / ARRAY).write_bytes(buffer.getvalue())
        entry = store.find(key)
        assert entry is not None
        entry.link({ARRAY: folder / f"{video}.npy", DESCRIPTION: folder / f"{video}.json"})
        hashed = sha256_of(folder / f"{video}.npy")
        covered = max(end for _, end in seconds) if seconds else None
        rows.append(Row(video, "ok", len(content), content.shape[1], covered, "", hashed))
    write_manifest(folder / "shards" / "000.tsv", rows)
    return read_feature_folder(folder, ["000"], scale)
