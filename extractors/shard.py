"""What an extraction job does: a list of videos in, arrays in the store, links and a manifest out."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
from tqdm import tqdm

from extractors.gpus import take_gpu
from extractors.media.batching import Features, embed_videos
from extractors.media.container import check_file
from extractors.media.decoding import decode_ahead
from extractors.media.errors import MediaError, NoAudioError, ShortMediaError
from extractors.registry import Extractor, Kind, KindParameters, Parameters
from extractors.storage.files import library_versions, sha256_of
from extractors.storage.locks import Lock
from extractors.storage.manifest import Row, write_manifest
from extractors.storage.store import DESCRIPTION, Entry, Store

ARRAY = "array.npy"

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Source:
    """A video to extract; `path` is None where the dataset names it and no file was found."""

    video: str
    path: Path | None


@dataclass(frozen=True)
class Runtime:
    """How to run, none of which is part of a feature's identity.

    Attributes:
        device: "cpu" or "cuda".
        batch_size: windows in a batch.
        workers: decoding processes.
        timeout: seconds without a sign of life after which a decoder is killed.
        threads: the network's threads on the CPU; None for all cores.
    """

    device: str = "cpu"
    batch_size: int = 4
    workers: int = 1
    timeout: float = 60.0
    threads: int | None = None


class ShardFailedError(RuntimeError):
    """Videos failed and the policy is to stop; the message holds every reason."""


@dataclass
class Counts:
    """What a shard took from the store and what it had to compute."""

    computed: int = 0
    restored: int = 0
    absent: int = 0
    failed: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        return (
            f"{self.computed} computed, {self.restored} restored, {self.absent} without array, "
            f"{len(self.failed)} failed"
        )


def identify(kind: Kind, parameters: Parameters) -> dict[str, Any]:
    """Says what makes an extractor's features what they are: kind, code version, parameters, files' hashes.

    Raises:
        ValueError: where a file that the parameters name is not there.
    """
    values = parameters.model_dump()
    if parameters.weights != "random":
        del values["seed"]
    del values["weights_sha256"]
    for name, value in values.items():
        if isinstance(value, Path):
            if not value.is_file():
                raise ValueError(f"{name}: expected a file, found nothing at {value}")
            values[name] = f"sha256:{sha256_of(value)}"
    return {"kind": kind.name, "code_version": kind.code_version, "parameters": values}


def extract_shard(
    kind: Kind,
    parameters: KindParameters,
    sources: Iterable[Source],
    *,
    store: Store,
    out: Path,
    manifest: Path,
    runtime: Runtime,
    on_failure: Literal["report", "stop"] = "report",
    accept_short: bool = False,
) -> Counts:
    """Extracts a list of videos: what the store holds is linked, the rest computed, stored and linked.

    A killed run keeps every video it finished. Of several processes that need the same array from one store,
    one computes it; the others compute something else meanwhile and wait for it at the end.

    A video's files in `out` are `{video}.npy`, float32 [rows, width], and `{video}.json`, which says how the
    array was made; those of a video that has no array any more are removed.

    Args:
        kind: the extractor kind.
        parameters: its parameters.
        sources: the videos.
        store: where arrays are kept.
        out: folder of the linked arrays.
        manifest: the table to write, one row a video.
        runtime: device, batch size, processes.
        on_failure: `report` lists failed videos in the manifest; `stop` writes none and raises at the end.
        accept_short: take the rows of a file that is cut short; otherwise it counts as failed.

    Returns:
        What was computed, restored, absent and failed.

    Raises:
        ShardFailedError: under `stop`, where a video failed.
        ValueError: the kind reads no videos.
    """
    if not isinstance(parameters, Parameters):
        raise ValueError(f"kind: expected one that reads videos, found {kind.name}")
    identity = identify(kind, parameters)
    circumstances = _circumstances(parameters, runtime)
    counts = Counts()
    rows: list[Row] = []
    waiting: list[_Task] = []
    for source in sources:
        if source.path is None:
            rows.append(Row(source.video, "missing"))
            counts.absent += 1
            continue
        try:
            check_file(source.path)
            state = _state(source.path)
            source_hash = sha256_of(source.path)
        except OSError as error:
            rows.append(Row(source.video, f"failed: {source.path}: cannot be read ({error.strerror})"))
            continue
        except MediaError as error:
            rows.append(Row(source.video, f"failed: {error}"))
            continue
        task = _Task(
            source.video, source.path, state, source_hash, Store.key({**identity, "source": source_hash})
        )
        entry = store.find(task.key)
        if entry is None:
            waiting.append(task)
        else:
            counts.restored += 1
            rows.append(publish(task.video, task.source_hash, entry, out, accept_short))

    extractor = _load(kind, parameters, runtime) if waiting else None
    progress = tqdm(total=len(rows) + len(waiting), initial=len(rows), unit="video", desc=kind.name)
    with progress, _Claims(store) as claims:
        while extractor and waiting:
            elsewhere = []
            for task, result in _compute(extractor, kind, parameters, waiting, runtime, claims):
                if result is None:
                    elsewhere.append(task)
                    continue
                if not task.is_unchanged():
                    # Its hash is that of another file than the one decoded.
                    reason = f"{task.path}: changed while being read; extract it again"
                    rows.append(Row(task.video, f"failed: {reason}"))
                elif isinstance(result, Features):
                    counts.computed += 1
                    entry = _keep(store, task, {**identity, **circumstances}, result)
                    rows.append(publish(task.video, task.source_hash, entry, out, accept_short))
                elif isinstance(result, NoAudioError):
                    counts.absent += 1
                    rows.append(Row(task.video, "no_audio", source_sha256=task.source_hash))
                elif isinstance(result, ShortMediaError):
                    status = _short(result.reached, result.promised)
                    rows.append(Row(task.video, status, source_sha256=task.source_hash))
                else:
                    rows.append(Row(task.video, f"failed: {result}", source_sha256=task.source_hash))
                claims.drop(task)
                progress.update()
            waiting = []
            for task in elsewhere:
                entry = claims.await_entry(task)
                if entry is None:
                    waiting.append(task)
                else:
                    counts.restored += 1
                    rows.append(publish(task.video, task.source_hash, entry, out, accept_short))
                    progress.update()

    finish(rows, counts, out, manifest, on_failure)
    return counts


def publish(video: str, source_hash: str, entry: Entry, out: Path, accept_short: bool = False) -> Row:
    """Links a video's array and its description out of the store; returns the manifest's row.

    The array of a file that was cut short is in the store either way, so that changing one's mind computes
    nothing; it is linked only where it is accepted.
    """
    made = entry.description
    if "reached_seconds" in made and not accept_short:
        status = _short(made["reached_seconds"], made["promised_seconds"])
        return Row(video, status, source_sha256=source_hash)
    entry.link({ARRAY: out / f"{video}.npy", DESCRIPTION: out / f"{video}.json"})
    return Row(
        video=video,
        status="ok",
        rows=made["rows"],
        width=made["width"],
        seconds=made["row_seconds"][-1][1] if made["row_seconds"] else None,
        source_sha256=source_hash,
        feature_sha256=made["files"][ARRAY],
    )


def _short(reached: float, promised: float | None) -> str:
    return f"short: {reached:.1f} of {'unknown' if promised is None else f'{promised:.1f}'} s"


def finish(
    rows: Sequence[Row], counts: Counts, out: Path, manifest: Path, on_failure: Literal["report", "stop"]
) -> None:
    """Removes stale arrays, counts and tells the failures, and writes the manifest.

    Args:
        rows: what became of each video.
        counts: gets the failures.
        out: folder of the linked arrays.
        manifest: the table to write.
        on_failure: `stop` writes no table where a video failed, and raises.

    Raises:
        ShardFailedError: under `stop`, where a video failed.
    """
    for row in rows:
        if not row.is_ok:
            for suffix in (".npy", ".json"):
                (out / f"{row.video}{suffix}").unlink(missing_ok=True)
    counts.failed = [f"{row.video}: {row.status}" for row in rows if row.is_failed]
    if counts.failed and on_failure == "stop":
        raise ShardFailedError(
            f"{len(counts.failed)} of {len(rows)} videos failed and on_failure is `stop`; "
            "finished arrays are kept in the store:\n" + "\n".join(counts.failed)
        )
    for reason in counts.failed:
        log.warning(reason)
    write_manifest(manifest, rows)


@dataclass(frozen=True)
class _Task:
    """A video whose file was found, and the key its array has in the store."""

    video: str
    path: Path
    state: tuple[int, ...] | None
    source_hash: str
    key: str

    def is_unchanged(self) -> bool:
        """Whether the file still is the one that was hashed, by what its folder says of it."""
        return _state(self.path) == self.state


def _state(path: Path) -> tuple[int, ...] | None:
    try:
        status = path.stat()
    except FileNotFoundError:
        return None
    return status.st_ino, status.st_size, status.st_mtime_ns


class _Claims:
    """Which arrays this process is computing, so that no other process on the same store does.

    Nothing is waited for while a claim is held: two processes could wait for each other.
    """

    def __init__(self, store: Store):
        self._store = store
        self._held: dict[str, Lock] = {}

    def __enter__(self) -> _Claims:
        return self

    def __exit__(self, *_: object) -> None:
        for lock in self._held.values():
            lock.release()

    def take(self, task: _Task) -> bool:
        """Claims a task, unless another process has it in hand or has done it by now."""
        lock = self._store.lock(task.key)
        if not lock.acquire(wait=False):
            return False
        if self._store.holds(task.key):
            lock.release()
            return False
        self._held[task.key] = lock
        return True

    def drop(self, task: _Task) -> None:
        self._held.pop(task.key).release()

    def await_entry(self, task: _Task) -> Entry | None:
        """Waits until no process has a task in hand; gives what came of it."""
        lock = self._store.lock(task.key)
        if not lock.acquire(wait=False):
            log.info(f"{task.video}: another process computes it; waiting")
            lock.acquire(wait=True)
        lock.release()
        return self._store.find(task.key)


def _compute(
    extractor: Extractor,
    kind: Kind,
    parameters: Parameters,
    tasks: Sequence[_Task],
    runtime: Runtime,
    claims: _Claims,
) -> Iterator[tuple[_Task, Features | MediaError | None]]:
    """Gives each task's features, why there are none, or None where it was another process's."""
    events = decode_ahead(
        kind,
        parameters,
        [task.path for task in tasks],
        workers=runtime.workers,
        timeout=runtime.timeout,
        begin=lambda index: claims.take(tasks[index]),
    )
    for index, result in embed_videos(extractor, events, runtime.batch_size):
        yield tasks[index], result


def _load(kind: Kind, parameters: Parameters, runtime: Runtime) -> Extractor:
    import torch

    if runtime.device == "cuda":
        take_gpu()
    if runtime.threads:
        torch.set_num_threads(runtime.threads)
    return kind.load_extractor(parameters, runtime.device)


def _circumstances(parameters: Parameters, runtime: Runtime) -> dict[str, Any]:
    """What a description says beside the identity: what files were called, and where the array was made."""
    return {
        "file_names": {name: value.name for name, value in parameters if isinstance(value, Path)},
        "device": runtime.device,
        "batch_size": runtime.batch_size,
        "libraries": library_versions(),
    }


def _keep(store: Store, task: _Task, made: dict[str, Any], features: Features) -> Entry:
    description = {
        **made,
        "source_sha256": task.source_hash,
        "decoder": features.decoder,
        "rows": features.array.shape[0],
        "width": features.array.shape[1],
        "windows": features.windows,
        "row_seconds": [[round(start, 6), round(end, 6)] for start, end in features.row_seconds],
    }
    if features.short:
        description["reached_seconds"] = round(features.short.reached, 6)
        description["promised_seconds"] = features.short.promised
    with store.adding(task.key, description) as folder:
        np.save(folder / ARRAY, features.array, allow_pickle=False)
    return store.get(task.key)
