import zipfile

import numpy as np
import pytest
import torch
from torchvggish.vggish_input import waveform_to_examples

from extractors.kinds.yamnet import network as yamnet
from extractors.kinds.yamnet.onnx import read_tensors
from extractors.kinds.yamnet.parameters import YamnetParameters
from extractors.models.weights import initialise
from extractors.registry import parse


def number(value: int) -> bytes:
    """A number as protocol buffers write it: seven bits a byte, the lowest first."""
    written = bytearray()
    while value > 0x7F:
        written.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*written, value])


def field(name: int, value: int | str | bytes) -> bytes:
    if isinstance(value, int):
        return number(name << 3) + number(value)
    content = value.encode() if isinstance(value, str) else value
    return number(name << 3 | 2) + number(len(content)) + content


def write_onnx(path, arrays, *, cut=0, inside=()):
    """Writes a zip of model.onnx and model.data, as YAMNet's; values of `inside` stand in the first."""
    data, tensors = b"", b""
    for name, array in arrays.items():
        tensor = b"".join(field(1, size) for size in array.shape) + field(2, 1) + field(8, name)
        content = array.astype("<f4").tobytes()
        if name in inside:
            tensor += field(9, content)
        else:
            places = {"location": "model.data", "offset": str(len(data)), "length": str(len(content))}
            for key, value in places.items():
                tensor += field(13, field(1, key) + field(2, value))
            data += content
        tensors += field(5, tensor)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("job/model.onnx", field(1, 8) + field(7, field(1, b"a node") + tensors))
        archive.writestr("job/model.data", data[: len(data) - cut])
    return path


def published_names(network):
    """A network's tensors under names like those of the published file, and what else lies in it."""
    arrays = {name: tensor.numpy() for name, tensor in network.classifier.state_dict().items()}
    arrays = {f"model.classifier.{name}": array for name, array in arrays.items()}
    for layer, convolution in enumerate(network.convolutions):
        arrays[f"onnx::Conv_{241 + 3 * layer}"] = convolution.weight.detach().numpy()
    arrays["onnx::Conv_241_scale"] = np.ones(32, np.float32)
    for layer, convolution in enumerate(network.convolutions):
        arrays[f"onnx::Conv_{242 + 3 * layer}"] = convolution.bias.detach().numpy()
    return arrays


@pytest.fixture(scope="module")
def network():
    network = yamnet.Yamnet().eval().requires_grad_(False)
    initialise(network, seed=1)
    for convolution in network.convolutions:
        torch.nn.init.normal_(convolution.bias, std=0.1, generator=torch.Generator().manual_seed(3))
    return network


@pytest.fixture(scope="module")
def file(network, tmp_path_factory):
    path = tmp_path_factory.mktemp("yamnet") / "YamNet.onnx.zip"
    return write_onnx(path, published_names(network), inside=["onnx::Conv_242"])


def noise(windows: int) -> torch.Tensor:
    return torch.randn(windows, 96, 64, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize(("output", "width"), [("features", 1024), ("classes", 521)])
def test_rows_are_those_of_the_network_that_the_file_holds(network, file, output, width):
    extractor = yamnet.build(YamnetParameters(weights=file, output=output), "cpu")
    rows = extractor.embed(noise(2))
    expected = network(noise(2))
    expected = network.classify(expected) if output == "classes" else expected
    assert rows.shape == (2, 1, width)
    assert extractor.width == width
    np.testing.assert_allclose(rows[:, 0], expected, atol=1e-5)
    assert rows.std() > 0


def test_a_state_dict_of_the_same_tensors_gives_the_same_rows(network, file, tmp_path):
    torch.save(network.state_dict(), tmp_path / "yamnet.pt")
    first, second = (
        yamnet.build(YamnetParameters(weights=path), "cpu").embed(noise(1))
        for path in (file, tmp_path / "yamnet.pt")
    )
    assert torch.equal(first, second)


def test_every_convolution_pads_as_tensorflow(network):
    x = noise(1)[:, None]
    sizes = []
    for convolution in network.convolutions:
        x = convolution(x)
        sizes.append(tuple(x.shape[2:]))
    assert list(dict.fromkeys(sizes)) == [(48, 32), (24, 16), (12, 8), (6, 4), (3, 2)]
    # Of an even side a stride of two takes no zero in front: the first value is of the first three by three.
    first = network.convolutions[0]
    corner = (noise(1)[0, :3, :3] * first.weight[0, 0]).sum() + first.bias[0]
    assert first(noise(1)[:, None])[0, 0, 0, 0] == pytest.approx(float(corner), abs=1e-4)


def test_examples_are_vggishs_with_another_offset():
    sound = (0.1 * np.random.default_rng(0).standard_normal(16_000)).astype(np.float32)
    (window,) = yamnet.examples([sound], 0.96, 0.001)
    mel = np.exp(waveform_to_examples(sound, 16_000, return_tensor=False)[0]) - 0.01
    np.testing.assert_allclose(window.data, np.log(mel + 0.001), atol=1e-4)


def test_a_file_that_is_cut_short_or_not_yamnets_is_refused(network, tmp_path):
    arrays = published_names(network)
    cut = write_onnx(tmp_path / "cut.zip", arrays, cut=8)
    with pytest.raises(ValueError, match=r"cut\.zip: expected onnx::Conv_320 \[1024\] of 4096 bytes, found"):
        yamnet.build(YamnetParameters(weights=cut), "cpu")
    other = write_onnx(tmp_path / "other.zip", {"onnx::Conv_1": np.zeros((2, 1, 3, 3), np.float32)})
    with pytest.raises(ValueError, match=r"other\.zip: expected YAMNet's 27 convolutions, found 1"):
        yamnet.build(YamnetParameters(weights=other), "cpu")
    del arrays["onnx::Conv_245"]
    lacking = write_onnx(tmp_path / "lacking.zip", arrays)
    with pytest.raises(ValueError, match=r"expected a bias onnx::Conv_245 beside onnx::Conv_244, found none"):
        yamnet.build(YamnetParameters(weights=lacking), "cpu")
    with zipfile.ZipFile(tmp_path / "damaged.zip", "w") as archive:
        archive.writestr("model.onnx", b"\xff" * 30)
    with pytest.raises(ValueError, match=r"damaged\.zip: expected a number"):
        read_tensors(tmp_path / "damaged.zip")


def test_tensors_are_read_as_they_were_written(tmp_path):
    arrays = {"a": np.arange(6, dtype=np.float32).reshape(2, 3), "b": np.float32([300.5])}
    found = read_tensors(write_onnx(tmp_path / "a.zip", arrays, inside=["b"]))
    assert list(found) == ["a", "b"]
    for name, array in arrays.items():
        np.testing.assert_array_equal(found[name], array)


def test_random_weights_are_for_tests_alone():
    kind, parameters = parse({"kind": "yamnet", "weights": "random"})
    assert kind.load_extractor(parameters, "cpu").embed(noise(1)).shape == (1, 1, 1024)


@pytest.mark.parametrize("output", ["features", "classes"])
def test_bfloat16_stays_close(file, output):
    exact, rounded = (
        yamnet.build(YamnetParameters(weights=file, output=output, precision=precision), "cpu").embed(
            noise(3)
        )
        for precision in ("float32", "bfloat16")
    )
    assert rounded.dtype == torch.float32
    assert not torch.equal(exact, rounded)
    assert (exact - rounded).norm() < 0.05 * exact.norm()
