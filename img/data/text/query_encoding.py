"""Sentences as features of a text encoder: of a dataset's queries, and of one's own."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import pandas as pd
import torch
from tqdm import tqdm

from extractors.kinds.sentence.encoders import ENCODERS, Tokeniser, pad
from extractors.models.network import number_format
from extractors.storage.files import sha256_of_path, write_json
from img.config.query_encoder import QueryEncoder
from img.data.clips.mapped import hash_arrays, mapped_safetensors
from img.data.text.query_features import FEATURES, INDEX, check_sentences

_BATCH = 64
Item = TypeVar("Item")


class SentenceEncoder:
    """A text encoder with its tokeniser.

    Attributes:
        width: Dq, values in a row.
    """

    def __init__(self, settings: QueryEncoder, device: str = "cpu") -> None:
        """Loads the encoder.

        Raises:
            FileNotFoundError: there is no such folder.
            ModuleNotFoundError: transformers is not installed.
            ValueError: the folder is refused.
        """
        weights, extra = settings.weights, settings.extra
        self._settings = settings
        self._device = torch.device(device)
        self._tokeniser = Tokeniser(settings.kind, weights, extra, settings.max_tokens)
        encoder = ENCODERS[settings.kind](weights, extra, settings.weights_sha256)
        self._encoder = encoder.to(self._device)
        self._gives_tokens = settings.output == "tokens"
        self.width = encoder.token_width if self._gives_tokens else encoder.width

    def tokenise(self, sentence: str) -> list[int]:
        """Gives the token ids of a sentence."""
        return self._tokeniser.ids(sentence)

    def count_rows(self, ids: Sequence[int]) -> int:
        """Counts the rows N that a sentence of some tokens becomes."""
        return len(ids) if self._gives_tokens else 1

    @torch.inference_mode()
    def encode(self, ids: Sequence[Sequence[int]]) -> list[np.ndarray]:
        """Encodes tokenised sentences, all in one batch: float32 [N, Dq] each."""
        padded = torch.from_numpy(pad(ids)).to(self._device)
        with number_format(self._device, bfloat16=False):
            encoded = self._encoder(padded[:, 0], padded[:, 1])
        if not self._gives_tokens:
            return [row[None].cpu().numpy() for row in encoded.pooled]
        return [states[: len(own)].cpu().numpy() for states, own in zip(encoded.tokens, ids, strict=True)]

    def encode_sentences(self, sentences: Iterable[str]) -> list[np.ndarray]:
        """Encodes sentences, a batch at a time: float32 [N, Dq] each."""
        ids = map(self.tokenise, sentences)
        return [rows for batch in _batches(ids) for rows in self.encode(batch)]


def encode_queries(settings: QueryEncoder, sentences: Sequence[str], device: str = "cpu") -> list[np.ndarray]:
    """Encodes sentences; those of a dataset and one's own alike.

    Args:
        settings: the encoder.
        sentences: any number of them.
        device: name of the torch device.

    Returns:
        Features float32 [N, Dq] of each; N counts the marks of start and end.
    """
    return SentenceEncoder(settings, device).encode_sentences(sentences)


def describe_encoder(settings: QueryEncoder) -> dict[str, Any]:
    """Says what decides a sentence's features: the settings, the folder by its hash and its name."""
    values = settings.model_dump(mode="json", exclude={"weights_sha256"})
    return {
        **values,
        "weights": f"sha256:{sha256_of_path(settings.weights)}",
        "file_name": settings.weights.name,
    }


def encode_query_features(
    queries: pd.DataFrame, settings: QueryEncoder, max_words: int, device: str, out: Path
) -> None:
    """Encodes all queries into one file, `features.safetensors`, and writes `index.json`.

    Both are what `img.data.text.query_features.assemble_query_features` makes of given arrays; the index also
    tells the encoder. One batch is in memory at a time.

    Args:
        queries: the queries table.
        settings: the encoder.
        max_words: rows kept of a query.
        device: name of the torch device.
        out: the folder to write into.

    Raises:
        ValueError: one id stands for several sentences, or the encoder is refused.
    """
    check_sentences(queries)
    encoder = SentenceEncoder(settings, device)
    sentences = dict(zip(queries["query"], queries["sentence"], strict=True))
    ids = {query: encoder.tokenise(sentences[query]) for query in sorted(sentences)}
    places = dict(_place({query: min(encoder.count_rows(own), max_words) for query, own in ids.items()}))
    total = sum(rows for _, rows in places.values())
    # Sentences of one length lose nothing to padding.
    ordered = sorted(ids, key=lambda query: len(ids[query]))
    with mapped_safetensors({"queries": (total, encoder.width)}, out / FEATURES) as data:
        with tqdm(total=len(ordered), unit="query", desc=settings.kind) as progress:
            for batch in _batches(ordered):
                for query, rows in zip(batch, encoder.encode([ids[query] for query in batch]), strict=True):
                    first, count = places[query]
                    data["queries"][first : first + count] = rows[:count]
                progress.update(len(batch))
        content = hash_arrays(data)
    index = {
        "width": encoder.width,
        "content_sha256": content,
        "queries": places,
        "left_out": {},
        "encoder": describe_encoder(settings),
    }
    write_json(out / INDEX, index)


def _batches(items: Iterable[Item]) -> Iterator[list[Item]]:
    source = iter(items)
    while batch := list(islice(source, _BATCH)):
        yield batch


def _place(rows: Mapping[str, int]) -> Iterator[tuple[str, tuple[int, int]]]:
    first = 0
    for query, count in rows.items():
        yield query, (first, count)
        first += count
