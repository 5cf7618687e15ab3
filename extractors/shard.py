"""What an extraction job does: a list of videos in, arrays in the store, links and a manifest out.

A shard is planned (which arrays are in the store?), computed (those that are not), and awaited (those that
another process has in hand).
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tqdm import tqdm

from extractors.gpus import take_gpu
from extractors.media.batching import Features, embed_videos
from extractors.media.decoding import decode_ahead
from extractors.outcomes import Counts, Delivery, Outcomes, check_name, keep
from extractors.provenance.makers import find_differences, fingerprint_kind
from extractors.registry import Extractor, Kind, KindParameters, Parameters
from extractors.storage.files import sha256_of
from extractors.storage.libraries import library_versions
from extractors.storage.locks import Lock
from extractors.storage.store import Entry, Store

# What decoding processes load, by the decoder's name: PyAV opens the files of both.
_DECODER_LIBRARIES = {"decord": ("av", "decord"), "pyav": ("av",)}

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
    sources: Sequence[Source],
    store: Store,
    delivery: Delivery,
    runtime: Runtime,
) -> Counts:
    """Extracts a list of videos: what the store holds is linked, the rest computed, stored and linked.

    A killed run keeps every video it finished. Of several processes that need the same array from one store,
    one computes it; the others compute something else meanwhile and wait for it at the end.

    A video's files in `delivery.out` are `{video}.npy`, float32 [rows, width], and `{video}.json`, which says
    how the array was made; those of a video that has no array any more are removed.

    Args:
        kind: the extractor kind.
        parameters: its parameters.
        sources: the videos.
        store: where arrays are kept.
        delivery: folder of the linked arrays, the manifest, and what to do about failures and short files.
        runtime: device, batch size, processes.

    Returns:
        What was computed, restored, absent and failed.

    Raises:
        ShardFailedError: under `stop`, where a video failed.
        StorageError: the store or the folder of links cannot be written.
        ValueError: the kind reads no videos.
    """
    if not isinstance(parameters, Parameters):
        raise ValueError(f"kind: expected one that reads videos, found {kind.name}")
    outcomes = Outcomes(delivery)
    recipe = _Recipe(kind, parameters, runtime)
    tasks = _plan(recipe, sources, store, outcomes)
    if tasks:
        store.check_writable(
            f"missing in it: {len(tasks)} of {len(sources)} arrays, such as {tasks[0].video}'s"
        )
        extractor = recipe.load_extractor()
        with tqdm(total=len(tasks), unit="video", desc=kind.name) as progress, _Claims(store) as claims:
            while tasks:
                elsewhere = _compute(recipe, extractor, tasks, claims, outcomes, progress)
                tasks = _await(recipe, elsewhere, claims, outcomes, progress)
    return outcomes.finish()


class _Recipe:
    """A kind with its parameters, and what descriptions say of them."""

    def __init__(self, kind: Kind, parameters: Parameters, runtime: Runtime) -> None:
        self.kind = kind
        self.parameters = parameters
        self.runtime = runtime
        self._identity = identify(kind, parameters)
        self._code = fingerprint_kind(kind)

    def key(self, source_hash: str) -> str:
        """Gives the key of the array of a file's content."""
        return Store.key({**self._identity, "source": source_hash})

    def load_extractor(self) -> Extractor:
        """Builds the network on its device."""
        import torch

        if self.runtime.device == "cuda":
            take_gpu()
        if self.runtime.threads:
            torch.set_num_threads(self.runtime.threads)
        return self.kind.load_extractor(self.parameters, self.runtime.device)

    def describe(self, source_hash: str, features: Features) -> dict[str, Any]:
        """Says how an array was made: from what, by what, called what, and on what."""
        files = {name: value.name for name, value in self.parameters if isinstance(value, Path)}
        made = {
            **self._identity,
            "code": self._code,
            "file_names": files,
            "device": self.runtime.device,
            "batch_size": self.runtime.batch_size,
            "libraries": library_versions(*_DECODER_LIBRARIES.get(features.decoder, ())),
            "source_sha256": source_hash,
            "decoder": features.decoder,
            "windows": features.windows,
            "row_seconds": [[round(start, 6), round(end, 6)] for start, end in features.row_seconds],
        }
        if features.short:
            made["reached_seconds"] = round(features.short.reached, 6)
            made["promised_seconds"] = features.short.promised
        return made

    def differences(self, entry: Entry) -> list[str]:
        """Says what an array was made by that is not today's."""
        return find_differences(entry.description, self._code)


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
    except OSError:
        return None
    return status.st_ino, status.st_size, status.st_mtime_ns


