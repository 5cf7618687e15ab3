import wave
from pathlib import Path

import numpy as np
import pytest
import torch
from torchvggish.torchvggish import VGG, make_layers
from torchvggish.vggish_input import waveform_to_examples

from extractors.kinds.vggish import network as vggish
from extractors.kinds.vggish.network import Postprocessor
from extractors.kinds.vggish.parameters import VggishParameters
from extractors.models.weights import initialise

pytestmark = pytest.mark.slow

REAL_PCA = Path(__file__).parents[2] / ".." / "shared" / "data" / "weights" / "vggish_pca_params.npz"


@pytest.fixture(scope="module")
def pca(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("pca") / "pca.npz"
    np.savez(path, pca_eigen_vectors=0.3 * np.eye(128), pca_means=np.full((128, 1), 2.0))
    return path


@pytest.fixture(scope="module")
def extractor(pca):
    return vggish.build(VggishParameters(weights="random", pca=pca), "cpu")


def sound(samples: int, seed: int = 0) -> np.ndarray:
    return (0.1 * np.random.default_rng(seed).standard_normal(samples)).astype(np.float32)


def noise(windows: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(windows, 96, 64, generator=torch.Generator().manual_seed(seed))


def test_embeddings_are_whitened_clipped_and_rounded_to_a_byte():
    eigenvectors = torch.eye(128)
    eigenvectors[0, 1] = 2.0
    eigenvectors[3, 3] = -1.0
    embedding = torch.ones(1, 128)
    embedding[0, :6] = torch.tensor([1.5, 1.25, 4.0, 2.0, -9.0, 1.1])
    quantised = Postprocessor(eigenvectors, torch.ones(128))(embedding)
    assert quantised.shape == (1, 128)
    # 0.5 + 2 x 0.25 = 1 -> 191.25; 0.25 -> 143.4; 3 clipped -> 255; -1 -> 63.75; clipped -> 0; 0.1 -> 133.9
    assert quantised[0, :6].tolist() == [191, 143, 255, 64, 0, 134]
    # 0 -> 127.5, to even
    assert set(quantised[0, 6:].tolist()) == {128}


def test_rows_are_the_reference_network_postprocessed(tmp_path, pca):
    network = VGG(make_layers(), postprocess=False).eval()
    initialise(network, seed=2)
    path = tmp_path / "vggish.pth"
    torch.save(network.state_dict(), path)
    rows = vggish.build(VggishParameters(weights=path, pca=pca), "cpu").embed(noise(2))
    with torch.inference_mode():
        raw = network(noise(2)[:, None]).numpy().astype(np.float64)
    expected = np.round((np.clip(0.3 * (raw - 2.0), -2, 2) + 2) * 255 / 4)
    assert rows.dtype == torch.float32
    assert rows.shape == (2, 1, 128)
    # A value may round the other way where the two sums differ in their last bit.
    assert np.abs(rows[:, 0].numpy() - expected).max() <= 1
    assert (rows[:, 0].numpy() == expected).mean() > 0.99
    assert len(np.unique(expected)) > 20


def built(pca, tmp_path, **options):
    network = VGG(make_layers(), postprocess=False).eval()
    initialise(network, seed=2)
    torch.save(network.state_dict(), tmp_path / "vggish.pth")
    parameters = VggishParameters(weights=tmp_path / "vggish.pth", pca=pca, **options)
    return network, vggish.build(parameters, "cpu").embed(noise(2))[:, 0].numpy()


def test_rows_that_are_not_quantised_are_those_of_the_pca(tmp_path, pca):
    network, rows = built(pca, tmp_path, quantise=False)
    with torch.inference_mode():
        raw = network(noise(2)[:, None]).numpy()
    np.testing.assert_allclose(rows, 0.3 * (raw - 2.0), atol=1e-4)
    assert rows.max() > 2


def test_without_the_last_relu_embeddings_are_those_before_it(tmp_path, pca):
    network, rows = built(pca, tmp_path, quantise=False, last_relu=False)
    network.embeddings = network.embeddings[:-1]
    with torch.inference_mode():
        before = network(noise(2)[:, None]).numpy()
    assert (before < 0).mean() > 0.3
    np.testing.assert_allclose(rows, 0.3 * (before - 2.0), atol=1e-4)


def test_values_of_quantised_rows_are_divided_for_a_model_and_raw_ones_are_not(pca):
    assert VggishParameters(weights="random", pca=pca).scale == 1 / 255
    assert VggishParameters(weights="random", pca=pca, quantise=False).scale == 1


@pytest.mark.parametrize("hop", [0.48, 1.0])
def test_examples_begin_at_every_hop(hop):
    whole = sound(64_000)
    windows = list(vggish.examples([whole], hop))
    assert [window.start for window in windows] == pytest.approx(
        [hop * index for index in range(len(windows))]
    )
    assert all(window.end - window.start == pytest.approx(0.96) for window in windows)
    assert len(windows) == int((4 - 0.975) / hop) + 1
    first = round(hop * 16_000)
    expected = waveform_to_examples(whole[first : first + 15_600], 16_000, return_tensor=False)[0]
    np.testing.assert_allclose(windows[1].data, expected, atol=1e-6)


def test_a_batch_of_one_keeps_its_axis(extractor):
    assert (extractor.width, extractor.rows_per_window) == (128, 1)
    assert extractor.embed(noise(1)).shape == (1, 1, 128)


@pytest.mark.skipif(not REAL_PCA.exists(), reason="the published PCA parameters are not beside the project")
def test_the_published_pca_parameters_load():
    eigenvectors, means = vggish.load_pca(REAL_PCA)
    assert eigenvectors.shape == (128, 128)
    assert means.shape == (128,)
    with np.load(REAL_PCA) as published:
        np.testing.assert_allclose(eigenvectors, published["pca_eigen_vectors"], rtol=1e-6)
        np.testing.assert_allclose(means, published["pca_means"].ravel(), rtol=1e-6)


def test_pca_parameters_load_from_a_pytorch_file_too(tmp_path):
    state = {"pca_eigen_vectors": torch.rand(128, 128), "pca_means": torch.rand(128, 1)}
    torch.save(state, tmp_path / "pca.pth")
    eigenvectors, means = vggish.load_pca(tmp_path / "pca.pth")
    assert torch.equal(eigenvectors, state["pca_eigen_vectors"])
    assert torch.equal(means, state["pca_means"][:, 0])


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        (
            {"pca_eigen_vectors": np.eye(64), "pca_means": np.zeros(128)},
            r"pca_eigen_vectors \[128, 128\], found \[64, 64\]",
        ),
        (
            {"pca_eigen_vectors": np.eye(128), "pca_means": np.zeros((1, 128))},
            r"pca_means \[128\] or \[128, 1\], found \[1, 128\]",
        ),
        ({"pca_eigen_vectors": np.eye(128)}, r"pca_means .*, found only \['pca_eigen_vectors'\]"),
    ],
)
def test_wrong_pca_parameters_are_refused_naming_the_file(tmp_path, arrays, message):
    np.savez(tmp_path / "pca.npz", **arrays)
    with pytest.raises(ValueError, match=r"pca\.npz: expected " + message):
        vggish.load_pca(tmp_path / "pca.npz")


