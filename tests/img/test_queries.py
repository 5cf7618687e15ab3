import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from img.config.dataset import Annotations, QueryOptions
from img.data.text.queries import prepare_queries
from img.data.text.vocabulary import Vocabulary, random_vectors, read_vectors

SPLITS = ["train", "test"]


@pytest.fixture
def annotations(tmp_path: Path) -> Annotations:
    (tmp_path / "train.txt").write_text("AAA 0 5##The cat sits.\nBBB 9 5##it is the wrong way round.\n")
    (tmp_path / "test.txt").write_text("-c_ 1 2##qid_7##A CAT, the cat!\n")
    durations = {video: {"duration": 10} for video in ("AAA", "BBB", "-c_")}
    (tmp_path / "durations.json").write_text(json.dumps(durations))
    return Annotations(
        format="charades_sta",
        splits={"train": tmp_path / "train.txt", "test": tmp_path / "test.txt"},
        durations=tmp_path / "durations.json",
    )


def test_the_table_holds_every_query_with_its_words(annotations: Annotations, tmp_path: Path) -> None:
    prepare_queries(
        annotations, QueryOptions(embedding_width=4, min_character_count=1), SPLITS, tmp_path / "out"
    )
    table = pd.read_parquet(tmp_path / "out" / "queries.parquet")
    assert table["query"].tolist() == ["train_0", "train_1", "qid_7"]
    assert table["split"].tolist() == ["train", "train", "test"]
    assert table["video"].tolist() == ["AAA", "BBB", "-c_"]
    assert table[["duration", "start", "end"]].to_numpy().tolist() == [[10, 0, 5], [10, 9, 5], [10, 1, 2]]
    assert [bool(fault) for fault in table["fault"]] == [False, True, False]
    assert [list(words) for words in table["words"]] == [
        ["the", "cat", "sits", "."],
        ["it", "is", "the", "wrong", "way", "round", "."],
        ["a", "cat", ",", "the", "cat", "!"],
    ]


def test_random_vectors_belong_to_the_listed_words(annotations: Annotations, tmp_path: Path) -> None:
    prepare_queries(annotations, QueryOptions(embedding_width=4), SPLITS, tmp_path / "out")
    vocabulary = Vocabulary.load(tmp_path / "out" / "vocabulary.json")
    # cat and the thrice, the full stop twice, the others once in alphabetical order.
    assert vocabulary.words[:4] == ("cat", "the", ".", "!")
    vectors = read_vectors(tmp_path / "out" / "vectors.bin")
    np.testing.assert_array_equal(vectors["cat"], random_vectors(["cat"], 4)["cat"])
    assert tuple(vectors) == vocabulary.words


def test_words_without_a_glove_vector_are_not_listed(annotations: Annotations, tmp_path: Path) -> None:
    (tmp_path / "glove.txt").write_text("dog 9 9\nthe 1 2\ncat 3 4\n")
    options = QueryOptions(embedding=tmp_path / "glove.txt", embedding_width=2, min_character_count=5)
    prepare_queries(annotations, options, SPLITS, tmp_path / "out")
    vocabulary = Vocabulary.load(tmp_path / "out" / "vocabulary.json")
    assert vocabulary.words == ("cat", "the")
    vectors = read_vectors(tmp_path / "out" / "vectors.bin")
    assert {word: vector.tolist() for word, vector in vectors.items()} == {"cat": [3, 4], "the": [1, 2]}
    # t in the (3), cat (3), sits and it; a in cat (3), way and a; no other one five times.
    assert vocabulary.characters == ("t", "a")


def test_a_glove_file_without_any_word_of_the_queries_is_refused(
    annotations: Annotations, tmp_path: Path
) -> None:
    (tmp_path / "glove.txt").write_text("dog 9 9\n")
    options = QueryOptions(embedding=tmp_path / "glove.txt", embedding_width=2)
    with pytest.raises(ValueError, match=r"glove\.txt: holds none of the 12 words of the queries"):
        prepare_queries(annotations, options, SPLITS, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_the_vocabulary_is_that_of_some_splits_and_every_word_has_a_vector(
    annotations: Annotations, tmp_path: Path
) -> None:
    prepare_queries(
        annotations, QueryOptions(embedding_width=4, min_character_count=1), ["train"], tmp_path / "out"
    )
    vocabulary = Vocabulary.load(tmp_path / "out" / "vocabulary.json")
    assert set(vocabulary.words) == {"the", ".", "cat", "is", "it", "round", "sits", "way", "wrong"}
    vectors = read_vectors(tmp_path / "out" / "vectors.bin")
    assert list(vectors) == [*vocabulary.words, "!", ",", "a"]
