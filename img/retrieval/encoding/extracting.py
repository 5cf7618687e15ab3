"""A video extracted by the extractors that a run names, or taken from the store."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TypeAlias

import numpy as np

from extractors.jobs.extraction import Runtime
from extractors.jobs.outcomes import Delivery
from extractors.jobs.shard import Source, extract_shard
from extractors.jobs.text_sources import list_text_sources
from extractors.media.container import length_of
from extractors.storage.files import read_json
from extractors.storage.manifest import read_manifest
from extractors.storage.store import Store
from img.data.clips.held import HeldFeatures
from img.retrieval.encoding.makers import Maker, list_with_writers

Progress: TypeAlias = Callable[[float, str], None]
"""Told of the share that is done, 0 to 1, and in words of what is being done."""


def extract(
    path: Path,
    makers: Mapping[str, Sequence[Maker]],
    files: Mapping[str, Path],
    store: Store,
    runtime: Runtime,
    trusted: bool,
    accept_short: bool,
    progress: Progress | None,
) -> dict[str, list[HeldFeatures]]:
    """Extracts what each stream's extractors say of a video, or takes it from the store.

    Args:
        path: the video's file.
        makers: the extractors of each stream.
        files: where the file of each hash is.
        store: keeps the arrays.
        runtime: where to compute.
        trusted: load weights files that hold more than tensors.
        accept_short: take what there is of a file that is cut short.
        progress: told how far it is; bars on standard error without.

    Returns:
        For each stream, what each of its extractors says.
    """
    wanted = list_with_writers(makers)
    length = length_of(path) if progress else None
    found: dict[str, list[HeldFeatures]] = {stream: [] for stream in makers}
    with tempfile.TemporaryDirectory() as folder:
        source = Source(path.stem, path)
        read = source
        for number, maker in enumerate(wanted):
            watch = progress and _Watch(progress, maker.name, number, len(wanted), length)
            out = Path(folder, str(number))
            delivery = Delivery(out, out / "shards" / "000.tsv", accept_short=accept_short)
            extract_shard(*maker.rebuild(files, trusted), [read], store, delivery, runtime, watch)
            if maker.gives_texts:
                (read,) = list_text_sources(delivery.manifest, [path.stem], store)
            else:
                found[maker.stream].append(_hold(maker, delivery))
                read = source
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


def _hold(maker: Maker, delivery: Delivery) -> HeldFeatures:
    """Takes what an extractor left of the one video into memory."""
    (row,) = read_manifest(delivery.manifest)
    if not row.is_ok:
        return HeldFeatures(maker.name, row.video, None, None, maker.scale, maker.made, row.status)
    array = np.load(delivery.out / f"{row.video}.npy", allow_pickle=False)
    seconds = np.array(read_json(delivery.out / f"{row.video}.json")["row_seconds"], np.float64)
    covered = row.seconds if maker.reads_texts else None
    return HeldFeatures(maker.name, row.video, array, seconds, maker.scale, maker.made, covered=covered)
