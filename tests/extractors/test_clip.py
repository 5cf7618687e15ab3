"""CLIP's image tower against open_clip's own forward pass, in every form of file."""

import json
import pickle
import re
import sys
import warnings
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
from formula_weights import GOLDEN, fill
from open_clip.model import CLIP, CLIPTextCfg, CLIPVisionCfg
from safetensors.torch import save_file
from torch.nn import functional as F
from transformers import CLIPConfig, CLIPModel

from extractors.kinds.clip.checkpoint import Checkpoint, read_checkpoint, rename, select
from extractors.kinds.clip.network import build, build_tower
from extractors.kinds.clip.parameters import TOWERS, ClipImageParameters, TowerSizes
from extractors.kinds.clip.torchscript import load_torchscript
from extractors.models.network import CLIP_DEVIATION, CLIP_MEAN
from extractors.models.weights import load_state

SIZES = TowerSizes(layers=3, width=64, heads=2, patch=16, rows=24)
SIDE = 64


@pytest.fixture(scope="module")
def network() -> CLIP:
    vision = CLIPVisionCfg(layers=3, width=64, head_width=32, patch_size=16, image_size=SIDE)
    text = CLIPTextCfg(context_length=77, vocab_size=100, width=32, heads=2, layers=3)
    return fill(CLIP(embed_dim=24, vision_cfg=vision, text_cfg=text, quick_gelu=True), 1.0, ["logit_scale"])


def parameters(**changes) -> ClipImageParameters:
    return ClipImageParameters(**{"weights": "random", "shorter_side": SIDE, "crop": SIDE} | changes)


def frames(count: int, seed: int = 0) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(0, 256, (count, 1, SIDE, SIDE, 3), dtype=torch.uint8, generator=generator)


@torch.no_grad()
def expected_rows(network: CLIP, windows: torch.Tensor) -> torch.Tensor:
    mean, deviation = (torch.tensor(values).view(3, 1, 1) for values in (CLIP_MEAN, CLIP_DEVIATION))
    images = (windows[:, 0].permute(0, 3, 1, 2) / 255 - mean) / deviation
    return network.encode_image(images)


def write_open_clip(network: CLIP, folder: Path) -> Path:
    """As open_clip's training writes checkpoints, from several GPUs."""
    state = {f"module.{name}": tensor for name, tensor in network.state_dict().items()}
    torch.save({"epoch": 3, "name": "tiny", "state_dict": state}, folder / "epoch_3.pt")
    return folder / "epoch_3.pt"


def write_state_dict(network: CLIP, folder: Path) -> Path:
    torch.save(network.state_dict(), folder / "bare.pt")
    return folder / "bare.pt"


def write_safetensors(network: CLIP, folder: Path) -> Path:
    save_file(
        {name: tensor.contiguous() for name, tensor in network.state_dict().items()}, folder / "a.safetensors"
    )
    return folder / "a.safetensors"


def write_transformers(network: CLIP, folder: Path) -> Path:
    """As transformers saves a whole CLIP, its names its own."""
    config = CLIPConfig(
        vision_config={
            "num_hidden_layers": 3, "hidden_size": 64, "intermediate_size": 256, "num_attention_heads": 2,
            "patch_size": 16, "image_size": SIDE, "projection_dim": 24,
        },
        text_config={
            "num_hidden_layers": 3, "hidden_size": 32, "intermediate_size": 128, "num_attention_heads": 2,
            "vocab_size": 100, "projection_dim": 24,
        },
        projection_dim=24,
    )  # fmt: skip
    model = CLIPModel(config)
    model.load_state_dict(rename(network.state_dict()), strict=True)
    model.save_pretrained(folder / "whole")
    return folder / "whole"


def write_torchscript(network: CLIP, folder: Path) -> Path:
    """As OpenAI publishes it: traced, with a few numbers beside the weights."""
    network.register_buffer("input_resolution", torch.tensor(SIDE))
    inputs = torch.zeros(1, 3, SIDE, SIDE), torch.zeros(1, 77, dtype=torch.long)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", torch.jit.TracerWarning)
        traced = torch.jit.trace(network, inputs, check_trace=False)
    del network.input_resolution
    torch.jit.save(traced, folder / "ViT.pt")
    return folder / "ViT.pt"


FORMS = {
    "open_clip": (write_open_clip, "quick_gelu"),
    "state_dict": (write_state_dict, "quick_gelu"),
    "safetensors": (write_safetensors, "quick_gelu"),
    "transformers": (write_transformers, None),
    "torchscript": (write_torchscript, None),
}


