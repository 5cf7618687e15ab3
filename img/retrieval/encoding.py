"""A video encoded as a run's training videos were: extracted, laid out, standardised."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import torch

from extractors.extraction import Runtime
from extractors.media.container import length_of
from extractors.outcomes import Delivery
from extractors.shard import Source, extract_shard
from extractors.storage.files import read_json
from extractors.storage.manifest import read_manifest
from extractors.storage.store import Store
from img.data.clips.held import HeldFeatures
from img.data.clips.inputs import Inputs, VideoInputs
from img.data.clips.layout import has, lay_out
from img.data.clips.merged_folder import StreamFeatures, merge_features
from img.data.clips.standardisation import Standardisation
from img.retrieval.makers import Maker

Progress: TypeAlias = Callable[[float, str], None]
"""Told of the share that is done, 0 to 1, and in words of what is being done."""

NO_SOUND = "no_audio"
"""Status of a video without sound."""


def extract(
    path: Path,
    makers: Mapping[str, Sequence[Maker]],
    files: Mapping[str, Path],
    store: Store,
    runtime: Runtime,
    progress: Progress | None = None,
) -> dict[str, list[HeldFeatures]]:
    """Extracts what each stream's extractors say of a video, or takes it from the store.

    Args:
        path: the video's file.
        makers: the extractors of each stream.
        files: where the file of each hash is.
        store: keeps the arrays.
        runtime: where to compute.
        progress: told how far it is; bars on standard error without.

    Returns:
        For each stream, what each of its extractors says.
    """
    wanted = [maker for parts in makers.values() for maker in parts]
    length = length_of(path) if progress else None
    found: dict[str, list[HeldFeatures]] = {stream: [] for stream in makers}
    for number, maker in enumerate(wanted):
        watch = progress and _Watch(progress, maker.name, number, len(wanted), length)
        found[maker.stream].append(_extract_one(path, maker, files, store, runtime, watch))
    if progress:
        progress(1.0, "encoded")
    return found


class _Watch:
    """Turns the seconds that one extractor of several has reached into a share of all their work."""

    def __init__(self, progress: Progress, name: str, number: int, count: int, length: float | None):
        self._progress, self._name, self._number, self._count = progress, name, number, count
        self._length = length
        self(0.0)

    def __call__(self, seconds: float) -> None:
        share = min(seconds / self._length, 1.0) if self._length else 0.0
        of = f" of {self._length:.0f}" if self._length else ""
        self._progress((self._number + share) / self._count, f"{self._name}: {seconds:.0f}{of} s")


def _extract_one(
    path: Path,
    maker: Maker,
    files: Mapping[str, Path],
    store: Store,
    runtime: Runtime,
    watch: Callable[[float], None] | None,
) -> HeldFeatures:
    kind, parameters = maker.rebuild(files)
    video = path.stem
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder)
        delivery = Delivery(out, out / "manifest.tsv")
        extract_shard(kind, parameters, [Source(video, path)], store, delivery, runtime, watch)
        (row,) = read_manifest(delivery.manifest)
        if not row.is_ok:
            return HeldFeatures(maker.name, video, None, None, maker.scale, maker.made, row.status)
        array = np.load(out / f"{video}.npy", allow_pickle=False)
        seconds = read_json(out / f"{video}.json")["row_seconds"]
    return HeldFeatures(maker.name, video, array, np.array(seconds, np.float64), maker.scale, maker.made)


def merge_streams(
    parts: Mapping[str, Sequence[HeldFeatures]], merges: Mapping[str, Mapping[str, Any]]
) -> dict[str, StreamFeatures]:
    """Makes each stream's features of those of its extractors.

    Args:
        parts: of each stream.
        merges: how those of several, or of one that is normalised, become one: `merge` and `normalise`.
    """
    rules = {"merge": "cut_to_shortest", "normalise": "none"}
    return {
        stream: merge_features(held, **{**rules, **merges.get(stream, {})}) for stream, held in parts.items()
    }


def read_clips(
    video: str,
    features: Mapping[str, StreamFeatures],
    reads: Mapping[str, Any],
    widths: Mapping[str, int],
    store: Store,
) -> Inputs:
    """Lays a video's features out as the run's training videos were laid out.

    Args:
        video: the video's id; the first stream must have it.
        features: of each stream that it has.
        reads: what the run recorded of its inputs.
        widths: of every stream that the model reads.
        store: heals lost arrays.

    Returns:
        The clips of this one video.
    """
    _, *further = widths
    present = {name: features[name] for name in widths if name in features and has(features[name], video)}
    layout = lay_out(video, present, reads["align"], reads["options"]["max_clips"])
    reach = {name: layout.reach(name) for name in further}
    place = VideoInputs(0, layout.clips, reach, layout.seconds)
    values = {name: np.zeros((layout.clips, width), np.float32) for name, width in widths.items()}
    for name, clips in layout.load(present, store).items():
        rows = place.reached_rows(name)
        statistics = reads["standardisation"].get(name)
        if statistics:
            clips[rows] = Standardisation.from_json(statistics).apply(clips[rows])
        values[name] = clips
    tensors = {name: torch.from_numpy(array) for name, array in values.items()}
    return Inputs(tensors, {video: place}, "", reads)
