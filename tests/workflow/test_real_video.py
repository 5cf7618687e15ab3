"""The whole DAG on two real ActivityNet videos with their real captions, from mp4 to metrics.json."""

import json
from dataclasses import replace

import av
import numpy as np
import pytest
from project import AS_ANNOTATED, SHARED, Project, new_project
from safetensors.numpy import load_file

from extractors.rows import pool

DATA = SHARED / "data" / "activitynet_mini"
PCA = SHARED / "data" / "weights" / "vggish_pca_params.npz"
VIDEOS = ("v_GGSY1Qvo990", "v_ZNVhz7ctTq0")
NAME = "activitynet_mini"
DATASET = {
    "annotations": {
        "format": "activitynet_captions",
        "splits": {
            "train": str(DATA / "train.json"),
            "test": str(DATA / "val_1.json"),
            "val_2": str(DATA / "val_2.json"),
        },
    },
    "videos": str(DATA / "videos"),
    "extractors": {
        "i3d": {"kind": "i3d", "preset": "activitynet", "weights": "random"},
        "vggish": {"kind": "vggish", "weights": "random", "pca": str(PCA)},
    },
    "streams": {"visual": "i3d", "audio": "vggish"},
    "model": {"width": 16, "heads": 2},
    "training": {"epochs": 2},
    "seeds": [0],
}

pytestmark = [
    pytest.mark.workflow,
    pytest.mark.slow,
    pytest.mark.skipif(not DATA.is_dir() or not PCA.is_file(), reason=f"{DATA} or {PCA} is absent"),
]


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> Project:
    """A project that knows the dataset by one YAML file, and its metrics."""
    project = replace(new_project(tmp_path_factory.mktemp("real") / "project", DATASET, NAME), tiny=False)
    project.make(f"results/{NAME}/metrics.json")
    return project


def read_features(project: Project, extractor: str, video: str) -> tuple[np.ndarray, dict]:
    path = project.path(f"results/{NAME}/features/{extractor}/{video}.npy")
    return np.load(path, allow_pickle=False), json.loads(path.with_suffix(".json").read_text())


@pytest.mark.parametrize("video", VIDEOS)
def test_visual_rows_are_the_published_windows_of_16_every_16_at_the_native_rate(made, video):
    with av.open(str(DATA / "videos" / f"{video}.mp4")) as container:
        times = np.array([frame.time for frame in container.decode(video=0)])
    times -= times[0]
    # The published rule: no window holds the last frame; one cut short by that is moved back to full length.
    ends = [min(len(times) - 1, start + 16) for start in range(0, len(times), 16)]
    array, made_of = read_features(made, "i3d", video)
    assert array.shape == (len(ends), 1024)
    assert array.dtype == np.float32
    assert np.isfinite(array).all()
    np.testing.assert_allclose(
        made_of["row_seconds"], [(times[end - 16], times[end]) for end in ends], atol=1e-3
    )
    assert made_of["parameters"]["crop"] == 224
    assert made_of["parameters"]["frame_rate"] is None


@pytest.mark.parametrize("video", VIDEOS)
def test_audio_rows_are_whole_numbers_for_every_096_seconds(made, video):
    with av.open(str(DATA / "videos" / f"{video}.mp4")) as container:
        frames = list(container.decode(audio=0))
    with av.open(str(DATA / "videos" / f"{video}.mp4")) as container:
        first_picture = next(container.decode(video=0)).time
    seconds = frames[-1].time + frames[-1].samples / frames[-1].sample_rate - first_picture
    # An example is 0.975 s long and the next begins 0.96 s later; an incomplete one is dropped.
    rows = int((seconds - 0.975) // 0.96) + 1
    array, made_of = read_features(made, "vggish", video)
    assert array.shape == (rows, 128)
    assert (array == array.round()).all()
    assert array.min() >= 0
    assert array.max() <= 255
    assert len(np.unique(array)) > 50
    np.testing.assert_allclose(
        made_of["row_seconds"], [(0.96 * row, 0.96 * (row + 1)) for row in range(rows)], atol=1e-6
    )


def test_assembled_inputs_are_the_features_with_sound_scaled_by_255(made):
    folder = made.path(f"results/{NAME}/inputs/i3d+vggish")
    inputs, index = (
        load_file(folder / "features.safetensors"),
        json.loads((folder / "index.json").read_text()),
    )
    assert set(index["videos"]) == set(VIDEOS)
    for video, place in index["videos"].items():
        visual, _ = read_features(made, "i3d", video)
        audio, _ = read_features(made, "vggish", video)
        rows = slice(place["first"], place["first"] + place["clips"])
        assert place["reach"] == {"audio": place["clips"]}
        np.testing.assert_array_equal(inputs["visual"][rows], visual)
        np.testing.assert_allclose(inputs["audio"][rows], pool(audio, len(visual)) / 255, rtol=1e-5)
    assert 0.5 < inputs["audio"].max() <= 1


def test_metrics_are_there_for_both_test_splits(made):
    metrics = json.loads(made.path(f"results/{NAME}/metrics.json").read_text())
    assert metrics["simulated"] is False
    for split, queries in (("train", 2), ("test", 3), ("val_2", 3)):
        assert metrics["coverage"][split] == {
            "videos": 1,
            "videos_used": 1,
            "queries": queries,
            "used": queries,
            "without_sound": 0,
            "share_heard": 1.0,
            **AS_ANNOTATED,
            "left_out": {},
        }
    protocols = metrics["variants"]["img"]["protocols"]
    assert set(protocols) == {"last", "best_on_test"}
    for splits in protocols.values():
        assert set(splits) == {"test", "val_2"}
        for branches in splits.values():
            assert set(branches) == {"fusion", "visual", "audio", "auto"}
            for scores in branches.values():
                recalls = {f"R{n}@{threshold}" for n in (1, 5) for threshold in (0.3, 0.5, 0.7)}
                assert set(scores) == {*recalls, "mIoU"}
                assert all(0 <= score["mean"] <= 100 for score in scores.values())


def test_a_second_run_has_nothing_to_do(made):
    assert made.make(f"results/{NAME}/metrics.json").did_nothing
