import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from glove_files import ODDITIES, PLAIN, WIDTH, expected_vector, glove_lines, write_zip

from extractors.models.glove_files import read_glove
from extractors.words import tokenise
from img.data.text.vocabulary import (
    Vocabulary,
    build_vocabulary,
    lookup_vectors,
    random_vectors,
    read_vectors,
    save_vectors,
)


def test_sentences_are_lower_cased_and_split_as_nltk_does() -> None:
    assert tokenise("A person doesn't close the Door, quickly.", 128) == [
        *("a", "person", "does", "n't", "close", "the", "door", ",", "quickly", "."),
    ]
    assert tokenise("The man's dog", 128) == ["the", "man", "'s", "dog"]


def test_only_the_first_words_are_kept() -> None:
    assert tokenise("one two three four", 2) == ["one", "two"]


def test_a_query_of_two_sentences_is_one_line() -> None:
    assert tokenise("He runs. She walks.", 128) == ["he", "runs.", "she", "walks", "."]


def test_words_with_vectors_and_frequent_characters_are_listed_by_falling_count() -> None:
    queries = [["bb", "a", "zz"], ["bb", "a", "c"], ["bb"], ["unseen"]]
    vocabulary = build_vocabulary(queries, frozenset({"a", "bb", "c", "zz", "other"}), min_character_count=2)
    # bb 3, a 2, then c and zz once each, in alphabetical order; "unseen" has no vector.
    assert vocabulary.words == ("bb", "a", "c", "zz")
    # b 6; a, e, n, z 2; c, d, s, u 1 and so left out.
    assert vocabulary.characters == ("b", "a", "e", "n", "z")
    assert vocabulary.word_ids() == {"bb": 2, "a": 3, "c": 4, "zz": 5}
    assert vocabulary.character_ids() == {"b": 2, "a": 3, "e": 4, "n": 5, "z": 6}
    assert vocabulary.character_count == 7


def test_a_vocabulary_is_read_as_it_was_written(tmp_path: Path) -> None:
    vocabulary = Vocabulary(("the", "café", '"'), ("é", "\\"))
    vocabulary.save(tmp_path / "vocabulary.json")
    assert Vocabulary.load(tmp_path / "vocabulary.json") == vocabulary


def as_text(folder: Path, text: str) -> Path:
    path = folder / "glove.txt"
    path.write_text(text, encoding="utf-8")
    return path


def as_zip(folder: Path, text: str) -> Path:
    path = folder / "glove.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("glove.txt", text)
        archive.writestr("readme.md", "no vectors")
    return path


WriteGlove = Callable[[Path, str], Path]
either_form = pytest.mark.parametrize("write", [as_text, as_zip])
LINES = """, 1 2 3
. . . 4 5 6
at name@domain.com 7 8 9
at 0.5 -0.25 1e-3
. 10 11 12
café 13 14 15
at 9 9 9
"""


@either_form
def test_words_with_spaces_or_met_again_neither_break_a_glove_file_nor_hide_a_plain_word(
    tmp_path: Path, write: WriteGlove
) -> None:
    vectors = read_glove(write(tmp_path, LINES), frozenset({"at", ".", ",", "café", "absent"}), 3)
    assert {word: vector.tolist() for word, vector in vectors.items()} == {
        ",": [1, 2, 3],
        "at": pytest.approx([0.5, -0.25, 0.001]),
        ".": [10, 11, 12],
        "café": [13, 14, 15],
    }
    assert {vector.dtype for vector in vectors.values()} == {np.dtype(np.float32)}


@either_form
@pytest.mark.parametrize(("text", "found"), [("a 1 2\n", 2), ("a 1 2 3 4\n", 4), ("400000 300\n", 1)])
def test_a_glove_file_of_another_width_is_refused(
    tmp_path: Path, write: WriteGlove, text: str, found: int
) -> None:
    path = write(tmp_path, text)
    with pytest.raises(
        ValueError, match=f"line 1: expected a word and 3 numbers, found {found} numbers"
    ) as error:
        read_glove(path, frozenset({"a"}), 3)
    assert str(path) in str(error.value)


@pytest.mark.parametrize("wanted", ["a", "c"])
def test_a_short_line_is_refused_with_its_number_wanted_or_not(tmp_path: Path, wanted: str) -> None:
    path = as_text(tmp_path, "a 1 2 3\nb 1 2 3\nc 1 2\n")
    with pytest.raises(
        ValueError, match=r"glove\.txt, line 3: expected a word and 3 numbers, found 2 numbers"
    ):
        read_glove(path, frozenset({wanted}), 3)


@either_form
@pytest.mark.parametrize("end", ["\n", "\r\n", " \n", "  \r\n"])
@pytest.mark.parametrize("last", ["", "c 7 8 9", "\n\r\n \n"])
def test_line_ends_blanks_and_empty_lines_do_not_matter(
    tmp_path: Path, write: WriteGlove, end: str, last: str
) -> None:
    path = write(tmp_path, f"a 1 2 3{end}b 4 5 6{end}{last}")
    vectors = read_glove(path, frozenset("abc"), 3)
    expected = {"a": [1, 2, 3], "b": [4, 5, 6]} | ({"c": [7, 8, 9]} if "c" in last else {})
    assert {word: vector.tolist() for word, vector in vectors.items()} == expected


