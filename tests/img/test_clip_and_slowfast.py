"""CLIP's and SlowFast's rows of one video, computed by small networks, as one stream."""

from pathlib import Path

import numpy as np
import pytest
from feature_folders import write_features
from media import write_frames
from pytorchvideo.models.slowfast import create_slowfast

from extractors.kinds.clip.network import build_tower
from extractors.kinds.clip.parameters import TowerSizes
from extractors.kinds.slowfast.network import build_network
from extractors.media.batching import Features, embed_videos
from extractors.media.decoding import Decoded, Finished
from extractors.registry import parse
from extractors.storage.store import Store
from img.data.clips.merged_folder import MergedFeatures

CLIP_WIDTH, SLOWFAST_WIDTH = 24, 576


def extract(name: str, video: Path) -> Features:
    """Computes a video's rows by the preset of Charades-STA, with a small network in the kind's place."""
    settings = {"kind": name, "preset": "cg_detr", "weights": "random", "shorter_side": 32, "crop": 32}
    kind, parameters = parse(settings)
    if name == "clip":
        extractor = build_tower(TowerSizes(2, 64, 2, 16, CLIP_WIDTH), parameters, "cpu")  # type: ignore[arg-type]
    else:
        network = create_slowfast(
            model_depth=18,
            stem_dim_outs=(16, 2),
            model_num_class=4,
            head_pool_kernel_sizes=((8, 1, 1), (32, 1, 1)),
            slowfast_fusion_conv_kernel_size=(7, 1, 1),
        )
        extractor = build_network(network, SLOWFAST_WIDTH, parameters, "cpu")  # type: ignore[arg-type]
    windows = kind.load_reader()(video, parameters, "pyav")
    events = [*(Decoded(0, window) for window in windows), Finished(0, "pyav")]
    features = dict(embed_videos(extractor, events, batch_size=2))[0]
    assert isinstance(features, Features)
    return features


@pytest.fixture(scope="module")
def extracted(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Features]:
    """Rows of 58 frames at 25 a second, 2.32 s: two of CLIP, three of SlowFast, the last one filled."""
    video = write_frames(tmp_path_factory.mktemp("video") / "v.mp4", "libx264", 58, bf="0")
    return {name: extract(name, video) for name in ("slowfast", "clip")}


def merge(extracted: dict[str, Features], root: Path, **rules: str) -> tuple[MergedFeatures, np.ndarray]:
    store = Store(root / "store")
    parts = tuple(
        write_features(root / name, store, {"v": features.array}, row_seconds={"v": features.row_seconds})
        for name, features in extracted.items()
    )
    merged = MergedFeatures(parts, **rules)  # type: ignore[arg-type]
    return merged, merged.load("v", store)


def test_slowfast_has_a_row_more_where_a_clip_is_less_than_half_full(extracted: dict[str, Features]) -> None:
    assert extracted["clip"].array.shape == (2, CLIP_WIDTH)
    assert extracted["slowfast"].array.shape == (3, SLOWFAST_WIDTH)
    assert extracted["clip"].row_seconds == [(0, 1), (1, 2)]
    np.testing.assert_allclose(extracted["slowfast"].row_seconds, [(0, 1), (1, 2), (2, 70 / 30)])


def test_cut_to_the_shortest_keeps_each_rows_second(extracted: dict[str, Features], tmp_path: Path) -> None:
    merged, rows = merge(extracted, tmp_path, merge="cut_to_shortest", normalise="l2")
    assert rows.shape == (2, SLOWFAST_WIDTH + CLIP_WIDTH) == (merged.rows["v"].rows, merged.width)
    slowfast, clip = rows[:, :SLOWFAST_WIDTH], rows[:, SLOWFAST_WIDTH:]
    np.testing.assert_allclose(np.linalg.norm(slowfast, axis=1), 1, rtol=1e-4)
    np.testing.assert_allclose(np.linalg.norm(clip, axis=1), 1, rtol=1e-4)
    directions = extracted["slowfast"].array[:2]
    np.testing.assert_allclose(slowfast * np.linalg.norm(directions, axis=1)[:, None], directions, rtol=1e-3)
    np.testing.assert_allclose(merged.row_seconds("v"), [(0, 1), (1, 2)])


def test_brought_to_the_last_one_clips_rows_stay_as_they_are(
    extracted: dict[str, Features], tmp_path: Path
) -> None:
    merged, rows = merge(extracted, tmp_path, merge="bring_to_last")
    assert rows.shape == (2, SLOWFAST_WIDTH + CLIP_WIDTH)
    np.testing.assert_array_equal(rows[:, SLOWFAST_WIDTH:], extracted["clip"].array)
    assert merged.rows["v"].rows == 2
