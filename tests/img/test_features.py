from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from feature_folders import write_features
from safetensors.numpy import load_file

from extractors.rows import pool
from extractors.storage.store import Store
from img.config.dataset import InputOptions
from img.data.clips.assembly import assemble
from img.data.clips.feature_folder import FeatureFolder
from img.data.clips.inputs import Inputs, VideoInputs

RNG = np.random.default_rng(0)
VISUAL: dict[str, np.ndarray | str] = {
    "long": RNG.standard_normal((10, 3)).astype(np.float32),
    "short": 5 + 2 * RNG.standard_normal((3, 3)).astype(np.float32),
    "test": 9 + RNG.standard_normal((4, 3)).astype(np.float32),
    "gone": "missing",
}
AUDIO: dict[str, np.ndarray | str] = {
    "long": RNG.integers(0, 256, (7, 2)).astype(np.uint8),
    "short": "no_audio",
    "test": RNG.integers(0, 256, (9, 2)).astype(np.uint8),
    "gone": RNG.integers(0, 256, (9, 2)).astype(np.uint8),
}


def queries_of(videos: Mapping[str, str], faulty: tuple[str, ...] = ()) -> pd.DataFrame:
    """A query for each video -> split."""
    fault = ["bad" if video in faulty else "" for video in videos]
    return pd.DataFrame({"video": list(videos), "split": list(videos.values()), "fault": fault})


QUERIES = queries_of({"long": "train", "short": "train", "test": "test", "gone": "train"})


def folders(
    root: Path,
    visual: Mapping[str, np.ndarray | str] = VISUAL,
    audio: Mapping[str, np.ndarray | str] = AUDIO,
    scale: float = 1.0,
) -> tuple[FeatureFolder, FeatureFolder, Store]:
    store = Store(root / "store")
    return (
        write_features(root / "visual", store, visual),
        write_features(root / "audio", store, audio, scale),
        store,
    )


def assembled(
    root: Path, options: InputOptions, queries: pd.DataFrame = QUERIES, **changes: object
) -> Inputs:
    visual, audio, store = folders(root, **changes)  # type: ignore[arg-type]
    assemble(queries, {"visual": visual, "audio": audio}, options, store, root / "inputs")
    return Inputs.load(root / "inputs")


def array(videos: Mapping[str, np.ndarray | str], video: str) -> np.ndarray:
    found = videos[video]
    assert isinstance(found, np.ndarray)
    return found


def rows_of(inputs: Inputs, stream: str, video: str) -> np.ndarray:
    values: np.ndarray = inputs.streams[stream][inputs.videos[video].rows].numpy()
    return values


def test_clips_are_pooled_and_sound_is_aligned_to_them(tmp_path: Path) -> None:
    inputs = assembled(tmp_path, InputOptions(max_clips=6))
    assert {name: replace(video, sha256="") for name, video in inputs.videos.items()} == {
        "long": VideoInputs(0, 6, {"audio": 6}),
        "short": VideoInputs(6, 3, {"audio": 0}),
        "test": VideoInputs(9, 4, {"audio": 4}),
    }
    assert [(name, tuple(values.shape)) for name, values in inputs.streams.items()] == [
        ("visual", (13, 3)),
        ("audio", (13, 2)),
    ]
    assert inputs.widths == {"visual": 3, "audio": 2}
    np.testing.assert_array_equal(rows_of(inputs, "visual", "long"), pool(array(VISUAL, "long"), 6))
    np.testing.assert_array_equal(rows_of(inputs, "visual", "short"), VISUAL["short"])
    for video, clips in (("long", 6), ("test", 4)):
        expected = pool(array(AUDIO, video).astype(np.float32), clips)
        np.testing.assert_array_equal(rows_of(inputs, "audio", video), expected)


