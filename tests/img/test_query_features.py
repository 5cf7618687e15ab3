import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from coverage_tables import write_full_coverage
from safetensors.torch import load_file, save_file
from toy_dataset import Toy, small_options

from extractors.storage.store import Store
from img.__main__ import main
from img.config.runs import InferenceOptions
from img.data.clips.inputs import Inputs, VideoInputs
from img.data.coverage import count_coverage, read_coverage
from img.data.samples import Moments
from img.data.text.queries import read_queries_table
from img.data.text.query_features import QueryFeatures, assemble_query_features
from img.data.text.vocabulary import Vocabulary
from img.models.checkpoint import load_checkpoint, read_sizes
from img.runs.making import RunData, make_run
from img.runs.prediction import predict

ONE = InferenceOptions()
A = np.array([[1, 2], [3, 4], [5, 6]], np.float32)
B = np.array([[7, 8]], np.float32)
QUERIES = pd.DataFrame(
    [
        ("qid_0", "train", "x", 10.0, 0.0, 4.0, "a cat sits", "", ["a", "cat", "sits"]),
        ("qid_1", "train", "x", 10.0, 4.0, 8.0, "a dog", "", ["a", "dog"]),
        ("qid_2", "train", "x", 10.0, 4.0, 8.0, "a cow", "", ["a", "cow"]),
        ("qid_3", "train", "x", 10.0, 8.0, 4.0, "an ox", "backwards", ["an", "ox"]),
        ("qid_1", "test", "x", 10.0, 4.0, 8.0, "a dog", "", ["a", "dog"]),
    ],
    columns=["query", "split", "video", "duration", "start", "end", "sentence", "fault", "words"],
)


def write_arrays(folder: Path) -> Path:
    folder.mkdir(exist_ok=True)
    np.save(folder / "qid_0.npy", A)
    torch.save(torch.from_numpy(B).half(), folder / "qid1.pt")
    return folder


def assembled(folder: Path, max_words: int = 128, queries: pd.DataFrame = QUERIES) -> QueryFeatures:
    assemble_query_features(queries, folder, max_words, folder.parent / "out")
    return QueryFeatures.load(folder.parent / "out")


def test_features_of_both_namings_are_brought_into_one_file(tmp_path: Path) -> None:
    found = assembled(write_arrays(tmp_path / "text"))
    assert found.rows == {"qid_0": (0, 3), "qid_1": (3, 1)}
    assert found.values.tolist() == [[1, 2], [3, 4], [5, 6], [7, 8]]
    assert found.values.dtype == torch.float32
    cut = assembled(tmp_path / "text", max_words=2)
    assert cut.rows == {"qid_0": (0, 2), "qid_1": (2, 1)}
    assert cut.values.tolist() == [[1, 2], [3, 4], [7, 8]]


def test_a_query_without_features_is_left_out_with_the_reason(tmp_path: Path) -> None:
    arrays = write_arrays(tmp_path / "text")
    np.save(arrays / "qid_3.npy", np.zeros((2, 5), np.float32))
    found = assembled(arrays)
    marked = found.mark(QUERIES)
    missing = f"text features: {arrays}: expected an array called qid_2 or qid2, found none"
    # What was at fault before stays so.
    assert marked["fault"].tolist() == ["", "", missing, "backwards", ""]
    assert found.faults["qid_3"] == "text/qid_3.npy: expected rows of 2 values, as most have, found 5"
    assert QUERIES["fault"].tolist() == ["", "", "", "backwards", ""]
    coverage = read_coverage(write_full_coverage(tmp_path / "coverage.tsv", ["x"]))
    assert count_coverage(marked, coverage)["train"] == {
        **count_coverage(QUERIES, coverage)["train"],
        "used": 2,
        "left_out": {"annotation": 1, "text features": 1},
    }


def test_a_file_that_cannot_be_used_leaves_its_query_out(tmp_path: Path) -> None:
    arrays = write_arrays(tmp_path / "text")
    (arrays / "qid_2.npy").write_bytes(b"no array")
    np.save(arrays / "qid_1.npy", B)
    found = assembled(arrays)
    assert list(found.rows) == ["qid_0"]
    assert "qid_2.npy: expected an array of numbers" in found.faults["qid_2"]
    assert "expected one array of qid_1, found qid_1.npy, qid1.pt" in found.faults["qid_1"]


def test_no_features_at_all_are_refused(tmp_path: Path) -> None:
    (tmp_path / "text").mkdir()
    with pytest.raises(ValueError, match=r"text: expected features of queries, found none: .* qid_0 or qid0"):
        assembled(tmp_path / "text")


def test_an_id_of_two_sentences_is_refused(tmp_path: Path) -> None:
    queries = QUERIES.assign(sentence=["a cat sits", "a dog", "a cow", "an ox", "another dog"])
    with pytest.raises(ValueError, match="found 1 that stand for several, such as qid_1"):
        assembled(write_arrays(tmp_path / "text"), queries=queries)


