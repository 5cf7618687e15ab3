"""A checkpoint of EMB's authors becomes a run that answers as their weights do."""

from pathlib import Path

import golden_emb as golden
import pytest
import torch

from img.__main__ import main
from img.config.runs import InferenceOptions
from img.data.text.vocabulary import Vocabulary
from img.models.checkpoint import load_checkpoint
from img.models.emb.official import build_official, official_shapes
from img.models.emb.options import EmbOptions
from img.models.sizes import Sizes


@pytest.fixture(scope="module")
def state() -> dict[str, torch.Tensor]:
    return golden.official_state()


def test_every_one_of_the_authors_tensors_has_a_place(state: dict[str, torch.Tensor]) -> None:
    assert len(state) == 251
    model, sizes = build_official(state)
    assert set(official_shapes(model, 42)) == set(state)
    assert sizes == Sizes({"visual": 1024}, words=100, word_width=300, characters=42)
    assert (model.options.preset, model.options.max_clips) == ("reference", 128)


def test_every_tensor_at_fault_is_named(state: dict[str, torch.Tensor]) -> None:
    wrong = {name: tensor for name, tensor in state.items() if name != "fuser2.cq_attention.w4Q"}
    wrong["extra"] = torch.zeros(1)
    wrong["encoder.p2p.layers.0.norm1.bias"] = torch.zeros(64)
    with pytest.raises(ValueError, match="state dict of 251 tensors, found one of 251") as error:
        build_official(wrong)
    assert sorted(str(error.value).splitlines()[1:]) == [
        "encoder.p2p.layers.0.norm1.bias: expected the shape [128], found [64]",
        "extra: is unknown",
        "fuser2.cq_attention.w4Q: is missing",
    ]


def test_an_imported_checkpoint_answers_as_the_authors_weights_do(
    state: dict[str, torch.Tensor], tmp_path: Path
) -> None:
    torch.save({"epoch": 3, "step": 9, "state_dict": state, "optimizer": {}}, tmp_path / "model_best.pth.tar")
    vocabulary = Vocabulary(tuple(f"word{i}" for i in range(100)), tuple(map(chr, range(97, 97 + 40))))
    for name, entries in (("words", vocabulary.words), ("chars", vocabulary.characters)):
        (tmp_path / f"{name}.txt").write_text("\n".join(entries) + "\n")
    command = ["import-official", str(tmp_path / "model_best.pth.tar"), "--system", "emb"]
    command += ["--words", str(tmp_path / "words.txt"), "--chars", str(tmp_path / "chars.txt")]
    assert main([*command, "--out", str(tmp_path / "run")]) == 0

    model = load_checkpoint(tmp_path / "run" / "best_on_test.safetensors")
    assert isinstance(model.options, EmbOptions)
    batch, options = golden.batch(golden.CASES["a"]), InferenceOptions()
    found, expected = (
        system.answer(batch, options).spans["visual"] for system in (model, build_official(state)[0])
    )
    torch.testing.assert_close(found.start, expected.start, rtol=0, atol=0, equal_nan=True)
    torch.testing.assert_close(found.score, expected.score, rtol=0, atol=0)
