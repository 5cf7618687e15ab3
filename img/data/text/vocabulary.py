"""Words, characters and their ids; the word vectors of a vocabulary."""

from __future__ import annotations

import io
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, cast

import numpy as np
from tqdm import tqdm

from extractors.glove import read_packaged_glove
from extractors.packaged import GLOVE, GLOVE_WEIGHTED, GLOVE_WIDTH
from extractors.storage.files import read_json, replacing, write_json

PAD, UNKNOWN = 0, 1
_FIRST = 2
_LINES_OF_PROGRESS = 4096
_BUFFER = 1 << 18

VOCABULARY = "vocabulary.json"
"""Name of the file in a folder of queries, and in that of a run."""

VECTORS = "vectors.bin"
"""Name of the file of word vectors in a folder of queries."""


SAVED = Path(VECTORS).suffix
"""What tells saved vectors from a GloVe file."""


def tokenise(sentence: str, max_words: int) -> list[str]:
    """Splits a lower-cased sentence with NLTK's word tokeniser, as one line, and keeps the first words."""
    # Here and below, not at the top: training and evaluation read vocabularies and need neither library.
    from nltk.tokenize import word_tokenize

    words: list[str] = word_tokenize(sentence.lower(), preserve_line=True)
    return words[:max_words]


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


def read_glove(path: Path, words: frozenset[str], width: int) -> dict[str, np.ndarray]:
    """Picks some words' vectors out of a GloVe text file, or a zip that holds one, in one streaming pass.

    Each line: a word, then `width` numbers, separated by spaces. A few words of glove.840B hold spaces
    (". . ."): the vector is the last `width` fields, the word everything before them. Of a word met
    twice the first line counts, as in gensim. Empty lines, and a first line
    `words width` as word2vec writes it, are passed over.

    Args:
        path: .txt or .zip.
        words: the wanted words.
        width: values of a vector.

    Returns:
        The vectors, float32 [width], of those wanted words that the file holds.

    Raises:
        ValueError: where the file is missing, or a line holds too few or too many numbers; the message names
            file, line, the expected and the found width.
    """
    wanted = {word.encode(): word for word in words}
    vectors: dict[str, np.ndarray] = {}
    with (
        _open_glove(path) as (file, size),
        tqdm(total=size, unit="B", unit_scale=True, desc=path.name, mininterval=1) as bar,
    ):
        for number, line in enumerate(file, 1):
            if number % _LINES_OF_PROGRESS == 0:
                bar.update(file.tell() - bar.n)
            # Nearly every line is unwanted: counting its blanks and looking at its first field alone is fast.
            if number == 1 or line.count(b" ") < width:
                if _holds_no_word(line, number, width):
                    continue
                _check_width(line, number, width, path)
            first, _, _ = line.partition(b" ")
            if first not in wanted or wanted[first] in vectors:
                continue
            word, *values = line.rstrip().rsplit(b" ", width)
            if word in wanted:
                _check_width(line, number, width, path)
                vectors[wanted[word]] = _parse_vector(values, f"{path}, line {number}")
        bar.update(file.tell() - bar.n)
    return vectors


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


def _holds_no_word(line: bytes, number: int, width: int) -> bool:
    """Tells whether a line is empty, or a file's first and of the form `words width`."""
    fields = line.split()
    is_header = number == 1 and len(fields) == 2 and width > 1 and all(map(bytes.isdigit, fields))
    return not fields or (is_header and int(fields[1]) == width)


def _check_width(line: bytes, number: int, width: int, path: Path) -> None:
    # The first line's word holds no space, so it tells the width of the whole file.
    found = len(line.split()) - 1
    if found < width or (number == 1 and found > width):
        raise ValueError(f"{path}, line {number}: expected a word and {width} numbers, found {found} numbers")


def _parse_vector(values: list[bytes], where: str) -> np.ndarray:
    try:
        return np.array(values, dtype=np.float32)
    except ValueError as error:
        raise ValueError(
            f"{where}: expected numbers after the word, found something else ({error})"
        ) from None


@contextmanager
def _open_glove(path: Path) -> Iterator[tuple[IO[bytes], int]]:
    if not path.is_file():
        raise ValueError(f"embedding: expected a GloVe file, found nothing at {path}")
    if path.suffix != ".zip":
        with path.open("rb", _BUFFER) as file:
            yield file, path.stat().st_size
        return
    try:
        with zipfile.ZipFile(path) as archive:
            members = [member for member in archive.infolist() if member.filename.endswith(".txt")]
            if len(members) != 1:
                found = [member.filename for member in members]
                raise ValueError(f"{path}: expected one .txt in the zip, found {found}")
            # A zip member's own lines are slow to read.
            with archive.open(members[0]) as member:
                yield io.BufferedReader(cast(io.RawIOBase, member), _BUFFER), members[0].file_size
    except (zipfile.BadZipFile, zlib.error) as error:
        raise ValueError(f"{path}: expected a zip, found none or a damaged one ({error})") from error


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
