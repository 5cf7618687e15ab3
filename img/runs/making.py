"""A run made from its data: trained, or found finished in the store, and everything its folder holds."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch

from extractors.storage.files import remove_content, sha256_of_json, write_json
from extractors.storage.libraries import differing_libraries, library_versions
from extractors.storage.store import Entry, Store
from img.config.dataset import TRAIN
from img.config.protocols import LAST, best_on, checkpoint_of
from img.config.runs import TRAINING_VERSION, RunOptions
from img.data.clips.inputs import Inputs
from img.data.clips.mapped import hash_arrays
from img.data.collation import Text, read_text, text_sizes
from img.data.text.queries import MAX_WORDS, read_queries_table
from img.data.text.query_features import QueryFeatures
from img.data.text.vocabulary import VECTORS, VOCABULARY, Vocabulary, read_vectors
from img.models.checkpoint import build_system, save_checkpoint
from img.models.registry import find_system
from img.models.sizes import Sizes
from img.runs.device import computing_on
from img.runs.folder import EVENTS, HISTORY, OPTIONS, QUERY_ENCODER, READS
from img.runs.run_code import fingerprint_run
from img.runs.training import Loop, Reached, train
from img.tasks.registry import find_task
from img.tasks.task import Task

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class RunData:
    """What a run reads.

    Attributes:
        queries: the queries table; a query that cannot be read has a fault.
        inputs: the videos' clips.
        text: gives words ids, or gives features in their place.
        vectors: of the words [V, width] float32; empty where features are read.
    """

    queries: pd.DataFrame
    inputs: Inputs
    text: Text
    vectors: np.ndarray

    @staticmethod
    def open(queries: Path, inputs: Path, features: Path | None = None) -> RunData:
        """Opens what the workflow prepared.

        Args:
            queries: what `prepare_queries` wrote.
            inputs: what `assemble` wrote.
            features: what `assemble_query_features` wrote, read in the place of words; None for words.
        """
        table, text = read_text(read_queries_table(queries), queries / VOCABULARY, features)
        vectors = np.zeros((0, 0), np.float32)
        if isinstance(text, Vocabulary):
            known = read_vectors(queries / VECTORS)
            vectors = np.stack([known[word] for word in text.words])
        return RunData(table, Inputs.load(inputs), text, vectors)

    def identify(self, splits: list[str], tasks: Iterable[Task]) -> dict[str, str]:
        """Hashes what a run reads that is trained for some tasks on some splits, and nothing else."""
        usable = [task.usable(self.queries, split, self.inputs) for task in tasks for split in splits]
        rows = self.queries[np.logical_or.reduce(usable)]
        content = {
            "queries": sha256_of_json(rows.to_json(orient="records", double_precision=15)),
            "inputs": self.inputs.content_of(rows["video"].unique()),
        }
        if isinstance(self.text, QueryFeatures):
            return {**content, "text": self.text.content_of(rows["query"].unique())}
        vocabulary = sha256_of_json({"words": self.text.words, "characters": self.text.characters})
        return {**content, "text": vocabulary, "vectors": hash_arrays({"vectors": self.vectors})}


def make_run(
    data: RunData, options: RunOptions, seed: int, store: Store, device: str, fresh: bool
) -> tuple[Path, bool]:
    """Trains a run, or finds the finished one in the store.

    The store's entry holds `last.safetensors`, `best_on_{split}.safetensors` for each selection split, and
    the files of `img.runs.folder` but predictions and metrics.

    Args:
        data: what it reads.
        options: system and training options.
        seed: of initialisation, order, dropout and draws.
        store: keeps finished and unfinished runs.
        device: where to train.
        fresh: train even where the store holds the run.

    Returns:
        The entry's folder, and whether it was restored instead of trained.
    """
    kind = find_system(options.model.kind)
    tasks = {name: find_task(name) for name in options.tasks}
    ingredients: dict[str, Any] = {
        "kind": "training",
        "code_version": TRAINING_VERSION,
        "system_version": kind.code_version,
        "code": fingerprint_run(kind, tasks),
        **data.identify([TRAIN, *options.selection_splits], tasks.values()),
        "options": options.model_dump(mode="json"),
        "seed": seed,
        "device": device,
        "threads": torch.get_num_threads() if device == "cpu" else None,
    }
    key = Store.key(ingredients)
    if not fresh and (entry := store.find(key)) is not None:
        return _restored(entry), True
    with store.working_on(key) as partial:
        # The same run may have been finished by another process while this one waited for its turn.
        if not fresh and (entry := store.find(key)) is not None:
            return _restored(entry), True
        if fresh:
            remove_content(partial)
        loop, sizes, reached = _train(data, options, tasks, seed, device, partial)
        if (old := store.find(key)) is not None:
            store.remove(old)
        with store.adding(key, {**ingredients, "libraries": library_versions()}) as folder:
            states = {LAST: loop.system.state_dict()}
            states |= {best_on(split): best.state for split, best in reached.best.items()}
            for protocol, state in states.items():
                save_checkpoint(checkpoint_of(folder, protocol), state, options.model, sizes)
            made = {name: ingredients[name] for name in ("seed", "device", "threads", "code")}
            made |= {name: value for name, value in data.queries.attrs.items() if name == MAX_WORDS}
            if isinstance(data.text, QueryFeatures) and data.text.encoder:
                made[QUERY_ENCODER] = dict(data.text.encoder)
            made |= {
                "best_epoch": reached.best[options.selection_split].epoch,
                "selected_epochs": {best_on(split): best.epoch for split, best in reached.best.items()},
                "key": key,
                "libraries": library_versions(),
            }
            write_json(folder / OPTIONS, {**options.model_dump(mode="json"), **made})
            write_json(folder / READS, data.inputs.reads)
            if isinstance(data.text, Vocabulary):
                data.text.save(folder / VOCABULARY)
            pd.DataFrame(reached.history).to_csv(folder / HISTORY, index=False)
            shutil.copytree(partial / EVENTS, folder / EVENTS)
        remove_content(partial)
    return store.get(key).folder, False


def _restored(entry: Entry) -> Path:
    """Returns a finished run's folder, and says where its libraries differ from today's."""
    differing = differing_libraries(entry.description.get("libraries", {}))
    if differing:
        made_with = ", ".join(f"{name} {version}" for name, version in differing.items())
        log.warning(f"restored a run that was trained with {made_with}; --fresh 1 trains it again")
    return entry.folder


def _train(
    data: RunData, options: RunOptions, tasks: Mapping[str, Task], seed: int, device: str, partial: Path
) -> tuple[Loop, Sizes, Reached]:
    sound, fraction = options.training.sound, options.training.fraction
    samples = {
        name: task.samples(data.queries, TRAIN, data.inputs, data.text, sound, fraction, training=True)
        for name, task in tasks.items()
    }
    choosing = next(iter(tasks.values()))
    selections = {
        split: choosing.samples(data.queries, split, data.inputs, data.text, sound)
        for split in options.selection_splits
    }
    vectors = torch.from_numpy(data.vectors)
    sizes = Sizes(data.inputs.widths, word_width=vectors.shape[1], **text_sizes(data.text))
    with torch.random.fork_rng(), computing_on(device, options.training.batch_size):
        torch.manual_seed(seed)
        system = build_system(options.model, sizes, vectors).to(device)
        loop = Loop(system, choosing, samples, selections, options.training, seed, device)
        reached = train(loop, partial)
    return loop, sizes, reached
