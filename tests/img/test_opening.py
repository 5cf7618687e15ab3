"""A run is whole: its folder alone answers queries it never saw, by the words it was trained with."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from toy_dataset import Toy, make_toy, small_options

from img.config.runs import InferenceOptions
from img.data.clips.inputs import Inputs
from img.data.text.vocabulary import VECTORS, read_vectors
from img.runs.evaluation import evaluate_run, open_splits
from img.runs.opening import open_run

ONE = InferenceOptions(answers=1)
OPTIONS = small_options({"epochs": 2, "learning_rate": 5e-3})


def answers(folder: Path, toy: Toy, out: Path) -> pd.DataFrame:
    """Answers to the queries of a toy, by query and branch."""
    run = open_run(folder)
    questions = run.read_queries(toy.queries)
    splits = open_splits(run, questions, Inputs.load(toy.inputs), ONE, {})
    evaluate_run(run, splits, "cpu", ONE, out)
    predictions = pd.read_parquet(out)
    return predictions[predictions["protocol"] == "last"].set_index(["query", "branch"])


def test_a_run_says_what_it_was_made_of(trained: Path, toy: Toy) -> None:
    run = open_run(trained)
    assert run.protocols == ["last", "best_on_test"]
    assert run.options == OPTIONS
    assert run.vocabulary == toy.vocabulary
    assert run.sizes.streams == {"visual": 4, "audio": 3}
    assert run.reads == Inputs.load(toy.inputs).reads


def test_words_of_other_queries_shift_no_answer_of_an_unchanged_sentence(
    trained: Path, toy: Toy, tmp_path: Path
) -> None:
    expected = answers(trained, toy, tmp_path / "first.parquet")
    other = make_toy(tmp_path / "other", "a aardvark light")
    assert other.vocabulary == toy.vocabulary
    found = answers(trained, other, tmp_path / "second.parquet")
    assert ("further_0", "fusion") in set(found.index) - set(expected.index)
    columns = ["start", "end", "score"]
    pd.testing.assert_frame_equal(found.loc[expected.index, columns], expected[columns])


def test_a_word_met_after_training_has_its_own_vector(trained: Path, tmp_path: Path) -> None:
    toy = make_toy(tmp_path, "the green light")
    run = open_run(trained)
    questions = run.read_queries(toy.queries)
    assert run.vocabulary is not None
    assert questions.text.words == (*run.vocabulary.words, "green")
    np.testing.assert_array_equal(questions.further, [read_vectors(toy.queries / VECTORS)["green"]])
    system = run.load("last", questions.further)
    table = system.query_embedding.words.vectors
    number = questions.text.word_ids()["green"]
    assert number == table.shape[1] - 1
    np.testing.assert_array_equal(table[0, number], questions.further[0])
    found = answers(trained, toy, tmp_path / "green.parquet").loc[("further_0", "fusion"), "score"]
    unknown = answers(trained, make_toy(tmp_path / "b", "the blau light"), tmp_path / "b.parquet")
    assert found != unknown.loc[("further_0", "fusion"), "score"]


def test_vectors_of_another_width_are_refused(trained: Path) -> None:
    with pytest.raises(ValueError, match="words: expected vectors of 8 values, found 5"):
        open_run(trained).load("last", np.ones((1, 5), np.float32))
