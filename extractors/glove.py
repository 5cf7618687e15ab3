"""Word vectors of the extra `pretrained` (GloVe 6B, 50 values), and short texts in their space."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence

import numpy as np

from extractors.packaged import GLOVE_VECTORS, GLOVE_WIDTH, GLOVE_WORDS

_COMMON = 1e-3
"""Half weight goes to a word of this frequency (Arora et al. 2017, "A Simple but Tough-to-Beat Baseline")."""


def read_packaged_glove(words: Collection[str]) -> dict[str, np.ndarray]:
    """Picks some words' vectors out of the installed package.

    Args:
        words: the wanted words, lower-cased.

    Returns:
        The vectors, float32 [50], of those that it holds.

    Raises:
        ValueError: the package is missing or holds another file than the pinned one.
    """
    ranks = _rank(words)
    vectors = _open_vectors()
    return {word: np.array(vectors[rank]) for word, rank in ranks.items()}


def embed_texts(texts: Sequence[str]) -> np.ndarray:
    """Brings short texts into the space of word vectors: the mean of their words, common ones counting less.

    A word counts a / (a + p), a = 0.001 (Arora et al. 2017). Its frequency p follows from its rank among the
    400,000 by Zipf's law: GloVe lists words by falling frequency.

    Args:
        texts: such as names of classes.

    Returns:
        Unit vectors float32 [texts, 50]; 0 where no word of a text has a vector.
    """
    split = [re.findall(r"[a-z0-9']+", text.lower()) for text in texts]
    ranks = _rank({word for words in split for word in words})
    vectors = _open_vectors()
    total = np.log(len(vectors)) + np.euler_gamma
    rows = np.zeros((len(texts), GLOVE_WIDTH), np.float32)
    for row, words in zip(rows, split, strict=True):
        for rank in (ranks[word] for word in words if word in ranks):
            frequency = 1 / ((rank + 1) * total)
            row += _COMMON / (_COMMON + frequency) * vectors[rank]
    return rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-12)


def _open_vectors() -> np.ndarray:
    """Maps the vectors [V, 50] into memory: only the rows that are used are read again after the check."""
    vectors: np.ndarray = np.load(GLOVE_VECTORS.check(), mmap_mode="r", allow_pickle=False)
    return vectors


def _rank(words: Collection[str]) -> dict[str, int]:
    """Finds the rows of the words that there are; the most frequent word's is 0."""
    import pyarrow as pa
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    listed = pq.read_table(GLOVE_WORDS.check(), columns=["index"])["index"].combine_chunks()
    wanted = sorted(words)
    rows = pc.index_in(pa.array(wanted, listed.type), value_set=listed).to_pylist()
    return {word: row for word, row in zip(wanted, rows, strict=True) if row is not None}
