import os
import subprocess
import sys
import wave
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from extractors.kinds.pann import network as pann
from extractors.kinds.pann.parameters import PannParameters
from extractors.registry import KINDS

pytestmark = pytest.mark.slow

SHORTEST = 9_920

# Runs in a process of its own, whose home is a fresh folder.
BUILD_UNDER_GUARD = """
import os, socket, subprocess, sys

def refuse(*arguments, **settings):
    raise AssertionError(f"reached outside: {arguments}")

os.system = subprocess.Popen = subprocess.run = socket.create_connection = refuse
socket.socket.connect = refuse

import torch
from extractors.kinds.pann import network as pann
from extractors.kinds.pann.parameters import PannParameters

extractor = pann.build(PannParameters(weights="random"), "cpu")
assert extractor.embed(torch.zeros(1, 9920)).shape == (1, 1, 2048)
assert "panns_inference" not in sys.modules
assert "matplotlib" not in sys.modules
import matplotlib
assert matplotlib.__version__
"""


def noise(windows: int, samples: int = SHORTEST, seed: int = 0) -> torch.Tensor:
    return 0.1 * torch.randn(windows, samples, generator=torch.Generator().manual_seed(seed))


@pytest.fixture(scope="module")
def extractor():
    return pann.build(PannParameters(weights="random"), "cpu")


def test_building_reaches_neither_network_nor_home_nor_a_subprocess(tmp_path):
    home = tmp_path / "home"
    home.mkdir()
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith(("XDG_", "MPL", "NUMBA_"))
    } | {"HOME": str(home), "MPLCONFIGDIR": str(tmp_path / "matplotlib"), "PYTHONDONTWRITEBYTECODE": "1"}
    project = Path(__file__).parents[2]
    subprocess.run(
        [sys.executable, "-c", BUILD_UNDER_GUARD], check=True, cwd=project, env=environment, timeout=120
    )
    assert list(home.rglob("*")) == []


def test_plotting_is_put_back_where_it_was(monkeypatch):
    marker = object()
    monkeypatch.setitem(sys.modules, "matplotlib", marker)
    monkeypatch.delitem(sys.modules, "matplotlib.pyplot", raising=False)
    with pann._without_plotting():
        assert sys.modules["matplotlib"] is marker
        assert "matplotlib.pyplot" in sys.modules
    assert sys.modules["matplotlib"] is marker
    assert "matplotlib.pyplot" not in sys.modules


@pytest.mark.parametrize("samples", [SHORTEST, 32_000])
def test_a_window_gives_one_row(extractor, samples):
    assert (extractor.width, extractor.rows_per_window) == (2048, 1)
    rows = extractor.embed(noise(3, samples))
    assert rows.shape == (3, 1, 2048)
    assert rows.dtype == torch.float32
    assert rows.isfinite().all()


def test_rows_are_the_embedding_of_the_reference_network(tmp_path):
    torch.manual_seed(0)
    network = pann._networks().Cnn14(32_000, 1024, 320, 64, 50, 14_000, 527).eval()
    path = tmp_path / "Cnn14.pth"
    torch.save({"iteration": 1, "model": network.state_dict()}, path)
    with torch.inference_mode():
        expected = network(noise(2))["embedding"]
    rows = pann.build(PannParameters(weights=path), "cpu").embed(noise(2))
    torch.testing.assert_close(rows[:, 0], expected, rtol=1e-4, atol=1e-5)


def test_weights_of_another_shape_are_refused_by_name(tmp_path):
    state = pann._networks().Cnn14(32_000, 1024, 320, 64, 50, 14_000, 527).state_dict()
    state["fc1.weight"] = torch.zeros(2048, 512)
    torch.save({"model": state}, tmp_path / "Cnn14.pth")
    with pytest.raises(ValueError, match=r"fc1\.weight: expected shape \[2048, 2048\], found \[2048, 512\]"):
        pann.build(PannParameters(weights=tmp_path / "Cnn14.pth"), "cpu")


def test_random_weights_leave_the_spectrogram_intact(extractor):
    basis = extractor._network.network.spectrogram_extractor.module.stft.conv_real.weight[:, 0]
    time = np.arange(1024)
    hann = 0.5 - 0.5 * np.cos(2 * np.pi * time / 1024)
    expected = np.cos(2 * np.pi * 5 * time / 1024) * hann
    np.testing.assert_allclose(basis[5].numpy(), expected, atol=1e-5)


def test_random_weights_keep_the_scale_of_activations(extractor):
    assert 0.2 < extractor.embed(noise(2)).std() < 5


def test_a_window_is_embedded_alike_whatever_its_neighbours(extractor):
    window = noise(1, seed=1)
    first = extractor.embed(torch.cat([window, noise(3, seed=2)]))[0]
    again = extractor.embed(torch.cat([window, noise(3, seed=3)]))[0]
    assert torch.equal(first, again)


def test_bfloat16_stays_close_to_float32(extractor):
    exact = extractor.embed(noise(2))
    rounded = pann.build(PannParameters(weights="random", precision="bfloat16"), "cpu").embed(noise(2))
    assert rounded.dtype == torch.float32
    assert not torch.equal(rounded, exact)
    assert F.cosine_similarity(rounded.flatten(), exact.flatten(), dim=0) > 0.999


def test_the_reader_brings_no_torch_into_decoding_processes():
    code = """
import sys
from extractors.registry import KINDS
KINDS["pann"].load_reader()
assert "torch" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", code], check=True, cwd=Path(__file__).parents[2])


def test_windows_are_cut_at_32_khz_and_padded_to_one_length(tmp_path):
    path = tmp_path / "tone.wav"
    tone = np.full(8_000 * 2 + 6_000, 8_192, dtype=np.int16)
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8_000)
        file.writeframes(tone.tobytes())
    windows = list(KINDS["pann"].load_reader()(path, PannParameters(weights="random"), "pyav"))
    assert [(window.start, window.end) for window in windows] == [(0.0, 1.0), (1.0, 2.0), (2.0, 2.75)]
    assert {window.data.shape for window in windows} == {(32_000,)}
    assert windows[0].data[16_000] == pytest.approx(0.25, abs=1e-3)
    assert not windows[2].data[24_000:].any()
