import json
import re
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from coverage_tables import write_full_coverage
from official_files import PARAMETERS, official_state, official_state_of_features, write_vocabulary
from toy_dataset import Toy

from img.__main__ import main
from img.config.runs import InferenceOptions
from img.data.clips.inputs import Inputs
from img.data.samples import Moments
from img.data.text.queries import read_queries_table
from img.data.text.query_features import assemble_query_features
from img.data.text.vocabulary import Vocabulary
from img.models.checkpoint import build_system, load_checkpoint, read_sizes
from img.models.img.official import build_official, load_official, official_shapes
from img.models.img.options import ImgOptions
from img.models.sizes import Sizes
from img.runs.importing import read_state
from img.runs.prediction import predict

ONE = InferenceOptions()
# The toy's own words are "the", "red", "light", "blue": other ids, and one word that only the authors know.
VOCABULARY = Vocabulary(("light", "zebra", "blue", "red", "the"), tuple("zetrdhbulig"))
SIZES = Sizes({"visual": 4, "audio": 3}, words=5, word_width=300, characters=13)


@pytest.fixture(scope="module")
def state() -> dict[str, torch.Tensor]:
    return official_state(4, 3, 5, 11)


def reference_model(state: dict[str, torch.Tensor]) -> torch.nn.Module:
    model = build_system(ImgOptions.model_validate({"preset": "reference"}), SIZES)
    load_official(model, state)
    return model.eval()


def import_official(folder: Path, content: object, vocabulary: Vocabulary = VOCABULARY) -> tuple[int, Path]:
    files = write_vocabulary(folder, vocabulary)
    torch.save(content, folder / "best.t7")
    out = folder / "run"
    return main(["import-official", str(folder / "best.t7"), *files, "--out", str(out)]), out


def test_every_one_of_the_authors_tensors_has_a_place() -> None:
    names = [line.split("\t")[0] for line in PARAMETERS.read_text().splitlines()[1:]]
    model = build_system(ImgOptions.model_validate({"preset": "reference"}), SIZES)
    assert len(names) == 479
    assert set(official_shapes(model)) == set(names)


def test_sizes_come_from_the_tensors(state: dict[str, torch.Tensor]) -> None:
    model, _ = build_official(official_state(24, 7, 9, 30, clips=64), {"slots": 4, "eps_min": 0.1})
    options = model.options
    assert (options.preset, options.width, options.max_clips, options.max_words) == (
        "reference",
        128,
        64,
        128,
    )
    assert (options.slots, options.eps_min) == (4, 0.1)
    assert model.visual_projection.linear.in_features == 24
    assert model.query_embedding.words.vectors.shape == (2, 11, 300)
    expected = reference_model(state).state_dict()
    for name, tensor in build_official(state)[0].state_dict().items():
        if not name.endswith("fixed_noise"):
            torch.testing.assert_close(tensor, expected[name], rtol=0, atol=0)


def test_every_tensor_at_fault_is_named(state: dict[str, torch.Tensor]) -> None:
    wrong = dict(state)
    del wrong["PPmodule.pred_proj.bias"], wrong["feature_encodera.pe.pe"]
    wrong["extra.weight"] = torch.zeros(1)
    wrong["cq_attentiona.w4C"] = torch.zeros(64, 1)
    wrong["word_embeddinga.word_emb.glove_vec"] = torch.zeros(6, 300)
    with pytest.raises(
        ValueError, match="expected the authors' state dict of 479 tensors, found one of 478"
    ) as e:
        build_official(wrong)
    assert sorted(str(e.value).splitlines()[1:]) == [
        "PPmodule.pred_proj.bias: is missing",
        "cq_attentiona.w4C: expected the shape [128], found [64, 1]",
        "extra.weight: is unknown",
        "feature_encodera.pe.pe: is missing",
        "word_embeddinga.word_emb.glove_vec: expected the shape [5, 300], found [6, 300]",
    ]


def test_a_transposed_tensor_is_refused(state: dict[str, torch.Tensor]) -> None:
    name = "predictor_v.start_block.0.conv1d.weight"
    with pytest.raises(ValueError, match=rf"{name}: expected the shape \[128, 256\], found \[256, 128, 1\]"):
        build_official({**state, name: state[name].transpose(0, 1)})


def test_tensors_are_named_where_one_that_tells_a_size_is_missing(state: dict[str, torch.Tensor]) -> None:
    wrong = {name: tensor for name, tensor in state.items() if not name.startswith("video_affine")}
    with pytest.raises(ValueError, match="found one of 477") as error:
        build_official(wrong)
    assert str(error.value).splitlines()[1:] == [
        "video_affine.linear.conv1d.weight: is missing",
        "video_affine.linear.conv1d.bias: is missing",
    ]


