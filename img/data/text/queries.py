"""The queries table: every split's sentences, parsed, tokenised and checked, with the words' vectors."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import asdict
from pathlib import Path

import pandas as pd

from extractors.storage.files import replacing
from extractors.words import tokenise
from img.config.dataset import Annotations, QueryOptions
from img.data.annotations.reading import read_queries
from img.data.text.vocabulary import (
    VECTORS,
    VOCABULARY,
    build_vocabulary,
    lookup_vectors,
    save_vectors,
)

QUERIES = "queries.parquet"
"""Name of the table in a folder of queries."""

MAX_WORDS = "max_words"
"""Attribute of the table: how many words of a sentence were kept."""


def prepare_queries(
    annotations: Annotations, options: QueryOptions, vocabulary_splits: Collection[str], out: Path
) -> None:
    """Writes `queries.parquet`, `vocabulary.json` and `vectors.bin` (gensim KeyedVectors) into a folder.

    The table has a row for each query: query, split, video, duration, start, end, sentence, fault, words.
    Every word of every split that the embedding holds has a vector; the vocabulary, which decides the shape
    of what is trained, is that of some splits alone.

    Args:
        annotations: the annotation files.
        options: how sentences become words and vectors.
        vocabulary_splits: splits that a run reads while it is trained.
        out: the folder.

    Raises:
        ValueError: where a file is not what it should be; the message names it.
    """
    queries = read_queries(annotations)
    tokenised = [tokenise(query.sentence, options.max_words) for query in queries]
    words = frozenset(word for query in tokenised for word in query)
    vectors = lookup_vectors(options.embedding, words, options.embedding_width)
    if not vectors:
        raise ValueError(f"{options.embedding}: holds none of the {len(words)} words of the queries")
    read = [
        words for query, words in zip(queries, tokenised, strict=True) if query.split in vocabulary_splits
    ]
    vocabulary = build_vocabulary(read, frozenset(vectors), options.min_character_count)
    further = sorted(set(vectors) - set(vocabulary.words))

    out.mkdir(parents=True, exist_ok=True)
    table = pd.DataFrame([asdict(query) for query in queries]).assign(words=pd.Series(tokenised))
    table.attrs[MAX_WORDS] = options.max_words
    with replacing(out / QUERIES) as temporary:
        table.to_parquet(temporary, index=False)
    vocabulary.save(out / VOCABULARY)
    ordered = {word: vectors[word] for word in (*vocabulary.words, *further)}
    save_vectors(out / VECTORS, ordered, options.embedding_width)


def read_queries_table(folder: Path) -> pd.DataFrame:
    """Reads the table that `prepare_queries` wrote into a folder."""
    return pd.read_parquet(folder / QUERIES)
