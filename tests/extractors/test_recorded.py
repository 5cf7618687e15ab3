"""Recorded outputs: features that change without a raised code version would poison every store.

Where a test here fails, the features of a kind have changed. If it is meant: raise the kind's `code_version`
in `extractors/registry.py` and record the new numbers (they are printed on failure).
"""

import zlib

import numpy as np
import pytest
from media import write_sound, write_video

from extractors.kinds.eva_clip.network import build_tower
from extractors.media.batching import embed_videos
from extractors.media.decoding import Decoded, Finished
from extractors.registry import parse

pytestmark = pytest.mark.slow

SECONDS = 3.2

SETTINGS = {
    "i3d": {"frame_rate": 12, "window": 16, "stride": 16, "shorter_side": 64, "crop": 64},
    "i3d_r50": {"shorter_side": 64, "crop": 64},
    "clip": {"clip_seconds": 1.0, "shorter_side": 64, "crop": 64, "crop_offset": "truncated"},
    "eva_clip": {"clip_seconds": 1.0, "shown": "start", "shorter_side": 56, "crop": 56},
    "image": {"shorter_side": 64, "crop": 64},
    "slowfast": {"preset": "cg_detr", "shorter_side": 64, "crop": 64},
    "pann": {},
    "vggish": {},
    "yamnet": {},
}

# The published tower takes 4 GB.
SMALL_EVA = {"depth": 2, "embed_dim": 64, "num_heads": 2}

# kind: (code version, shape, mean, standard deviation, the last row's weighted mean)
RECORDED: dict[str, tuple[int, tuple[int, int], float, float, float]] = {
    "i3d": (2, (3, 1024), 0.758286, 1.11826, 0.81188),
    "i3d_r50": (2, (2, 2048), 2.00951, 2.248, 2.0475),
    "clip": (1, (3, 512), 0.0104973, 1.43956, -0.0213409),
    "eva_clip": (1, (4, 24), 0.0994176, 1.29904, 0.435188),
    "image": (1, (3, 1280), 0.676335, 0.743715, 0.676578),
    "slowfast": (1, (4, 2304), 2.14738, 2.49781, 2.07011),
    "pann": (2, (3, 2048), 15.7544, 22.2872, 16.4661),
    "vggish": (2, (3, 128), 130.87, 105.295, 133.699),
    "yamnet": (1, (3, 1024), 0.270548, 0.291361, 0.276217),
}


def features_of(name, folder):
    """Features of a video whose frames are numbered pictures, or of a sweep from 200 Hz to 4 kHz."""
    settings = {"kind": name, "weights": "random", **SETTINGS[name]}
    if name == "vggish":
        direction = np.random.default_rng(0)
        np.savez(
            folder / "pca.npz",
            pca_eigen_vectors=np.linalg.qr(direction.standard_normal((128, 128)))[0].astype(np.float32),
            pca_means=np.zeros(128, np.float32),
        )
        settings["pca"] = folder / "pca.npz"
    kind, parameters = parse(settings)
    if kind.modality == "visual":
        path = write_video(folder / "a.mkv", np.arange(int(SECONDS * 24)) / 24, codec="ffv1")
    else:
        time = np.arange(int(SECONDS * 16000)) / 16000
        sweep = 0.5 * np.sin(2 * np.pi * (200 * time + (3800 / SECONDS) * time**2 / 2))
        path = write_sound(folder / "a.wav", sweep[None], 16000)
    windows = kind.load_reader()(path, parameters, kind.decoders[0])
    events = [*(Decoded(0, window) for window in windows), Finished(0, kind.decoders[0])]
    if name == "eva_clip":
        extractor = build_tower(SMALL_EVA, 24, parameters, "cpu")
    else:
        extractor = kind.load_extractor(parameters, "cpu")
    return kind, dict(embed_videos(extractor, events, batch_size=2))[0].array


@pytest.mark.parametrize("name", sorted(SETTINGS))
def test_features_are_those_recorded_for_the_code_version(name, tmp_path):
    kind, array = features_of(name, tmp_path)
    # No sign changes: a sum of opposites would be all rounding.
    weights = np.random.default_rng(zlib.crc32(name.encode())).random(array.shape[1])
    found = (
        kind.code_version,
        array.shape,
        array.mean(),
        array.std(),
        np.average(array[-1], weights=weights),
    )
    assert found[:2] == RECORDED[name][:2], found
    assert found[2:] == pytest.approx(RECORDED[name][2:], rel=2e-3), found
