"""Word vectors of the extra `pretrained` (GloVe 6B, 50 values), and short texts in their space."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence

import numpy as np

from extractors.storage.packaged import GLOVE_VECTORS, GLOVE_WIDTH, GLOVE_WORDS

_COMMON = 1e-4
"""Half weight goes to a word of this frequency (Arora et al. 2017 recommend 0.0001 to 0.001)."""


def read_packaged_glove(words: Collection[str], weighted: bool = False) -> dict[str, np.ndarray]:
    """Picks some words' vectors out of the installed package.

    Args:
        words: the wanted words, lower-cased.
        weighted: multiply each with what its word counts in a sentence, see `embed_texts`.

    Returns:
        The vectors, float32 [50], of those that it holds.

    Raises:
        ValueError: the package is missing or holds another file than the pinned one.
    """
    ranks = _rank(words)
    vectors = _open_vectors()
    weights = {
        word: _weigh(rank, len(vectors)) if weighted else np.float32(1) for word, rank in ranks.items()
    }
    return {word: weights[word] * vectors[rank] for word, rank in ranks.items()}


def embed_texts(texts: Sequence[str]) -> np.ndarray:
    """Brings short texts into the space of word vectors: the mean of their words, common ones counting less.

    A word counts a / (a + p) (Arora et al. 2017, "A Simple but Tough-to-Beat Baseline").
    Its frequency p follows from its rank by Zipf's law: GloVe lists words by falling frequency.

    Args:
        texts: such as names of classes.

    Returns:
        Unit vectors float32 [texts, 50]; 0 where no word of a text has a vector.
    """
    split = [re.findall(r"[a-z0-9']+", text.lower()) for text in texts]
    vectors = read_packaged_glove({word for words in split for word in words}, weighted=True)
    rows = np.zeros((len(texts), GLOVE_WIDTH), np.float32)
    for row, words in zip(rows, split, strict=True):
        row += sum(vectors[word] for word in words if word in vectors)
    return rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-12)


def _weigh(rank: int, words: int) -> np.float32:
    """Tells what the word of a rank, from 0, counts among all words."""
    frequency = 1 / ((rank + 1) * (np.log(words) + np.euler_gamma))
    return np.float32(_COMMON / (_COMMON + frequency))


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