@pytest.mark.parametrize("form", FORMS)
def test_every_form_of_a_checkpoint_gives_open_clips_rows(network, tmp_path, form):
    write, activation = FORMS[form]
    path = write(network, tmp_path)
    extractor = build_tower(SIZES, parameters(weights=path, activation=activation), "cpu")
    windows = frames(4)
    rows = extractor.embed(windows)
    expected = expected_rows(network, windows)
    assert (rows.shape, extractor.width, extractor.rows_per_window) == ((4, 1, 24), 24, 1)
    torch.testing.assert_close(rows[:, 0], expected, rtol=1e-5, atol=1e-5 * expected.abs().max().item())


def test_rows_are_those_recorded(network, tmp_path):
    recorded = np.load(GOLDEN / "clip_tiny.npz", allow_pickle=False)
    extractor = build_tower(
        SIZES, parameters(weights=write_safetensors(network, tmp_path), activation="quick_gelu"), "cpu"
    )
    tower = extractor._network[1]
    images = torch.from_numpy(np.random.default_rng(1).standard_normal((4, 3, SIDE, SIDE)).astype("f"))
    rows = tower(images[:, :, None])[:, 0].detach().numpy()
    assert np.abs(rows - recorded["image"]).max() <= 1e-5 * np.abs(recorded["image"]).max()


def test_the_activation_counts(network, tmp_path):
    path = write_state_dict(network, tmp_path)
    quick, plain = (
        build_tower(SIZES, parameters(weights=path, activation=name), "cpu").embed(frames(2))
        for name in ("quick_gelu", "gelu")
    )
    assert not torch.allclose(quick, plain, rtol=1e-4)


def test_a_bare_state_dict_must_be_told_its_activation(network, tmp_path):
    path = write_state_dict(network, tmp_path)
    with pytest.raises(ValueError, match=r"bare\.pt: expected it to say its activation.*set `activation"):
        build_tower(SIZES, parameters(weights=path), "cpu")


def test_what_a_file_says_of_its_activation_is_held_to_the_settings(network, tmp_path):
    path = write_torchscript(network, tmp_path)
    with pytest.raises(ValueError, match=r"ViT\.pt: activation: expected quick_gelu, .* found gelu"):
        build_tower(SIZES, parameters(weights=path, activation="gelu"), "cpu")
    folder = write_transformers(network, tmp_path)
    config = json.loads((folder / "config.json").read_text())
    config["vision_config"]["hidden_act"] = "gelu"
    (folder / "config.json").write_text(json.dumps(config))
    assert read_checkpoint(folder).activation == "gelu"


def test_rows_are_as_they_are_or_of_length_one(network, tmp_path):
    path = write_state_dict(network, tmp_path)
    raw, unit = (
        build_tower(SIZES, parameters(weights=path, activation="quick_gelu", normalise=rule), "cpu").embed(
            frames(2)
        )
        for rule in ("none", "l2")
    )
    torch.testing.assert_close(unit, F.normalize(raw, dim=-1))
    assert abs(raw.norm(dim=-1) - 1).min() > 0.01


def test_a_row_is_the_same_in_any_batch(network, tmp_path):
    path = write_state_dict(network, tmp_path)
    extractor = build_tower(SIZES, parameters(weights=path, activation="quick_gelu"), "cpu")
    window = frames(1, seed=1)
    first, again = (extractor.embed(torch.cat([window, frames(3, seed)]))[0] for seed in (2, 3))
    assert torch.equal(first, again)


def test_a_checkpoint_of_another_tower_is_refused_by_name(network, tmp_path):
    path = write_state_dict(network, tmp_path)
    wider = parameters(weights=path, activation="quick_gelu", crop=96, shorter_side=96)
    with pytest.raises(
        ValueError, match=r"bare\.pt[^$]*position_embedding\.weight: expected shape \[37, 64\]"
    ):
        build_tower(SIZES, wider, "cpu")
    torch.save({"layer.weight": torch.ones(2)}, tmp_path / "other.pt")
    with pytest.raises(
        ValueError, match=r"other\.pt: expected the weights of CLIP's vision tower.*layer\.weight"
    ):
        build_tower(SIZES, parameters(weights=tmp_path / "other.pt", activation="gelu"), "cpu")


def test_renaming_both_towers_leaves_nothing_out(network):
    state = rename(network.state_dict())
    assert rename(state).keys() == state.keys()
    checkpoint = Checkpoint(state, None)
    towers = [select(checkpoint, tower, Path("a.pt")) for tower in ("vision", "text")]
    assert {*towers[0], *towers[1], "logit_scale"} == set(state)


