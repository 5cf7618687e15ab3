import zlib
from math import prod, sqrt
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from extractors.kinds.i3d import network as i3d
from extractors.kinds.i3d.network import I3D
from extractors.kinds.i3d.parameters import I3DParameters
from extractors.models.weights import initialise

pytestmark = pytest.mark.slow

GOLDEN = Path(__file__).parents[1] / "golden" / "i3d.npz"


def by_formula(name: str, shape: tuple[int, ...]) -> np.ndarray:
    """The golden file's weights: a tensor's values follow from its name and shape."""
    generator = np.random.default_rng(zlib.crc32(name.encode()))
    if name.endswith("running_var"):
        return 0.5 + generator.random(shape)
    if name.endswith("running_mean"):
        return 0.1 * generator.standard_normal(shape)
    if len(shape) <= 1:
        return (1.0 if name.endswith(".bn.weight") else 0.0) + 0.1 * generator.standard_normal(shape)
    return generator.standard_normal(shape) * sqrt(2) / sqrt(max(prod(shape) // shape[0], 16))


def small(**changes) -> I3DParameters:
    return I3DParameters(**{"weights": "random", "shorter_side": 32, "crop": 32} | changes)


def noise(windows: int, frames: int = 16, side: int = 32, seed: int = 0) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(0, 256, (windows, frames, side, side, 3), dtype=torch.uint8, generator=generator)


@pytest.fixture(scope="module")
def golden_network() -> I3D:
    network = I3D().eval()
    state = network.state_dict()
    for name, tensor in state.items():
        if tensor.is_floating_point():
            tensor.copy_(torch.from_numpy(by_formula(name, tuple(tensor.shape))))
    return network


@pytest.mark.parametrize("frames", [16, 24, 17])
def test_features_equal_the_reference_implementation(golden_network, frames):
    shape = (1, 3, frames, 224, 224)
    inputs = torch.from_numpy((np.random.default_rng(frames).random(shape) * 2 - 1).astype(np.float32))
    with torch.inference_mode():
        features = golden_network(inputs.contiguous(memory_format=torch.channels_last_3d))[0].numpy()
    with np.load(GOLDEN) as golden:
        expected = golden[f"rows_{frames}"]
    assert features.shape == expected.shape
    np.testing.assert_allclose(features, expected, rtol=1e-4, atol=1e-4 * np.abs(expected).max())


def test_the_state_dict_has_the_public_names():
    state = I3D().state_dict()
    assert len(state) == 344
    assert state["Conv3d_1a_7x7.conv3d.weight"].shape == (64, 3, 7, 7, 7)
    assert state["Mixed_4b.b1b.bn.running_var"].shape == (208,)
    assert state["Mixed_5c.b3b.conv3d.weight"].shape == (128, 832, 1, 1, 1)
    assert state["logits.conv3d.weight"].shape == (400, 1024, 1, 1, 1)
    assert state["logits.conv3d.bias"].shape == (400,)


@pytest.mark.parametrize(
    ("size", "kernel", "stride", "in_front", "behind"),
    [
        (224, 7, 2, 2, 3),
        (17, 7, 2, 3, 3),
        (112, 3, 2, 0, 1),
        (9, 3, 2, 1, 1),
        (9, 2, 2, 0, 1),
        (8, 2, 2, 0, 0),
        (5, 3, 1, 1, 1),
    ],
)
def test_same_padding_is_tensorflows(size, kernel, stride, in_front, behind):
    line = torch.arange(1.0, size + 1).view(1, 1, size, 1, 1)
    padded = i3d._pad_same(line, (kernel, 1, 1), (stride, 1, 1)).flatten().tolist()
    assert padded == [0.0] * in_front + list(range(1, size + 1)) + [0.0] * behind


@pytest.mark.parametrize(
    ("frames", "expected"), [(2, 1), (8, 1), (9, 1), (16, 1), (17, 2), (24, 2), (25, 3), (64, 7)]
)
def test_a_window_gives_the_rows_it_promises(frames, expected):
    extractor = i3d.build(small(window=frames), "cpu")
    assert extractor.rows_per_window == expected
    assert extractor.width == 1024
    rows = extractor.embed(noise(1, frames))
    assert rows.shape == (1, expected, 1024)
    assert rows.dtype == torch.float32


def test_pixels_are_scaled_to_minus_one_to_one():
    extractor = i3d.build(small(), "cpu")
    network = I3D().eval()
    initialise(network, seed=0)
    frames = noise(1)
    scaled = frames.permute(0, 4, 1, 2, 3).double() / 127.5 - 1
    with torch.inference_mode():
        expected = network(scaled.float())
    torch.testing.assert_close(extractor.embed(frames), expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("classes", [157, 400])
def test_weights_of_any_number_of_classes_load(tmp_path, classes):
    source = I3D(classes)
    initialise(source, seed=4)
    torch.save(source.state_dict(), tmp_path / "rgb.pt")
    loaded = i3d.build(small(weights=tmp_path / "rgb.pt"), "cpu")
    drawn = i3d.build(small(seed=4), "cpu")
    assert torch.equal(loaded.embed(noise(1)), drawn.embed(noise(1)))


def test_weights_of_another_shape_are_refused_by_name(tmp_path):
    state = I3D().state_dict()
    state["Mixed_3b.b1a.conv3d.weight"] = torch.zeros(96, 192, 3, 3, 3)
    del state["logits.conv3d.weight"]
    torch.save(state, tmp_path / "rgb.pt")
    with pytest.raises(ValueError, match=r"rgb\.pt") as error:
        i3d.build(small(weights=tmp_path / "rgb.pt"), "cpu")
    assert "Mixed_3b.b1a.conv3d.weight: expected shape [96, 192, 1, 1, 1], found [96, 192, 3, 3, 3]" in str(
        error.value
    )
    assert "missing logits.conv3d.weight" in str(error.value)


def test_random_weights_keep_the_scale_of_activations():
    network = I3D().eval()
    initialise(network, seed=0)
    deviations = []
    for layer in network.modules():
        if isinstance(layer, i3d._Unit):
            layer.register_forward_hook(lambda _, __, output: deviations.append(output.std().item()))
    with torch.inference_mode():
        network(torch.rand(1, 3, 16, 64, 64, generator=torch.Generator().manual_seed(0)) * 2 - 1)
    assert len(deviations) == 57
    assert max(deviations) < 5
    assert min(deviations) > 0.2


def test_a_window_is_embedded_alike_whatever_its_neighbours():
    extractor = i3d.build(small(), "cpu")
    window = noise(1, seed=1)
    first = extractor.embed(torch.cat([window, noise(3, seed=2)]))[0]
    again = extractor.embed(torch.cat([window, noise(3, seed=3)]))[0]
    assert torch.equal(first, again)


def test_bfloat16_stays_close_to_float32():
    frames = noise(1)
    exact = i3d.build(small(), "cpu").embed(frames)
    rounded = i3d.build(small(precision="bfloat16"), "cpu").embed(frames)
    assert rounded.dtype == torch.float32
    assert not torch.equal(rounded, exact)
    assert F.cosine_similarity(rounded.flatten(), exact.flatten(), dim=0) > 0.999
