"""The queries table: every split's sentences, parsed, tokenised and checked, with the words' vectors."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import pandas as pd

from extractors.storage.files import replacing
from img.config.dataset import Annotations, QueryOptions
from img.data.annotations import read_queries
from img.data.vocabulary import build_vocabulary, random_vectors, read_glove, save_vectors, tokenise


def prepare_queries(annotations: Annotations, options: QueryOptions, out: Path) -> None:
    """Writes `queries.parquet`, `vocabulary.json` and `vectors.bin` (gensim KeyedVectors) into a folder.

    The table has a row for each query: query, split, video, duration, start, end, sentence, fault, words.

    Args:
        annotations: the annotation files.
        options: how sentences become words and vectors.
        out: the folder.

    Raises:
        ValueError: where a file is not what it should be; the message names it.
    """
    queries = read_queries(annotations)
    tokenised = [tokenise(query.sentence, options.max_words) for query in queries]
    words = frozenset(word for query in tokenised for word in query)
    if isinstance(options.embedding, Path):
        vectors = read_glove(options.embedding, words, options.embedding_width)
        if not vectors:
            raise ValueError(f"{options.embedding}: holds none of the {len(words)} words of the queries")
    else:
        vectors = random_vectors(words, options.embedding_width)
    vocabulary = build_vocabulary(tokenised, frozenset(vectors), options.min_character_count)

    out.mkdir(parents=True, exist_ok=True)
    table = pd.DataFrame([asdict(query) for query in queries]).assign(words=pd.Series(tokenised))
    with replacing(out / "queries.parquet") as temporary:
        table.to_parquet(temporary, index=False)
    vocabulary.save(out / "vocabulary.json")
    save_vectors(out / "vectors.bin", vocabulary, vectors, options.embedding_width)


def read_queries_table(folder: Path) -> pd.DataFrame:
    """Reads the table that `prepare_queries` wrote into a folder."""
    return pd.read_parquet(folder / "queries.parquet")