def test_a_pca_file_that_is_absent_or_damaged_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"absent\.npz"):
        vggish.load_pca(tmp_path / "absent.npz")
    for content in (b"not an archive", b"PK\x03\x04 nor this"):
        (tmp_path / "damaged.npz").write_bytes(content)
        with pytest.raises(ValueError, match=r"damaged\.npz"):
            vggish.load_pca(tmp_path / "damaged.npz")


@pytest.mark.parametrize("samples", [15_600, 30_959, 30_960, 30_961, 100_000])
@pytest.mark.parametrize("blocks", [1, 2, 50])
def test_examples_of_a_stream_are_those_of_the_reference_front_end_on_the_whole_sound(samples, blocks):
    windows = list(vggish.examples(np.array_split(sound(samples), blocks)))
    expected = waveform_to_examples(sound(samples), 16_000).detach().numpy()[:, 0]
    assert len(windows) == len(expected)
    for index, window in enumerate(windows):
        assert window.data.dtype == np.float32
        np.testing.assert_allclose(window.data, expected[index], rtol=1e-6, atol=1e-6)
        assert window.start == pytest.approx(0.96 * index)
        assert window.end == pytest.approx(0.96 * (index + 1))


@pytest.mark.parametrize(("samples", "end"), [(15_599, 0.96), (8_000, 0.5)])
def test_a_short_sound_is_padded_with_silence_to_one_example(samples, end):
    (window,) = vggish.examples([sound(samples)])
    assert window.data.shape == (96, 64)
    assert (window.start, window.end) == (0, end)
    padded = np.concatenate([sound(samples), np.zeros(15_600 - samples, dtype=np.float32)])
    np.testing.assert_array_equal(
        window.data, waveform_to_examples(padded, 16_000, return_tensor=False)[0].astype("f4")
    )


def test_no_sound_gives_no_example():
    assert list(vggish.examples([])) == list(vggish.examples([sound(0)])) == []


def test_windows_are_read_from_a_file_at_16_khz(tmp_path, pca):
    path = tmp_path / "tone.wav"
    tone = (8_192 * np.sin(2 * np.pi * 1_000 * np.arange(16_000 * 2) / 16_000)).astype(np.int16)
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(16_000)
        file.writeframes(tone.tobytes())
    windows = list(vggish.windows(path, VggishParameters(weights="random", pca=pca), "pyav"))
    assert len(windows) == 2
    expected = waveform_to_examples(tone / 32_768, 16_000, return_tensor=False)
    np.testing.assert_allclose(windows[1].data, expected[1], atol=1e-5)


def test_weights_of_another_shape_are_refused_by_name(tmp_path, pca):
    state = VGG(make_layers(), postprocess=False).state_dict()
    state["embeddings.4.weight"] = torch.zeros(64, 4096)
    torch.save(state, tmp_path / "vggish.pth")
    with pytest.raises(
        ValueError, match=r"embeddings\.4\.weight: expected shape \[128, 4096\], found \[64, 4096\]"
    ):
        vggish.build(VggishParameters(weights=tmp_path / "vggish.pth", pca=pca), "cpu")


def test_a_window_is_embedded_alike_whatever_its_neighbours(extractor):
    window = noise(1, seed=1)
    first = extractor.embed(torch.cat([window, noise(3, seed=2)]))[0]
    again = extractor.embed(torch.cat([window, noise(3, seed=3)]))[0]
    assert torch.equal(first, again)


def test_bfloat16_stays_close_to_float32(extractor, pca):
    exact = extractor.embed(noise(2))
    rounded = vggish.build(VggishParameters(weights="random", pca=pca, precision="bfloat16"), "cpu").embed(
        noise(2)
    )
    assert rounded.dtype == torch.float32
    assert torch.equal(rounded, rounded.round())
    assert not torch.equal(rounded, exact)
    assert (rounded - exact).abs().mean() < 3