def test_a_video_without_sound_has_zeros_and_says_so(tmp_path: Path) -> None:
    inputs = assembled(tmp_path, InputOptions(standardise=True))
    assert inputs.videos["short"].reach == {"audio": 0}
    np.testing.assert_array_equal(rows_of(inputs, "audio", "short"), np.zeros((3, 2)))


def test_sound_that_no_video_has_is_one_column_of_zeros(tmp_path: Path) -> None:
    inputs = assembled(tmp_path, InputOptions(), audio=dict.fromkeys(VISUAL, "no_audio"))
    np.testing.assert_array_equal(inputs.streams["audio"], np.zeros((17, 1)))
    assert {video.reach["audio"] for video in inputs.videos.values()} == {0}
    assert inputs.reads["streams"]["audio"] == []


def test_stored_sound_is_multiplied_with_its_kinds_scale(tmp_path: Path) -> None:
    inputs = assembled(tmp_path, InputOptions(), scale=1 / 255)
    expected = pool(array(AUDIO, "test").astype(np.float32) / 255, 4)
    np.testing.assert_allclose(rows_of(inputs, "audio", "test"), expected, rtol=1e-6)
    assert inputs.streams["audio"].max() <= 1


def test_standardisation_uses_the_training_videos_alone(tmp_path: Path) -> None:
    faulty = queries_of({"long": "train", "short": "train", "test": "test", "odd": "train"}, faulty=("odd",))
    visual = {**VISUAL, "odd": np.full((5, 3), 100, np.float32)}
    inputs = assembled(tmp_path, InputOptions(standardise=True), queries=faulty, visual=visual)
    training = np.concatenate([array(VISUAL, "long"), array(VISUAL, "short")]).astype(np.float64)
    mean, deviation = training.mean(axis=0), training.std(axis=0)
    for video in ("long", "short", "test", "odd"):
        expected = (array(visual, video) - mean) / deviation
        np.testing.assert_allclose(rows_of(inputs, "visual", video), expected, rtol=1e-5, atol=1e-6)
    sound = pool(array(AUDIO, "long").astype(np.float32), 10).astype(np.float64)
    expected = (pool(array(AUDIO, "test").astype(np.float32), 4) - sound.mean(axis=0)) / sound.std(axis=0)
    np.testing.assert_allclose(rows_of(inputs, "audio", "test"), expected, rtol=1e-5, atol=1e-6)


def test_the_statistics_are_kept_and_standardise_a_further_video_alike(tmp_path: Path) -> None:
    plain = assembled(tmp_path / "plain", InputOptions())
    found = assembled(tmp_path / "standardised", InputOptions(standardise=True))
    assert plain.standardisation == {}
    assert set(found.standardisation) == {"visual", "audio"}
    for stream, videos in (("visual", ("long", "short", "test")), ("audio", ("long", "test"))):
        for video in videos:
            again = found.standardisation[stream].apply(rows_of(plain, stream, video))
            np.testing.assert_array_equal(again, rows_of(found, stream, video))
    silent = assembled(
        tmp_path / "silent", InputOptions(standardise=True), audio=dict.fromkeys(VISUAL, "no_audio")
    )
    assert set(silent.standardisation) == {"visual"}


def test_a_value_that_never_changes_becomes_zero(tmp_path: Path) -> None:
    visual = {"long": np.array([[0.1, 1], [0.1, 3]], np.float32), "test": np.array([[0.1, 2]], np.float32)}
    inputs = assembled(tmp_path, InputOptions(standardise=True), visual=visual)
    np.testing.assert_allclose(inputs.streams["visual"], [[0, -1], [0, 1], [0, 0]], atol=1e-6)


def test_the_file_is_a_whole_safetensors_file(tmp_path: Path) -> None:
    inputs = assembled(tmp_path, InputOptions(max_clips=5, standardise=True))
    arrays = load_file(tmp_path / "inputs" / "features.safetensors")
    assert set(arrays) == {"visual", "audio"}
    assert {values.dtype for values in arrays.values()} == {np.dtype(np.float32)}
    np.testing.assert_array_equal(arrays["visual"], inputs.streams["visual"])
    np.testing.assert_array_equal(arrays["audio"], inputs.streams["audio"])
    assert sorted(path.name for path in (tmp_path / "inputs").iterdir()) == [
        "features.safetensors",
        "index.json",
    ]


