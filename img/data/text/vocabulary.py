"""Words, characters and their ids; the word vectors of a vocabulary."""

from __future__ import annotations

import zlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from extractors.models.glove import read_packaged_glove
from extractors.models.glove_files import read_glove
from extractors.storage.files import read_json, replacing, write_json
from extractors.storage.packaged import GLOVE, GLOVE_WEIGHTED, GLOVE_WIDTH

PAD, UNKNOWN = 0, 1
_FIRST = 2

VOCABULARY = "vocabulary.json"
"""Name of the file in a folder of queries, and in that of a run."""

VECTORS = "vectors.bin"
"""Name of the file of word vectors in a folder of queries."""


SAVED = Path(VECTORS).suffix
"""What tells saved vectors from a GloVe file."""


@dataclass(frozen=True)
class Vocabulary:
    """Ids of words and characters: 0 is padding, 1 is anything unknown, the listed ones count from 2.

    Attributes:
        words: words that have a vector, the most frequent first.
        characters: characters, the most frequent first.
    """

    words: tuple[str, ...]
    characters: tuple[str, ...]

    def word_ids(self) -> dict[str, int]:
        """Returns the id of each listed word."""
        return {word: number for number, word in enumerate(self.words, _FIRST)}

    def character_ids(self) -> dict[str, int]:
        """Returns the id of each listed character."""
        return {character: number for number, character in enumerate(self.characters, _FIRST)}

    @property
    def character_count(self) -> int:
        """How many character ids there are, padding and unknown included."""
        return len(self.characters) + _FIRST

    def extended(self, words: Iterable[str]) -> Vocabulary:
        """Returns the vocabulary with further words, whose ids follow those there are."""
        return Vocabulary((*self.words, *words), self.characters)

    def save(self, path: Path) -> None:
        """Writes the vocabulary as JSON."""
        write_json(path, {"words": self.words, "characters": self.characters})

    @staticmethod
    def load(path: Path) -> Vocabulary:
        """Reads a vocabulary from JSON.

        Raises:
            ValueError: where it is none, or lists a word or character twice, so that ids would not be sure.
        """
        content = read_json(path)
        if not isinstance(content, dict) or set(content) != {"words", "characters"}:
            raise ValueError(f"{path}: expected the keys words and characters, found {content!r:.200}")
        for key, entries in content.items():
            if not isinstance(entries, list) or not all(isinstance(entry, str) for entry in entries):
                raise ValueError(f"{path}: {key}: expected a list of texts, found {entries!r:.200}")
            repeated = [entry for entry, count in Counter(entries).items() if count > 1]
            if repeated:
                raise ValueError(
                    f"{path}: {key}: expected each once, found {len(repeated)} given again, such as "
                    f"{repeated[0]!r:.200}"
                )
        return Vocabulary(tuple(content["words"]), tuple(content["characters"]))


def build_vocabulary(
    queries: Iterable[Sequence[str]], known: frozenset[str], min_character_count: int
) -> Vocabulary:
    """Lists the words that have a vector and the characters that are frequent enough, by falling count.

    Args:
        queries: tokenised queries.
        known: words that have a vector.
        min_character_count: a rarer character is left out.
    """
    words: Counter[str] = Counter()
    characters: Counter[str] = Counter()
    for query in queries:
        words.update(query)
        for word in query:
            characters.update(word)
    return Vocabulary(
        tuple(word for word, _ in _by_count(words) if word in known),
        tuple(character for character, count in _by_count(characters) if count >= min_character_count),
    )


def _by_count(counter: Counter[str]) -> list[tuple[str, int]]:
    return sorted(counter.items(), key=lambda item: (-item[1], item[0]))


def random_vectors(words: Iterable[str], width: int) -> dict[str, np.ndarray]:
    """Draws a vector for each word, N(0, 0.4²) as GloVe's values roughly are, from the word alone."""
    return {
        word: (0.4 * np.random.default_rng(zlib.crc32(word.encode())).standard_normal(width)).astype(
            np.float32
        )
        for word in words
    }


def lookup_vectors(embedding: Path | str, words: frozenset[str], width: int) -> dict[str, np.ndarray]:
    """Looks words' vectors up: in a GloVe file, what `save_vectors` wrote or a package, or draws them.

    Args:
        embedding: a path, `random`, or the name of packaged vectors.
        words: the wanted words.
        width: values of a vector.

    Raises:
        ValueError: where the file or package is missing, or its vectors are of another width; the message
            names it.
    """
    if str(embedding) == "random":
        return random_vectors(words, width)
    if str(embedding) in (GLOVE, GLOVE_WEIGHTED):
        if width != GLOVE_WIDTH:
            raise ValueError(f"{embedding}: expected vectors of {width} values, found {GLOVE_WIDTH}")
        return read_packaged_glove(words, weighted=str(embedding) == GLOVE_WEIGHTED)
    path = Path(embedding)
    if path.suffix != SAVED:
        return read_glove(path, words, width)
    if not path.is_file():
        raise ValueError(f"embedding: expected vectors of words, found nothing at {path}")
    known = read_vectors(path)
    found = {word: known[word] for word in words if word in known}
    wrong = {len(vector) for vector in found.values()} - {width}
    if wrong:
        raise ValueError(f"{path}: expected vectors of {width} values, found {wrong.pop()}")
    return found


def save_vectors(path: Path, vectors: Mapping[str, np.ndarray], width: int) -> None:
    """Writes words' vectors, in their order, as gensim KeyedVectors in word2vec's binary format."""
    from gensim.models import KeyedVectors

    keyed = KeyedVectors(width)
    if vectors:
        keyed.add_vectors(list(vectors), np.stack(list(vectors.values())))
    with replacing(path) as temporary:
        keyed.save_word2vec_format(str(temporary), binary=True)


def read_vectors(path: Path) -> dict[str, np.ndarray]:
    """Reads what `save_vectors` wrote: a vector, float32 [width], for each word."""
    from gensim.models import KeyedVectors

    keyed = KeyedVectors.load_word2vec_format(str(path), binary=True)
    return dict(zip(keyed.index_to_key, keyed.vectors.astype(np.float32), strict=True))
