"""EVA-CLIP's image tower against open_clip's own, on small random sizes."""

import sys

import pytest
import timm
import torch
from open_clip.timm_model import TimmModel
from safetensors.torch import save_file
from torch.nn import functional as F

from extractors.kinds.eva_clip.network import build, build_tower
from extractors.kinds.eva_clip.parameters import EvaClipParameters
from extractors.models.network import CLIP_DEVIATION, CLIP_MEAN
from extractors.models.weights import initialise

SIDE = 56
WIDTH = 24
SIZES = {"depth": 2, "embed_dim": 64, "num_heads": 2}


@pytest.fixture(scope="module")
def tower():
    """open_clip's tower of EVA01-g-14, made small."""
    full = timm.create_model

    def small(name, pretrained, **options):
        return full(name, pretrained=False, img_size=SIDE, **SIZES, **options)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(timm, "create_model", small)
        found = TimmModel("eva_giant_patch14_224", WIDTH, SIDE, pool="token", proj=None).eval()
    initialise(found, seed=1)
    return found


def parameters(**changes) -> EvaClipParameters:
    return EvaClipParameters(**{"weights": "random", "shorter_side": SIDE, "crop": SIDE} | changes)


def frames(count: int, seed: int = 0) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(0, 256, (count, 1, SIDE, SIDE, 3), dtype=torch.uint8, generator=generator)


@torch.no_grad()
def expected_rows(tower, windows: torch.Tensor) -> torch.Tensor:
    mean, deviation = (torch.tensor(values).view(3, 1, 1) for values in (CLIP_MEAN, CLIP_DEVIATION))
    return tower((windows[:, 0].permute(0, 3, 1, 2) / 255 - mean) / deviation)


@pytest.mark.parametrize("prefix", ["visual.", "visual.trunk."])
def test_the_authors_file_and_open_clips_give_its_rows(tower, tmp_path, prefix):
    state = {name.replace("trunk.", prefix): tensor for name, tensor in tower.state_dict().items()}
    save_file({**state, "text.ln_final.weight": torch.ones(3)}, tmp_path / "eva.safetensors")
    extractor = build_tower(SIZES, WIDTH, parameters(weights=tmp_path / "eva.safetensors"), "cpu")
    windows = frames(3)
    expected = expected_rows(tower, windows)
    rows = extractor.embed(windows)
    assert rows.shape == (3, 1, WIDTH)
    torch.testing.assert_close(rows[:, 0], expected, rtol=1e-5, atol=1e-5 * expected.abs().max().item())


def test_half_precision_files_run_in_float32(tower, tmp_path):
    state = {name.replace("trunk.", "visual."): tensor.half() for name, tensor in tower.state_dict().items()}
    torch.save(state, tmp_path / "eva_clip_psz14.pt")
    extractor = build_tower(SIZES, WIDTH, parameters(weights=tmp_path / "eva_clip_psz14.pt"), "cpu")
    rows, expected = extractor.embed(frames(2))[:, 0], expected_rows(tower, frames(2))
    assert rows.dtype == torch.float32
    assert F.cosine_similarity(rows, expected).min() > 0.999


def test_hirests_rows_are_of_length_one():
    raw, unit = (
        build_tower(SIZES, WIDTH, parameters(normalise=rule), "cpu").embed(frames(2))
        for rule in ("none", "l2")
    )
    torch.testing.assert_close(unit, F.normalize(raw, dim=-1))
    hirest = EvaClipParameters(preset="hirest", weights="random")
    assert (hirest.normalise, hirest.plan().shown, hirest.plan().frame_rate) == ("l2", "start", 1.0)


def test_a_file_of_something_else_is_refused_by_name(tmp_path):
    save_file({"layer.weight": torch.ones(2)}, tmp_path / "other.safetensors")
    with pytest.raises(
        ValueError, match=r"other\.safetensors: expected the weights of EVA-CLIP.*layer\.weight"
    ):
        build_tower(SIZES, WIDTH, parameters(weights=tmp_path / "other.safetensors"), "cpu")


def test_the_published_tower_has_its_published_number_of_parameters():
    with torch.device("meta"):
        network = timm.create_model("eva_giant_patch14_224", num_classes=1024, global_pool="token")
    assert sum(tensor.numel() for tensor in network.parameters()) == 1_012_588_928


def test_a_missing_library_is_named_with_its_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "timm", None)
    with pytest.raises(ModuleNotFoundError, match=r"timm: .*run pip install '\.\[eva_clip\]'"):
        build(parameters(), "cpu")