def test_equal_content_has_an_equal_hash_and_other_content_another(tmp_path: Path) -> None:
    arrays = write_arrays(tmp_path / "text")
    first, again = assembled(arrays), assembled(arrays)
    np.save(arrays / "qid_0.npy", A + 1)
    changed = assembled(arrays)
    assert first.content_sha256 == again.content_sha256 != changed.content_sha256


def test_a_batch_holds_padded_features_in_the_place_of_words(tmp_path: Path) -> None:
    features = assembled(write_arrays(tmp_path / "text"))
    streams = {"visual": torch.ones(4, 3), "audio": torch.ones(4, 2)}
    inputs = Inputs(streams, {"x": VideoInputs(0, 4, {"audio": 4})}, "")
    moments = Moments(features.mark(QUERIES), "train", inputs, features)
    assert moments.table["query"].tolist() == ["qid_0", "qid_1"]
    batch = moments.batch(np.array([1, 0]), np.random.default_rng(0))
    assert batch.words is None
    assert batch.characters is None
    assert batch.query_features is not None
    assert batch.query_features.tolist() == [[[7, 8], [0, 0], [0, 0]], [[1, 2], [3, 4], [5, 6]]]
    assert batch.word_mask.tolist() == [[True, False, False], [True] * 3]
    moved = batch.to("cpu")
    assert moved.words is None
    assert moved.query_features is not None
    words = Moments(QUERIES, "train", inputs, Vocabulary((), ())).batch(
        np.array([0]), np.random.default_rng(0)
    )
    assert words.query_features is None
    assert words.words is not None


@pytest.fixture
def text(toy: Toy, tmp_path: Path) -> Path:
    """Features of the toy's queries: what the colour is, in the second of three rows; one has none."""
    arrays = tmp_path / "arrays"
    arrays.mkdir()
    table = read_queries_table(toy.queries)
    for query, words in zip(table["query"][1:], table["words"][1:], strict=True):
        rows = np.zeros((3, 5), np.float32)
        rows[1, 1 if "red" in words else 2] = 2
        np.save(arrays / f"{query}.npy", rows)
    assemble_query_features(table, arrays, 128, tmp_path / "text")
    return tmp_path / "text"


def trained(toy: Toy, text: Path, store: Path) -> tuple[Path, bool]:
    options = small_options({"epochs": 1})
    data = RunData.open(toy.queries, toy.inputs, text)
    return make_run(data, options, 0, Store(store), "cpu", False)


def test_a_run_that_reads_features_needs_no_words(toy: Toy, text: Path, tmp_path: Path) -> None:
    folder, _ = trained(toy, text, tmp_path / "store")
    sizes = read_sizes(folder / "last.safetensors")
    assert (sizes.query_width, sizes.words, sizes.characters) == (5, 0, 0)
    features = QueryFeatures.load(text)
    queries = features.mark(read_queries_table(toy.queries))
    moments = Moments(queries, "train", Inputs.load(toy.inputs), features)
    assert len(moments) == 23
    answers = predict(load_checkpoint(folder / "last.safetensors"), moments, 8, "cpu", ONE)
    assert answers.groupby("branch")["query"].nunique().tolist() == [23] * 4
    assert answers["score"].between(0, 1).all()


def test_the_training_key_holds_the_features(toy: Toy, text: Path, tmp_path: Path) -> None:
    store = tmp_path / "store"
    first, _ = trained(toy, text, store)
    assert trained(toy, text, store) == (first, True)
    features = load_file(text / "features.safetensors")
    save_file({"queries": features["queries"] + 1}, text / "features.safetensors")
    other, restored = trained(toy, text, store)
    assert not restored
    assert other != first


def test_train_and_evaluate_take_the_features_from_the_command_line(
    toy: Toy, text: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = tmp_path / "run"
    coverage = write_full_coverage(tmp_path / "coverage.tsv", Inputs.load(toy.inputs).videos)
    places = ["--queries", str(toy.queries), "--inputs", str(toy.inputs), "--threads", "1"]
    given = ["--query-features", str(text)]
    options = ["--options", small_options({"epochs": 1}).model_dump_json(), "--seed", "0"]
    store = ["--store", str(tmp_path / "store"), "--out", str(run)]
    assert main(["train", *places, *given, *options, *store]) == 0
    evaluate = ["evaluate", *places, "--run", str(run), "--coverage", str(coverage)]
    evaluate += ["--dataset", "toy", "--variant", "img"]
    assert main([*evaluate, *given]) == 0
    counted = json.loads((run / "metrics.json").read_text())["coverage"]["train"]
    assert counted["left_out"] == {"text features": 1}
    assert main(evaluate) == 1
    assert "the run reads queries as features; give --query-features" in capsys.readouterr().err
