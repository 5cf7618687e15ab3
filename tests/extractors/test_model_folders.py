import sys

import pytest
import torch
from safetensors.torch import load_file, save_file

from extractors.models.extras import import_extra
from extractors.models.model_folders import load_model, load_processor
from extractors.storage.files import list_content, sha256_of_path

transformers = pytest.importorskip("transformers")

SIZES = {
    "vocab_size": 20,
    "hidden_size": 8,
    "num_hidden_layers": 1,
    "num_attention_heads": 2,
    "intermediate_size": 16,
}


@pytest.fixture
def folder(tmp_path):
    model = transformers.BertModel(transformers.BertConfig(**SIZES), add_pooling_layer=False)
    model.save_pretrained(tmp_path / "model")
    return tmp_path / "model"


def change(folder, edit):
    path = folder / "model.safetensors"
    state = load_file(path)
    edit(state)
    save_file(state, path, {"format": "pt"})


def load(folder, sha256=None):
    return load_model("BertModel", folder, "sentence", sha256, add_pooling_layer=False)


def test_a_model_is_loaded_in_float32_and_for_evaluation(folder):
    model = load(folder, sha256_of_path(folder))
    assert not model.training
    assert {tensor.dtype for tensor in model.parameters()} == {torch.float32}
    assert not any(tensor.requires_grad for tensor in model.parameters())


@pytest.mark.parametrize(
    ("edit", "fault"),
    [
        (lambda state: state.pop("encoder.layer.0.output.dense.bias"), "missing .*output.dense.bias"),
        (lambda state: state["embeddings.LayerNorm.bias"].fill_(float("nan")), "not finite .*LayerNorm.bias"),
    ],
)
def test_a_model_that_is_not_whole_is_refused(folder, edit, fault):
    change(folder, edit)
    with pytest.raises(ValueError, match=f"expected the weights of a BertModel, found 1 faults: {fault}"):
        load(folder)


def test_weights_of_another_shape_are_refused(folder):
    change(folder, lambda state: state.update({"encoder.layer.0.output.dense.bias": torch.zeros(3)}))
    with pytest.raises(ValueError, match=r"model: expected (a|the weights of a) BertModel, found"):
        load(folder)


def test_a_damaged_file_is_named(folder):
    (folder / "model.safetensors").write_bytes(b"nothing")
    with pytest.raises(ValueError, match="model: expected a BertModel, found what does not load"):
        load(folder)


def test_another_folder_than_the_hash_says_is_refused(folder):
    with pytest.raises(ValueError, match="expected SHA-256 0000"):
        load(folder, "0" * 64)


def test_a_front_end_that_is_absent_is_told_of(folder):
    with pytest.raises(
        ValueError, match="expected the files of a ClapFeatureExtractor, found none that load"
    ):
        load_processor("ClapFeatureExtractor", folder, "clap")


def test_where_the_library_is_missing_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "transformers", None)
    with pytest.raises(ModuleNotFoundError, match=r"pip install '\.\[clap\]'"):
        import_extra("transformers", "clap")


def test_a_folder_is_known_by_the_names_and_contents_of_its_files(tmp_path):
    for name in ("b.txt", "a/c.txt", ".hidden/d.txt", ".e"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(name)
    assert [path.name for path in list_content(tmp_path)] == ["c.txt", "b.txt"]
    before = sha256_of_path(tmp_path)
    (tmp_path / ".e").write_text("other")
    assert sha256_of_path(tmp_path) == before
    (tmp_path / "a" / "c.txt").write_text("other")
    assert sha256_of_path(tmp_path) != before
    (tmp_path / "empty").mkdir()
    with pytest.raises(OSError, match="expected a folder with files, found an empty one"):
        sha256_of_path(tmp_path / "empty")