@either_form
def test_a_header_as_word2vec_writes_it_is_no_word(tmp_path: Path, write: WriteGlove) -> None:
    path = write(tmp_path, "2 3\n2 1 2 3\na 4 5 6\n")
    vectors = read_glove(path, frozenset({"2", "a"}), 3)
    assert {word: vector.tolist() for word, vector in vectors.items()} == {"2": [1, 2, 3], "a": [4, 5, 6]}


def test_of_vectors_of_one_number_a_first_line_is_a_word(tmp_path: Path) -> None:
    assert read_glove(as_text(tmp_path, "7 1\n"), frozenset("7"), 1)["7"].tolist() == [1]


def test_a_line_with_something_else_than_numbers_is_refused(tmp_path: Path) -> None:
    path = as_text(tmp_path, "a 1 2 3\nb 1 x 3\n")
    with pytest.raises(ValueError, match=r"glove\.txt, line 2: expected numbers after the word"):
        read_glove(path, frozenset({"b"}), 3)


def test_an_absent_glove_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"embedding: expected a GloVe file, found nothing at .*glove\.txt"):
        read_glove(tmp_path / "glove.txt", frozenset({"a"}), 3)


@pytest.mark.parametrize("members", [(), ("a.txt", "b.txt")])
def test_a_zip_must_hold_one_text_file(tmp_path: Path, members: tuple[str, ...]) -> None:
    with zipfile.ZipFile(tmp_path / "glove.zip", "w") as archive:
        for member in members:
            archive.writestr(member, "a 1\n")
    with pytest.raises(ValueError, match=r"glove\.zip: expected one \.txt in the zip"):
        read_glove(tmp_path / "glove.zip", frozenset({"a"}), 1)


def test_a_damaged_zip_is_refused_with_its_name(tmp_path: Path) -> None:
    path = tmp_path / "glove.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("glove.txt", "a 0.25\n" * 1000)
    path.write_bytes(path.read_bytes().replace(b"a 0.25", b"a 0.75", 1))
    with pytest.raises(ValueError, match=r"glove\.zip: expected a zip, found none or a damaged one"):
        read_glove(path, frozenset({"a"}), 1)


def test_a_file_called_zip_that_is_none_is_refused_with_its_name(tmp_path: Path) -> None:
    (tmp_path / "glove.zip").write_text("a 1\n")
    with pytest.raises(ValueError, match=r"glove\.zip: expected a zip"):
        read_glove(tmp_path / "glove.zip", frozenset({"a"}), 1)


@pytest.mark.slow
@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
def test_every_wanted_vector_is_found_in_a_zip_of_200_000_lines_with_every_oddity(
    tmp_path: Path, end: bytes
) -> None:
    count = 200_000
    path = tmp_path / "glove.zip"
    write_zip(path, glove_lines(count, end))
    plain = [f"word{number}" for number in range(1, count, 1000)]
    wanted = frozenset([*PLAIN, *plain, "absent", ".", "name@domain.com"])
    vectors = read_glove(path, wanted, WIDTH)
    assert set(vectors) == wanted - {"absent", ".", "name@domain.com"}
    for word, vector in vectors.items():
        np.testing.assert_array_equal(vector, expected_vector(word, count))
    # Of the two lines of `at` the first counts.
    assert vectors["at"][0] == 3 * (count // len(ODDITIES))


def test_vectors_are_read_in_the_order_they_were_written(tmp_path: Path) -> None:
    vectors = {
        "b": np.array([1, 2], np.float32),
        "a": np.array([3, 4], np.float32),
        "2": np.ones(2, np.float32),
    }
    save_vectors(tmp_path / "vectors.bin", vectors, 2)
    read = read_vectors(tmp_path / "vectors.bin")
    assert {word: vector.tolist() for word, vector in read.items()} == {"b": [1, 2], "a": [3, 4], "2": [1, 1]}
    assert list(read) == ["b", "a", "2"]
    assert {vector.dtype for vector in read.values()} == {np.dtype(np.float32)}


def test_without_words_there_are_no_vectors(tmp_path: Path) -> None:
    save_vectors(tmp_path / "vectors.bin", {}, 2)
    assert read_vectors(tmp_path / "vectors.bin") == {}


def test_a_random_vector_depends_on_its_word_alone() -> None:
    few, many = random_vectors(["cat"], 300), random_vectors(["dog", "cat", "bird"], 300)
    np.testing.assert_array_equal(few["cat"], many["cat"])
    assert not np.array_equal(many["dog"], many["cat"])
    assert np.std(np.stack(list(many.values()))) == pytest.approx(0.4, rel=0.1)


def test_vectors_of_the_package_are_looked_up_by_its_name() -> None:
    vectors = lookup_vectors("package:glove-6b-50d", frozenset({"door", "qwxzzy"}), 50)
    assert set(vectors) == {"door"}
    with pytest.raises(ValueError, match="expected vectors of 300 values, found 50"):
        lookup_vectors("package:glove-6b-50d", frozenset({"door"}), 300)
