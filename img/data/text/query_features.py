"""Queries as features of a text encoder, in the place of words: one memory-mapped file for a dataset."""

from __future__ import annotations

import hashlib
import logging
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import torch
from safetensors import safe_open
from tqdm import tqdm

from extractors.importing.folders import Collection, Part, open_collection
from extractors.storage.files import read_json, sha256_of, write_json
from img.data.clips.mapped import hash_arrays, mapped_safetensors

FAULT = "text features"
"""What the fault of a query begins with that lacks them."""

FEATURES, INDEX = "features.safetensors", "index.json"

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class QueryFeatures:
    """Features of a dataset's queries.

    Attributes:
        values: [ΣN, Dq] float32.
        rows: first row and number of rows N of each query, by its id.
        faults: why a query has none, by its id.
        content_sha256: hash of the values and the index: equal features, equal hash.
        encoder: what made them, as JSON; None of arrays that were made elsewhere.
    """

    values: torch.Tensor
    rows: Mapping[str, tuple[int, int]]
    faults: Mapping[str, str]
    content_sha256: str
    encoder: Mapping[str, Any] | None = None

    @staticmethod
    def load(folder: Path) -> QueryFeatures:
        """Opens what `assemble_query_features` or `encode_query_features` wrote.

        Values are read from disk when they are used.
        """
        index = read_json(folder / INDEX)
        with safe_open(folder / FEATURES, "pt") as file:
            values = file.get_tensor("queries")
        rows = {query: (first, count) for query, (first, count) in index["queries"].items()}
        content = sha256_of(folder / INDEX)
        return QueryFeatures(values, rows, index["left_out"], content, index.get("encoder"))

    def content_of(self, queries: Iterable[str]) -> str:
        """Hashes the features of some queries, wherever they lie in the file."""
        content = hashlib.sha256()
        for query in sorted(queries):
            first, count = self.rows[query]
            content.update(f"{query} {count}\n".encode())
            content.update(self.values[first : first + count].numpy().tobytes())
        return content.hexdigest()

    def mark(self, queries: pd.DataFrame) -> pd.DataFrame:
        """Returns the queries table with a fault for each query that has no features."""
        without = ~queries["query"].isin(list(self.rows)) & (queries["fault"] == "")
        reasons = queries.loc[without, "query"].map(lambda query: f"{FAULT}: {self.faults[query]}")
        return queries.assign(fault=queries["fault"].mask(without, reasons))


def query_names(query: str) -> list[str]:
    """Lists what a query's features may be called: its id; `qid_7` also `qid7`, as in the authors' files."""
    return list(dict.fromkeys((query, query.replace("qid_", "qid", 1))))


def assemble_query_features(queries: pd.DataFrame, arrays: Path, max_words: int, out: Path) -> None:
    """Brings the features of all queries into one file, `features.safetensors`, and writes `index.json`.

    Their width is that of most; a query with features of another width, or none that can be read, is left out
    and told of.

    Args:
        queries: the queries table.
        arrays: folder with a file for each query, or a pickle; see `extractors.importing.folders`.
        max_words: rows kept of a query.
        out: the folder to write into.

    Raises:
        OSError: there is nothing where the arrays should be.
        ValueError: one id stands for several sentences, or no query has features.
    """
    check_sentences(queries)
    _check_names(sorted(queries["query"].unique()))
    collection = open_collection(arrays)
    parts: dict[str, Part] = {}
    shapes: dict[str, tuple[int, int]] = {}
    left_out: dict[str, str] = {}
    for query in tqdm(sorted(queries["query"].unique()), unit="query", desc="query features"):
        try:
            parts[query] = _find(collection, query, arrays)
            rows, width = parts[query].read().shape
            shapes[query] = (min(rows, max_words), width)
        except (ValueError, OSError) as error:
            left_out[query] = str(error)
    if not shapes:
        raise ValueError(
            f"{arrays}: expected features of queries, found none: {next(iter(left_out.values()))}"
        )
    ((width, _),) = Counter(width for _, width in shapes.values()).most_common(1)
    kept: dict[str, tuple[int, int]] = {}
    total = 0
    for query, (rows, found) in shapes.items():
        if found == width:
            kept[query] = (total, rows)
            total += rows
        else:
            left_out[query] = (
                f"{parts[query].name}: expected rows of {width} values, as most have, found {found}"
            )
    with mapped_safetensors({"queries": (total, width)}, out / FEATURES) as data:
        for query, (first, rows) in kept.items():
            data["queries"][first : first + rows] = parts[query].read()[:rows]
        content = hash_arrays(data)
    _report(left_out, len(kept))
    index = {"width": width, "content_sha256": content, "queries": kept, "left_out": left_out}
    write_json(out / INDEX, index)


def check_sentences(queries: pd.DataFrame) -> None:
    """Refuses queries of which one id stands for several sentences.

    Raises:
        ValueError: naming such an id.
    """
    sentences = queries.groupby("query")["sentence"].nunique()
    ambiguous: Sequence[str] = sorted(sentences.index[sentences > 1])
    if ambiguous:
        raise ValueError(
            "queries: expected ids that stand for one sentence each, since features are found by them, "
            f"found {len(ambiguous)} that stand for several, such as {ambiguous[0]}"
        )


def _check_names(queries: Iterable[str]) -> None:
    owners: dict[str, str] = {}
    for query in queries:
        for name in query_names(query):
            if (owner := owners.setdefault(name, query)) != query:
                raise ValueError(
                    f"queries: expected ids whose features have different names, found {owner} and {query}, "
                    f"which may both be called {name}"
                )


def _find(collection: Collection, query: str, arrays: Path) -> Part:
    names = query_names(query)
    part = collection.find(names)
    if part is None:
        raise ValueError(f"{arrays}: expected an array called {' or '.join(names)}, found none")
    return part


def _report(left_out: Mapping[str, str], found: int) -> None:
    for query, reason in list(left_out.items())[:5]:
        log.warning(f"query {query} is left out: {reason}")
    if left_out:
        log.warning(f"{len(left_out)} of {len(left_out) + found} queries are left out")