def test_a_folder_without_weights_and_a_missing_file_are_named(tmp_path):
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(FileNotFoundError, match=r"model\.safetensors or pytorch_model\.bin"):
        build_tower(SIZES, parameters(weights=tmp_path), "cpu")
    with pytest.raises(FileNotFoundError, match=r"absent\.pt: expected a weights file, found none"):
        build_tower(SIZES, parameters(weights=tmp_path / "absent.pt"), "cpu")


def test_random_weights_are_those_of_their_seed():
    rows = []
    for global_seed in (0, 1):
        torch.manual_seed(global_seed)
        rows.append(build_tower(SIZES, parameters(seed=3), "cpu").embed(frames(2)))
    assert torch.equal(*rows)
    assert not torch.equal(rows[0], build_tower(SIZES, parameters(seed=4), "cpu").embed(frames(2)))
    assert 0.1 < rows[0].std() < 10


def test_bfloat16_stays_close_to_float32():
    exact, rounded = (
        build_tower(SIZES, parameters(precision=precision), "cpu").embed(frames(2))
        for precision in ("float32", "bfloat16")
    )
    assert rounded.dtype == torch.float32
    assert not torch.equal(rounded, exact)
    assert F.cosine_similarity(rounded.flatten(), exact.flatten(), dim=0) > 0.999


def test_the_towers_are_those_of_the_published_models():
    # Known of the published models: the visual parameters of OpenAI's three towers.
    counts = {"ViT-B/32": 87_849_216, "ViT-B/16": 86_192_640, "ViT-L/14": 303_966_208}
    for name, sizes in TOWERS.items():
        with torch.device("meta"):
            network = CLIP(
                embed_dim=sizes.rows,
                vision_cfg=CLIPVisionCfg(
                    layers=sizes.layers, width=sizes.width, patch_size=sizes.patch, image_size=224
                ),
                text_cfg=CLIPTextCfg(vocab_size=10, width=8, heads=1, layers=1),
            )
        assert sum(tensor.numel() for tensor in network.visual.parameters()) == counts[name]
        assert network.visual.transformer.resblocks[0].attn.num_heads == sizes.heads


def test_a_missing_library_is_named_with_its_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "transformers", None)
    with pytest.raises(ModuleNotFoundError, match=r"transformers: .*run pip install '\.\[clip\]'"):
        build(parameters(), "cpu")


class Trap:
    """Runs code when it is unpickled the ordinary way."""

    def __reduce__(self):
        return exec, ("raise SystemExit('code of the file was run')",)


def test_code_in_an_archive_is_never_run(tmp_path):
    path = tmp_path / "forged.pt"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("forged/data.pkl", pickle.dumps(Trap()))
        archive.writestr("forged/constants.pkl", b"")
    with pytest.raises(ValueError, match=r"forged\.pt: .*it asks for builtins\.exec"):
        load_torchscript(path)


def test_an_archive_of_no_module_is_refused(tmp_path):
    path = tmp_path / "forged.pt"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("forged/data.pkl", pickle.dumps({"visual.proj": 3}))
        archive.writestr("forged/constants.pkl", b"")
    with pytest.raises(ValueError, match=r"forged\.pt: .*expected a module, found dict"):
        load_torchscript(path)


def test_a_tensor_may_not_reach_beyond_its_numbers(network, tmp_path):
    path = write_torchscript(network, tmp_path)
    with zipfile.ZipFile(path) as archive:
        content = {name: archive.read(name) for name in archive.namelist()}
    numbers = next(name for name in content if re.search(r"/data/\d+$", name) and len(content[name]) > 64)
    content[numbers] = content[numbers][:8]
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in content.items():
            archive.writestr(name, data)
    with pytest.raises(ValueError, match=r"ViT\.pt: expected a TorchScript archive of tensors"):
        load_torchscript(path)


def test_a_truncated_archive_and_a_wrong_hash_are_refused(network, tmp_path):
    path = write_torchscript(network, tmp_path)
    with pytest.raises(ValueError, match=r"expected SHA-256 0{64}"):
        read_checkpoint(path, "0" * 64)
    path.write_bytes(path.read_bytes()[:5000])
    with pytest.raises(ValueError, match=r"ViT\.pt"):
        read_checkpoint(path)


def test_numbers_that_are_not_finite_are_refused(network, tmp_path):
    state = network.state_dict() | {"visual.proj": torch.full((64, 24), float("nan"))}
    save_file({name: tensor.contiguous() for name, tensor in state.items()}, tmp_path / "a.safetensors")
    with pytest.raises(ValueError, match=r"a\.safetensors: .*visual\.proj"):
        load_state(tmp_path / "a.safetensors")
