import numpy as np
import pytest
import torch
from formula_weights import GOLDEN, fill
from media import write_sound, write_video

from extractors.jobs.extraction import Runtime
from extractors.jobs.outcomes import Delivery
from extractors.jobs.shard import Source, extract_shard
from extractors.kinds.clap import network as clap
from extractors.kinds.clap.parameters import ClapParameters
from extractors.provenance.explanation import as_text, explain
from extractors.registry import parse
from extractors.storage.files import read_json
from extractors.storage.store import Store

pytestmark = pytest.mark.slow

transformers = pytest.importorskip("transformers")


def save_tiny_clap(folder, band=(0, 14_000), fusion=False):
    """A ClapModel of a few hundred thousand weights, as a folder."""
    audio = transformers.ClapAudioConfig(
        patch_embeds_hidden_size=16,
        depths=[1, 1, 1, 1],
        num_attention_heads=[1, 2, 4, 8],
        hidden_size=128,
        enable_fusion=fusion,
        projection_dim=12,
    )
    text = transformers.ClapTextConfig(
        vocab_size=100,
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=32,
        projection_dim=12,
    )
    config = transformers.ClapConfig(
        text_config=text.to_dict(), audio_config=audio.to_dict(), projection_dim=12
    )
    model = fill(transformers.ClapModel(config), 1.0, ("logit_scale_a", "logit_scale_t"))
    model.save_pretrained(folder)
    low, high = band
    transformers.ClapFeatureExtractor(frequency_min=low, frequency_max=high).save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return save_tiny_clap(tmp_path_factory.mktemp("clap") / "tiny")


@pytest.fixture(scope="module")
def recorded():
    return np.load(GOLDEN / "clap_tiny.npz")


@pytest.fixture(scope="module")
def sounds():
    generator = np.random.default_rng(48)
    return [
        (0.1 * generator.standard_normal(samples)).astype(np.float32)
        for samples in (48_000, 336_000, 480_000)
    ]


@pytest.fixture(scope="module")
def spectra(folder, sounds):
    front = clap.load_front(folder)
    return np.stack([clap.spectrum(front, sound) for sound in sounds])


@pytest.mark.parametrize(("index", "name"), enumerate(("mel_1s", "mel_7s", "mel_10s")))
def test_spectra_are_those_recorded(spectra, recorded, index, name):
    assert spectra.dtype == np.float32
    assert spectra.shape == (3, 1001, 64)
    np.testing.assert_allclose(spectra[index, ::25], recorded[name], atol=1e-4)


@pytest.mark.parametrize(("output", "name"), [("pooled", "pooled"), ("projected", "audio")])
def test_rows_are_those_recorded(folder, spectra, recorded, output, name):
    extractor = clap.build(ClapParameters(weights=folder, output=output), "cpu")
    rows = extractor.embed(torch.from_numpy(spectra))
    assert rows.shape == (3, 1, extractor.width)
    np.testing.assert_allclose(rows[:, 0], recorded[name], atol=1e-5)
    alone = extractor.embed(torch.from_numpy(spectra[:1]))
    np.testing.assert_allclose(alone[0], rows[0], atol=1e-5)


def test_bfloat16_stays_close(folder, spectra):
    exact, rounded = (
        clap.build(ClapParameters(weights=folder, precision=precision), "cpu").embed(
            torch.from_numpy(spectra)
        )
        for precision in ("float32", "bfloat16")
    )
    assert not torch.equal(exact, rounded)
    assert (exact - rounded).abs().max() < 0.05


def test_a_shard_gives_a_row_for_each_window_and_tells_the_band(tmp_path):
    folder = save_tiny_clap(tmp_path / "model", band=(50, 14_000))
    time = np.arange(3 * 48_000) / 48_000
    path = write_sound(tmp_path / "tone.wav", 0.5 * np.sin(2 * np.pi * 440 * time)[None], 48_000)
    silent = write_video(tmp_path / "silent.mp4", [0.0, 0.5])
    kind, parameters = parse({"kind": "clap", "weights": str(folder)})
    out = tmp_path / "out"
    sources = [Source("tone", path), Source("silent", silent)]
    delivery = Delivery(out, out / "manifest.tsv")
    counts = extract_shard(kind, parameters, sources, Store(tmp_path / "store"), delivery, Runtime())
    assert (counts.computed, counts.absent, counts.failed) == (1, 1, [])
    rows = np.load(out / "tone.npy")
    assert rows.shape == (3, 12)
    np.testing.assert_allclose(np.linalg.norm(rows, axis=1), 1, atol=1e-5)
    made = read_json(out / "tone.json")
    assert made["model"] == {"frequency_min": 50, "frequency_max": 14_000}
    assert made["row_seconds"] == [[0, 1], [1, 2], [2, 3]]
    assert made["libraries"]["transformers"] == transformers.__version__
    assert "frequency_min 50, frequency_max 14000" in as_text(explain(out / "tone.npy"))


def test_another_band_gives_other_spectra(tmp_path, folder, sounds, spectra):
    other = save_tiny_clap(tmp_path / "other", band=(50, 14_000))
    assert np.abs(clap.spectrum(clap.load_front(other), sounds[0]) - spectra[0]).max() > 0.1


def test_a_checkpoint_that_fuses_is_refused(tmp_path):
    folder = save_tiny_clap(tmp_path / "fused", fusion=True)
    with pytest.raises(ValueError, match="expected a ClapModel without fusion, found enable_fusion: true"):
        clap.build(ClapParameters(weights=folder), "cpu")


def test_a_folder_without_a_model_is_refused(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"expected a folder with a model .*config\.json"):
        clap.build(ClapParameters(weights=tmp_path), "cpu")
    with pytest.raises(ValueError, match=r"window_seconds: .*10.*found 11"):
        parse({"kind": "clap", "weights": "a", "window_seconds": 11.0})