def test_position_tables_that_differ_are_refused(state: dict[str, torch.Tensor]) -> None:
    other = state["feature_encodera.pe.pe"] + 1
    with pytest.raises(ValueError, match=r"feature_encodera\.pe\.pe: expected what feature_encoderv\.pe\.pe"):
        build_official({**state, "feature_encodera.pe.pe": other})


@pytest.mark.parametrize("key", ["", "model", "state_dict"])
def test_an_imported_checkpoint_answers_as_the_authors_weights_do(
    toy: Toy, state: dict[str, torch.Tensor], tmp_path: Path, key: str
) -> None:
    status, run = import_official(tmp_path, {key: state, "epoch": 7} if key else state)
    assert status == 0
    coverage = write_full_coverage(tmp_path / "coverage.tsv", Inputs.load(toy.inputs).videos)
    places = ["--queries", toy.queries, "--inputs", toy.inputs, "--coverage", coverage, "--run", run]
    command = ["evaluate", *map(str, places), "--dataset", "toy", "--variant", "official", "--threads", "1"]
    assert main(command) == 0
    found = pd.read_parquet(run / "predictions.parquet")
    assert set(found["protocol"]) == {"best_on_test"}

    inputs, queries = Inputs.load(toy.inputs), read_queries_table(toy.queries)
    moments = Moments(queries, "test", inputs, VOCABULARY)
    expected = predict(reference_model(state), moments, 16, "cpu", ONE)
    assert len(found) == len(expected) > 0
    np.testing.assert_array_equal(found[["start", "end"]], expected[["start", "end"]])
    np.testing.assert_allclose(found["score"], expected["score"], rtol=1e-6)
    # With the dataset's own ids the same weights answer otherwise.
    mistaken = predict(
        reference_model(state), Moments(queries, "test", inputs, toy.vocabulary), 16, "cpu", ONE
    )
    assert not np.allclose(mistaken["score"], expected["score"], rtol=1e-6)
    metrics = json.loads((run / "metrics.json").read_text())
    assert metrics["options"]["model"]["preset"] == "reference"
    assert (metrics["seed"], metrics["best_epoch"]) == (None, None)


def test_a_run_says_what_it_was_imported_from(state: dict[str, torch.Tensor], tmp_path: Path) -> None:
    _, run = import_official(tmp_path, state)
    made = json.loads((run / "options.json").read_text())
    assert made["imported"]["checkpoint"] == "best.t7"
    assert sorted(path.name for path in run.iterdir()) == [
        "best_on_test.safetensors",
        "options.json",
        "vocabulary.json",
    ]
    assert Vocabulary.load(run / "vocabulary.json") == VOCABULARY
    assert read_sizes(run / "best_on_test.safetensors") == SIZES
    assert load_checkpoint(run / "best_on_test.safetensors").options.preset == "reference"


@pytest.mark.parametrize(
    ("vocabulary", "message"),
    [
        (Vocabulary(("a", "b"), VOCABULARY.characters), r"best\.t7: the model expects words 5, found 2"),
        (Vocabulary(VOCABULARY.words, ("a",)), "the model expects characters 13, found 3"),
        (
            Vocabulary(("a", "b", "a"), ("a",)),
            r"words\.txt, line 3: expected another entry .* found 'a' again",
        ),
        (Vocabulary(("a", "", "b"), ("a",)), r"words\.txt, line 2: .* found an empty line"),
    ],
)
def test_a_vocabulary_that_is_not_the_checkpoints_is_refused(
    state: dict[str, torch.Tensor],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    vocabulary: Vocabulary,
    message: str,
) -> None:
    status, run = import_official(tmp_path, state, vocabulary)
    assert status == 1
    assert not run.exists()
    assert re.search(message, capsys.readouterr().err)