class _Claims:
    """Which arrays this process is computing, so that no other process on the same store does.

    Nothing is waited for while a claim is held: two processes could wait for each other.
    """

    def __init__(self, store: Store):
        self.store = store
        self._held: dict[str, Lock] = {}

    def __enter__(self) -> _Claims:
        return self

    def __exit__(self, *_: object) -> None:
        for lock in self._held.values():
            lock.release()

    def take(self, task: _Task) -> bool:
        """Claims a task, unless another process has it in hand or has done it by now."""
        lock = self.store.lock(task.key)
        if not lock.acquire(wait=False):
            return False
        if self.store.holds(task.key):
            lock.release()
            return False
        self._held[task.key] = lock
        return True

    def drop(self, task: _Task) -> None:
        self._held.pop(task.key).release()

    def await_entry(self, task: _Task) -> Entry | None:
        """Waits until no process has a task in hand; gives what came of it."""
        lock = self.store.lock(task.key)
        if not lock.acquire(wait=False):
            log.info(f"{task.video}: another process computes it; waiting")
            lock.acquire(wait=True)
        lock.release()
        return self.store.find(task.key)


def _plan(recipe: _Recipe, sources: Sequence[Source], store: Store, outcomes: Outcomes) -> list[_Task]:
    """Links what the store holds; gives what is to be computed."""
    tasks = []
    for source in tqdm(sources, unit="video", desc=f"{recipe.kind.name}: looked for in the store"):
        if source.path is None:
            outcomes.missing(source.video)
            continue
        with outcomes.of(source.video):
            check_name(source.video)
            state = _state(source.path)
            source_hash = sha256_of(source.path)
            task = _Task(source.video, source.path, state, source_hash, recipe.key(source_hash))
            entry = store.find(task.key)
            if entry is None:
                tasks.append(task)
            else:
                outcomes.restored(task.video, task.source_hash, entry, recipe.differences(entry))
    return tasks


def _compute(
    recipe: _Recipe,
    extractor: Extractor,
    tasks: Sequence[_Task],
    claims: _Claims,
    outcomes: Outcomes,
    progress: tqdm,
) -> list[_Task]:
    """Computes and links what no other process has in hand; gives the others' tasks."""
    elsewhere = []
    events = decode_ahead(
        recipe.kind,
        recipe.parameters,
        [task.path for task in tasks],
        workers=recipe.runtime.workers,
        timeout=recipe.runtime.timeout,
        begin=lambda index: claims.take(tasks[index]),
    )
    for index, result in embed_videos(extractor, events, recipe.runtime.batch_size):
        task = tasks[index]
        if result is None:
            elsewhere.append(task)
            continue
        is_unchanged = task.is_unchanged()
        with outcomes.of(task.video, task.source_hash if is_unchanged else ""):
            if not is_unchanged:
                # Its hash is that of another file than the one decoded.
                raise ValueError(f"{task.path}: changed while being read; extract it again")
            if not isinstance(result, Features):
                raise result
            made = recipe.describe(task.source_hash, result)
            outcomes.computed(task.video, task.source_hash, keep(claims.store, task.key, made, result.array))
        claims.drop(task)
        progress.update()
    return elsewhere


def _await(
    recipe: _Recipe, tasks: Sequence[_Task], claims: _Claims, outcomes: Outcomes, progress: tqdm
) -> list[_Task]:
    """Waits for other processes' arrays and links them; gives those that did not come."""
    given_up = []
    for task in tasks:
        with outcomes.of(task.video, task.source_hash):
            entry = claims.await_entry(task)
            if entry is None:
                given_up.append(task)
                continue
            outcomes.restored(task.video, task.source_hash, entry, recipe.differences(entry))
        progress.update()
    return given_up