def test_equal_content_has_an_equal_hash_and_other_content_another(tmp_path: Path) -> None:
    first = assembled(tmp_path / "a", InputOptions())
    again = assembled(tmp_path / "b", InputOptions())
    changed = array(AUDIO, "long").copy()
    changed[3, 1] += 1
    other = assembled(tmp_path / "c", InputOptions(), audio={**AUDIO, "long": changed})
    silent = assembled(tmp_path / "d", InputOptions(), audio={**AUDIO, "short": np.zeros((3, 2), np.uint8)})
    assert first.content_sha256 == again.content_sha256
    # The last one's tensors are equal to the first's; that a video has sound is content too.
    np.testing.assert_array_equal(silent.streams["audio"], first.streams["audio"])
    assert len({first.content_sha256, other.content_sha256, silent.content_sha256}) == 3


def test_no_features_at_all_are_refused_with_the_reason(tmp_path: Path) -> None:
    with pytest.raises(
        ValueError, match=r"visual: expected features of one width, found no features .*\(missing\)"
    ):
        assembled(tmp_path, InputOptions(), visual=dict.fromkeys(VISUAL, "missing"))


def test_features_of_two_widths_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"visual: expected features of one width, found \[3, 4\]"):
        assembled(tmp_path, InputOptions(), visual={**VISUAL, "test": np.zeros((4, 4), np.float32)})


def test_a_deleted_array_is_healed_from_the_store(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    visual, _, store = folders(tmp_path)
    (tmp_path / "visual" / "long.npy").unlink()
    np.testing.assert_array_equal(visual.load("long", store), VISUAL["long"])
    assert (tmp_path / "visual" / "long.npy").is_file()
    assert "long.npy: was lost or damaged, restored from the store" in caplog.text


def test_a_replaced_array_is_healed_from_the_store(tmp_path: Path) -> None:
    visual, _, store = folders(tmp_path)
    path = tmp_path / "visual" / "long.npy"
    path.unlink()
    path.write_bytes(b"half a fi")
    np.testing.assert_array_equal(visual.load("long", store), VISUAL["long"])


def test_an_array_damaged_in_the_store_too_is_refused_with_the_command_that_makes_it_again(
    tmp_path: Path,
) -> None:
    visual, _, store = folders(tmp_path)
    path = tmp_path / "visual" / "long.npy"
    path.chmod(0o644)
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    # The array and the store's are one file under two names.
    path.write_bytes(bytes(content))
    shard = tmp_path / "visual" / "shards" / "000.tsv"
    with pytest.raises(
        ValueError, match=r"long\.npy: expected the array of SHA-256 .*, found another"
    ) as error:
        visual.load("long", store)
    assert str(error.value).endswith(f"compute it again by: snakemake --cores 2 {shard} --forcerun {shard}")


def test_an_array_that_the_store_does_not_hold_is_refused(tmp_path: Path) -> None:
    visual, _, _ = folders(tmp_path)
    (tmp_path / "visual" / "long.npy").unlink()
    with pytest.raises(ValueError, match="found no file; compute it again by: snakemake"):
        visual.load("long", Store(tmp_path / "another"))


def test_an_entry_of_the_store_that_holds_another_array_heals_nothing(tmp_path: Path) -> None:
    visual, _, store = folders(tmp_path)
    (tmp_path / "visual" / "long.npy").unlink()
    (tmp_path / "visual" / "short.json").replace(tmp_path / "visual" / "long.json")
    with pytest.raises(ValueError, match="found no file; compute it again by: snakemake"):
        visual.load("long", store)
