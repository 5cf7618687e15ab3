"""A run opened: the one place that rebuilds what was trained, from nothing but its folder."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch

from extractors.storage.files import read_json
from img.config.base import check
from img.config.protocols import checkpoint_of, protocols_of
from img.config.runs import InferenceOptions, RunOptions
from img.data.clips.inputs import Inputs
from img.data.collation import Text, text_sizes
from img.data.text.queries import read_queries_table
from img.data.text.query_features import QueryFeatures
from img.data.text.vocabulary import VECTORS, VOCABULARY, Vocabulary, read_vectors
from img.models.checkpoint import load_checkpoint, read_sizes
from img.models.protocol import System
from img.models.sizes import Sizes, check_fit
from img.runs.folder import CONFIG, METRICS, OPTIONS, READS, WEIGHTS

FORMAT = "img-pipeline/1"
"""How an exported run is written."""

EXPORTED = ("format", "protocol", "run", "sizes", "inputs", "inference")
"""What an exported run's config.json holds."""


@dataclass(frozen=True)
class Run:
    """A trained run.

    Attributes:
        folder: where it lies.
        options: of system, training and selection.
        made: everything that options.json holds.
        vocabulary: the words and characters it was trained with; None where it reads features of queries.
        reads: its streams and how they were made, options of the inputs, their standardisation; empty for a
            run whose makers did not say.
        weights: the file of each protocol's.
        inference: how it answered when it was evaluated; as by default where it was not.
    """

    folder: Path
    options: RunOptions
    made: Mapping[str, Any]
    vocabulary: Vocabulary | None
    reads: Mapping[str, Any]
    weights: Mapping[str, Path]
    inference: InferenceOptions

    @property
    def protocols(self) -> list[str]:
        """The protocols it has weights of."""
        return list(self.weights)

    @property
    def is_exported(self) -> bool:
        """Whether it was written by `export`, here or elsewhere."""
        return not (self.folder / OPTIONS).is_file()

    @property
    def sizes(self) -> Sizes:
        """What its shape owes to its data."""
        return read_sizes(next(iter(self.weights.values())))

    def read_queries(self, folder: Path, features: Path | None = None) -> Questions:
        """Reads queries as the run does: by its own vocabulary, or as features.

        Words that it did not meet in training and that have a vector get it: vectors are frozen, so theirs
        can join later. A run that was made elsewhere keeps to the words it came with.

        Args:
            folder: what `prepare_queries` wrote.
            features: what `assemble_query_features` wrote.

        Raises:
            ValueError: the run reads features and there are none.
        """
        table = read_queries_table(folder)
        if self.vocabulary is None:
            if features is None:
                raise ValueError(f"{self.folder}: the run reads queries as features; give --query-features")
            text = QueryFeatures.load(features)
            return Questions(text.mark(table), text, np.zeros((0, 0), np.float32))
        if "imported" in self.made:
            return Questions(table, self.vocabulary, np.zeros((0, self.sizes.word_width), np.float32))
        known = read_vectors(folder / VECTORS)
        met = set(self.vocabulary.words)
        further = [word for word in known if word not in met]
        vectors = np.stack([known[word] for word in further]) if further else np.zeros((0, 0), np.float32)
        return Questions(table, self.vocabulary.extended(further), vectors)

    def check_inputs(self, inputs: Inputs, text: Text) -> None:
        """Checks that inputs and queries have the widths that the run was trained with.

        Raises:
            ValueError: naming every width that differs.
        """
        sizes = self.sizes
        widths = {f"{name}_width": inputs.widths.get(name) for name in sizes.streams}
        check_fit(self.folder, sizes, query_width=text_sizes(text)["query_width"], **widths)

    def load(self, protocol: str, further: np.ndarray | None = None) -> System:
        """Rebuilds its system, in evaluation mode.

        Args:
            protocol: whose weights.
            further: vectors [W, width] of words that the queries hold beyond the run's own.
        """
        system = load_checkpoint(self.weights[protocol])
        if further is not None and len(further):
            system.add_words(torch.from_numpy(further))
        return system


@dataclass(frozen=True)
class Questions:
    """Queries as a run reads them.

    Attributes:
        table: the queries table; a query that cannot be read has a fault.
        text: gives words ids, or gives features in their place.
        further: vectors [W, width] of words that the run did not know.
    """

    table: pd.DataFrame
    text: Text
    further: np.ndarray


def open_run(folder: Path) -> Run:
    """Opens a run.

    Args:
        folder: what `train`, `import-official` or `export` wrote.

    Raises:
        ValueError: a file is not what it should be; the message names it.
        OSError: a file is missing.
    """
    if not (folder / OPTIONS).is_file() and (folder / CONFIG).is_file():
        return _open_exported(folder)
    made = read_json(folder / OPTIONS)
    reads = read_json(folder / READS) if (folder / READS).is_file() else {}
    metrics = read_json(folder / METRICS) if (folder / METRICS).is_file() else {"options": {}}
    weights = {protocol: checkpoint_of(folder, protocol) for protocol in protocols_of(made)}
    return _gather(folder, folder / OPTIONS, made, reads, weights, metrics["options"].get("inference", {}))


def _open_exported(folder: Path) -> Run:
    """Opens what `export` wrote."""
    config = read_json(folder / CONFIG)
    absent = [key for key in EXPORTED if not isinstance(config, dict) or key not in config]
    if absent:
        raise ValueError(
            f"{folder / CONFIG}: expected an exported run with the keys {', '.join(EXPORTED)}, found no "
            f"{', '.join(absent)}"
        )
    if config["format"] != FORMAT:
        raise ValueError(
            f"{folder / CONFIG}: expected format {FORMAT}, found {config['format']!r}; use the release that "
            "wrote it"
        )
    weights = {config["protocol"]: folder / WEIGHTS}
    return _gather(folder, folder / CONFIG, config["run"], config["inputs"], weights, config["inference"])


def _gather(
    folder: Path,
    source: Path,
    made: Mapping[str, Any],
    reads: Mapping[str, Any],
    weights: Mapping[str, Path],
    inference: Mapping[str, Any],
) -> Run:
    """Checks what the files of a run say."""
    options = {name: made[name] for name in RunOptions.model_fields if name in made}
    vocabulary = folder / VOCABULARY
    return Run(
        folder=folder,
        options=check(RunOptions, options, str(source)),
        made=made,
        vocabulary=Vocabulary.load(vocabulary) if vocabulary.is_file() else None,
        reads=reads,
        weights=weights,
        inference=check(InferenceOptions, inference, str(source)),
    )