def test_inputs_of_another_width_are_refused(
    toy: Toy, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _, run = import_official(tmp_path, official_state(24, 3, 5, 11))
    coverage = write_full_coverage(tmp_path / "coverage.tsv", [])
    places = ["--queries", toy.queries, "--inputs", toy.inputs, "--coverage", coverage, "--run", run]
    assert main(["evaluate", *map(str, places), "--dataset", "toy", "--variant", "official"]) == 1
    assert "the model expects visual width 24, found 4" in capsys.readouterr().err


def test_a_model_of_query_features_has_its_two_projections_and_no_words() -> None:
    state = official_state_of_features(4, 3, 7)
    model, sizes = build_official(state)
    assert sizes == Sizes({"visual": 4, "audio": 3}, words=0, word_width=0, characters=0, query_width=7)
    for side, name in enumerate(("text_affinev", "text_affinea")):
        weight, bias = (state[f"{name}.linear.conv1d.{part}"] for part in ("weight", "bias"))
        assert torch.equal(model.query_embedding.linear.weight[side], weight[:, :, 0])
        assert torch.equal(model.query_embedding.linear.bias[side], bias)
    # What is beside the queries stands where it does in the model of words.
    words = build_official({**official_state(4, 3, 5, 11)})[0].state_dict()
    theirs = {
        **official_state(4, 3, 5, 11),
        **{k: v for k, v in state.items() if k.startswith("text_affine")},
    }
    found = {k: v for k, v in theirs.items() if not k.startswith("word_embedding")}
    for key, tensor in build_official(found)[0].state_dict().items():
        if not key.startswith("query_embedding") and not key.endswith("fixed_noise"):
            assert torch.equal(tensor, words[key]), key
    assert model.options.preset == "reference"


def test_the_sides_of_the_projections_may_be_spelled_with_an_underscore() -> None:
    state = official_state_of_features(4, 3, 7)
    spelled = {name.replace("text_affine", "text_affine_"): tensor for name, tensor in state.items()}
    first, second = build_official(state)[0].state_dict(), build_official(spelled)[0].state_dict()
    assert all(torch.equal(first[name], second[name]) for name in first)


def test_a_projection_at_fault_is_named() -> None:
    state = official_state_of_features(4, 3, 7)
    wrong = {name.replace("text_affinea", "text_affineb"): tensor for name, tensor in state.items()}
    with pytest.raises(ValueError, match="expected the authors' state dict of 455 tensors") as error:
        build_official(wrong)
    assert {line.split(".")[0] for line in str(error.value).splitlines()[1:]} == {
        "text_affinea",
        "text_affineb",
    }


def import_features(folder: Path, *vocabulary: str) -> tuple[int, Path]:
    torch.save(official_state_of_features(4, 3, 7), folder / "best.t7")
    out = folder / "run"
    return main(["import-official", str(folder / "best.t7"), *vocabulary, "--out", str(out)]), out


def test_a_run_of_query_features_is_evaluated_on_them(toy: Toy, tmp_path: Path) -> None:
    status, run = import_features(tmp_path)
    assert status == 0
    assert sorted(path.name for path in run.iterdir()) == ["best_on_test.safetensors", "options.json"]
    table = read_queries_table(toy.queries)
    (tmp_path / "text").mkdir()
    rng = np.random.default_rng(0)
    for query in table["query"]:
        np.save(tmp_path / "text" / f"{query}.npy", rng.standard_normal((3, 7)).astype(np.float32))
    assemble_query_features(table, tmp_path / "text", 8, tmp_path / "features")
    coverage = write_full_coverage(tmp_path / "coverage.tsv", Inputs.load(toy.inputs).videos)
    places = ["--queries", toy.queries, "--inputs", toy.inputs, "--coverage", coverage, "--run", run]
    command = ["evaluate", *map(str, places), "--dataset", "toy", "--variant", "official", "--threads", "1"]
    assert main([*command, "--query-features", str(tmp_path / "features")]) == 0
    found = pd.read_parquet(run / "predictions.parquet")
    assert set(found["protocol"]) == {"best_on_test"}
    assert set(found["query"]) == set(table.loc[table["split"] == "test", "query"])
    # Read by words the queries do not fit.
    assert main(command) == 1


def test_a_vocabulary_for_a_model_that_reads_none_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    status, run = import_features(tmp_path, *write_vocabulary(tmp_path, VOCABULARY))
    assert (status, run.exists()) == (1, False)
    assert "reads queries as features of 7 values; expected no vocabulary, found" in capsys.readouterr().err


def test_a_model_of_words_needs_its_vocabulary(
    state: dict[str, torch.Tensor], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    torch.save(state, tmp_path / "best.t7")
    assert main(["import-official", str(tmp_path / "best.t7"), "--out", str(tmp_path / "run")]) == 1
    assert (
        "best.t7: reads words; expected its words and its characters, found neither"
        in capsys.readouterr().err
    )


def test_what_is_no_state_dict_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "best.t7"
    for content in ([torch.zeros(1)], {"a": 1}, {}, {"model": {"a": "b"}}):
        torch.save(content, path)
        with pytest.raises(ValueError, match=r"best\.t7: expected a state dict, alone or under one of"):
            read_state(path)
    path.write_bytes(b"nothing of the kind")
    with pytest.raises(ValueError, match=r"best\.t7: expected a file of tensors"):
        read_state(path)
    shutil.rmtree(tmp_path)
    with pytest.raises(FileNotFoundError, match=r"best\.t7: expected a checkpoint of the authors, found no"):
        read_state(path)


class Trap:
    def __reduce__(self) -> object:
        return exec, ("raise AssertionError('the pickle ran code')",)


def test_a_checkpoint_that_would_run_code_is_refused(tmp_path: Path) -> None:
    torch.save({"model": Trap()}, tmp_path / "best.t7")
    with pytest.raises(ValueError, match=r"best\.t7: expected a file of tensors"):
        read_state(tmp_path / "best.t7")
