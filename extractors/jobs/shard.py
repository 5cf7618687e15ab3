"""What an extraction job does: a list of videos in, arrays or texts in the store, links and a manifest out.

A shard is planned (which arrays are in the store?), computed (those that are not), and awaited (those that
another process has in hand).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from tqdm import tqdm

from extractors.jobs.claims import Claims, Task, state_of
from extractors.jobs.extraction import Extraction, Runtime
from extractors.jobs.keeping import keep
from extractors.jobs.outcomes import Counts, Delivery, Outcomes
from extractors.kind import Extractor, Kind, Writer
from extractors.media.batching import Features, embed_videos
from extractors.media.decoding import Decoded, Event, Restarted, decode_ahead
from extractors.media.errors import MediaError
from extractors.media.writing import WrittenTexts, write_videos
from extractors.names import check_name
from extractors.parameters import KindParameters, Parameters
from extractors.storage.files import sha256_of
from extractors.storage.store import Store


@dataclass(frozen=True)
class Source:
    """A video to extract.

    Attributes:
        video: its id.
        path: of its file, or of its texts; None where there is none.
        absence: what the manifest says of a video without file.
        covered: seconds of the video that its texts are about; None for a media file, which tells itself.
    """

    video: str
    path: Path | None
    absence: str = "missing"
    covered: float | None = None


def extract_shard(
    kind: Kind,
    parameters: KindParameters,
    sources: Sequence[Source],
    store: Store,
    delivery: Delivery,
    runtime: Runtime,
    watch: Callable[[float], None] | None = None,
) -> Counts:
    """Extracts a list of videos: what the store holds is linked, the rest computed, stored and linked.

    A killed run keeps every video it finished. Of several processes that need the same array from one store,
    one computes it; the others compute something else meanwhile and wait for it at the end.

    A video's files in `delivery.out` are `{video}.npy`, float32 [rows, width], or `{video}.jsonl`, texts with
    their seconds, and `{video}.json`, which says how they were made; those of a video that has no result any
    more are removed.

    Args:
        kind: the extractor kind.
        parameters: its parameters.
        sources: the videos.
        store: where arrays are kept.
        delivery: folder of the linked arrays, the manifest, and what to do about failures and short files.
        runtime: device, batch size, processes.
        watch: told how many seconds of media are reached, in the place of bars on standard error.

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
    extraction = Extraction(kind, parameters, runtime)
    tasks = _plan(extraction, sources, store, outcomes, quiet=watch is not None)
    if tasks:
        results = "texts" if kind.gives == "texts" else "arrays"
        store.check_writable(
            f"missing in it: {len(tasks)} of {len(sources)} {results}, such as {tasks[0].video}'s"
        )
        network = extraction.load_network()
        bar = tqdm(total=len(tasks), unit="video", desc=kind.name, disable=watch is not None)
        with bar as progress, Claims(store) as claims:
            while tasks:
                elsewhere = _compute(extraction, network, tasks, claims, outcomes, progress, watch)
                tasks = _await(extraction, elsewhere, claims, outcomes, progress)
    return outcomes.finish()


def _plan(
    extraction: Extraction, sources: Sequence[Source], store: Store, outcomes: Outcomes, quiet: bool
) -> list[Task]:
    """Links what the store holds; gives what is to be computed."""
    tasks = []
    looked = f"{extraction.kind.name}: looked for in the store"
    for source in tqdm(sources, unit="video", desc=looked, disable=quiet):
        if source.path is None:
            outcomes.absent(source.video, source.absence)
            continue
        with outcomes.of(source.video):
            check_name(source.video)
            state = state_of(source.path)
            source_hash = sha256_of(source.path)
            key = extraction.key(source_hash)
            task = Task(source.video, source.path, state, source_hash, key, source.covered)
            entry = store.find(task.key)
            if entry is None:
                tasks.append(task)
            else:
                differing = extraction.differences(entry)
                outcomes.restored(task.video, task.source_hash, entry, differing, task.covered)
    return tasks


def _compute(
    extraction: Extraction,
    network: Extractor | Writer,
    tasks: Sequence[Task],
    claims: Claims,
    outcomes: Outcomes,
    progress: tqdm,
    watch: Callable[[float], None] | None,
) -> list[Task]:
    """Computes and links what no other process has in hand; gives the others' tasks."""
    elsewhere = []
    paths = [task.path for task in tasks]
    events = decode_ahead(
        extraction.kind,
        extraction.kind.prepare_reader(extraction.parameters, paths),
        paths,
        workers=extraction.runtime.workers,
        timeout=extraction.runtime.timeout,
        begin=lambda index: claims.take(tasks[index]),
    )
    told = _tell_media_time(events, progress, watch)
    for index, result in _run(network, told, extraction):
        task = tasks[index]
        if result is None:
            elsewhere.append(task)
            continue
        is_unchanged = task.is_unchanged()
        with outcomes.of(task.video, task.source_hash if is_unchanged else ""):
            if not is_unchanged:
                # Its hash is that of another file than the one decoded.
                raise ValueError(f"{task.path}: changed while being read; extract it again")
            if isinstance(result, MediaError):
                raise result
            made = extraction.describe(task.source_hash, result, network.facts)
            entry = keep(claims.store, task.key, made, result)
            outcomes.computed(task.video, task.source_hash, entry, task.covered)
        claims.drop(task)
        progress.update()
    return elsewhere


def _run(
    network: Extractor | Writer, events: Iterator[Event], extraction: Extraction
) -> Iterator[tuple[int, Features | WrittenTexts | MediaError | None]]:
    """Turns decoded windows into what the kind gives, video by video."""
    if extraction.kind.gives == "texts":
        return write_videos(cast(Writer, network), events)
    return embed_videos(cast(Extractor, network), events, extraction.runtime.batch_size)


def _tell_media_time(
    events: Iterable[Event], progress: tqdm, watch: Callable[[float], None] | None
) -> Iterator[Event]:
    """Passes decoded windows on, and shows how many minutes of media they have reached."""
    reached: dict[int, float] = {}
    for event in events:
        if isinstance(event, Decoded):
            reached[event.index] = event.window.end
        elif isinstance(event, Restarted):
            reached.pop(event.index, None)
        seconds = sum(reached.values())
        progress.set_postfix_str(f"{seconds / 60:.1f} min of media", refresh=False)
        progress.update(0)
        if watch:
            watch(seconds)
        yield event


def _await(
    extraction: Extraction, tasks: Sequence[Task], claims: Claims, outcomes: Outcomes, progress: tqdm
) -> list[Task]:
    """Waits for other processes' arrays and links them; gives those that did not come."""
    given_up = []
    for task in tasks:
        with outcomes.of(task.video, task.source_hash):
            entry = claims.await_entry(task)
            if entry is None:
                given_up.append(task)
                continue
            differing = extraction.differences(entry)
            outcomes.restored(task.video, task.source_hash, entry, differing, task.covered)
        progress.update()
    return given_up
