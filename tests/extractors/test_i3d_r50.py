import pytest
import torch
from pytorchvideo.models.hub.resnet import i3d_r50 as reference
from torch.nn import functional as F

from extractors.kinds.i3d_r50 import network as i3d_r50
from extractors.kinds.i3d_r50.parameters import I3DR50Parameters
from extractors.models.weights import initialise

pytestmark = pytest.mark.slow


def small(**changes) -> I3DR50Parameters:
    return I3DR50Parameters(**{"weights": "random", "shorter_side": 64, "crop": 64} | changes)


def noise(windows: int, frames: int = 8, side: int = 64, seed: int = 0) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(0, 256, (windows, frames, side, side, 3), dtype=torch.uint8, generator=generator)


@pytest.mark.parametrize(("frames", "side"), [(8, 224), (10, 256)])
def test_features_are_what_the_reference_projects(tmp_path, frames, side):
    network = reference().eval()
    initialise(network, seed=1)
    torch.save({"model_state": network.state_dict()}, tmp_path / "I3D_8x8_R50.pyth")
    extractor = i3d_r50.build(small(weights=tmp_path / "I3D_8x8_R50.pyth"), "cpu")
    windows = noise(1, frames, side)
    rows = extractor.embed(windows)
    assert rows.shape == (1, 1, 2048)
    with torch.inference_mode():
        inputs = (windows.permute(0, 4, 1, 2, 3) / 255 - 0.45) / 0.225
        torch.testing.assert_close(network.blocks[-1].proj(rows[:, 0]), network(inputs), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(("frames", "side"), [(2, 32), (8, 64), (12, 112)])
def test_short_windows_and_small_crops_give_one_row(frames, side):
    extractor = i3d_r50.build(small(window=frames, crop=side, shorter_side=side), "cpu")
    assert (extractor.width, extractor.rows_per_window) == (2048, 1)
    rows = extractor.embed(noise(2, frames, side))
    assert rows.shape == (2, 1, 2048)
    assert rows.dtype == torch.float32
    assert rows.isfinite().all()


def test_a_checkpoint_of_another_network_is_refused_by_name(tmp_path):
    path = tmp_path / "SLOW_8x8_R50.pyth"
    state = reference().state_dict()
    state["blocks.0.conv.weight"] = torch.zeros(64, 3, 1, 7, 7)
    torch.save({"model_state": state}, path)
    with pytest.raises(
        ValueError, match=r"SLOW_8x8_R50\.pyth[^$]*blocks\.0\.conv\.weight: expected shape \[64, 3, 5, 7, 7\]"
    ):
        i3d_r50.build(small(weights=path), "cpu")


def test_random_weights_keep_the_scale_of_activations():
    extractor = i3d_r50.build(small(), "cpu")
    assert 0.2 < extractor.embed(noise(1)).std() < 5


def test_a_window_is_embedded_alike_whatever_its_neighbours():
    extractor = i3d_r50.build(small(), "cpu")
    window = noise(1, seed=1)
    first = extractor.embed(torch.cat([window, noise(2, seed=2)]))[0]
    again = extractor.embed(torch.cat([window, noise(2, seed=3)]))[0]
    assert torch.equal(first, again)


def test_bfloat16_stays_close_to_float32():
    windows = noise(1)
    exact = i3d_r50.build(small(), "cpu").embed(windows)
    rounded = i3d_r50.build(small(precision="bfloat16"), "cpu").embed(windows)
    assert rounded.dtype == torch.float32
    assert not torch.equal(rounded, exact)
    assert F.cosine_similarity(rounded.flatten(), exact.flatten(), dim=0) > 0.999
