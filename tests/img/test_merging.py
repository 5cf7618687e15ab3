"""Streams of several extractors, and more than two streams."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from feature_folders import RowSeconds, write_features

from extractors.storage.files import read_json
from extractors.storage.store import Store
from img.__main__ import main
from img.commands.arguments import read_streams
from img.config.dataset import InputOptions, read_datasets
from img.data.clips.assembly import assemble
from img.data.clips.feature_folder import FeatureFolder
from img.data.clips.inputs import Inputs
from img.data.clips.merged_folder import MergedFeatures, merge_features
from img.data.coverage import count_coverage, explain_absence, name_streams, read_coverage, write_coverage
from img.data.samples import Moments
from img.data.text.vocabulary import Vocabulary

PROJECT = Path(__file__).parents[2]
GOLDEN = PROJECT / ".." / "shared" / "reference" / "encoders" / "golden" / "merge.npz"
A = np.array([[3, 4], [0, 0], [6, 8], [1, 0]], np.float32)
B = np.array([[1], [2], [3]], np.float32)
VOCABULARY = Vocabulary(("a",), ("a",))


def folder(
    root: Path, name: str, array: np.ndarray | str, seconds: RowSeconds | None = None
) -> FeatureFolder:
    row_seconds = {"v": seconds} if seconds else {}
    return write_features(root / name, Store(root / "store"), {"v": array}, row_seconds=row_seconds)


def pair(root: Path, a: RowSeconds | None = None, b: RowSeconds | None = None) -> tuple[FeatureFolder, ...]:
    return folder(root, "a", A, a), folder(root, "b", B, b)


def every(hop: float, rows: int) -> RowSeconds:
    return [(hop * row, hop * (row + 1)) for row in range(rows)]


def merged(parts: tuple[FeatureFolder, ...], root: Path, most: int | None = None, **rules: Any) -> np.ndarray:
    features = MergedFeatures(parts, **rules)
    rows = features.load("v", Store(root / "store"), most)
    if most is None:
        assert rows.shape == (features.rows["v"].rows, features.rows["v"].width) == rows.shape
        assert features.width == rows.shape[1]
    return rows


def test_rows_stand_side_by_side_cut_to_the_shortest(tmp_path: Path) -> None:
    found = merged(pair(tmp_path), tmp_path)
    np.testing.assert_array_equal(found, [[3, 4, 1], [0, 0, 2], [6, 8, 3]])
    assert found.dtype == np.float32


def test_each_part_is_divided_by_its_own_norms(tmp_path: Path) -> None:
    found = merged(pair(tmp_path), tmp_path, normalise="l2")
    np.testing.assert_allclose(found, [[0.6, 0.8, 1], [0, 0, 1], [0.6, 0.8, 1]], rtol=2e-5)
    # One extractor alone may be normalised too.
    alone = merge_features(pair(tmp_path)[:1], "cut_to_shortest", "l2").load("v", Store(tmp_path / "store"))
    np.testing.assert_allclose(alone, [[0.6, 0.8], [0, 0], [0.6, 0.8], [1, 0]], rtol=2e-5)


def test_the_others_are_brought_to_the_last_ones_number(tmp_path: Path) -> None:
    # Bounds of 4 rows in 3: 0, 1, 3, 3.
    found = merged(pair(tmp_path), tmp_path, merge="bring_to_last")
    np.testing.assert_array_equal(found, [[3, 4, 1], [3, 4, 2], [1, 0, 3]])
    # The other way round a row is repeated: bounds of 3 rows in 4 are 0, 1, 2, 2.
    found = merged(pair(tmp_path)[::-1], tmp_path, merge="bring_to_last")
    np.testing.assert_array_equal(found[:, 0], [1, 2, 3, 3])
    np.testing.assert_array_equal(found[:, 1:], A)


def test_both_are_brought_straight_to_the_clips_where_the_last_has_more(tmp_path: Path) -> None:
    found = merged(pair(tmp_path), tmp_path, most=2, merge="bring_to_last")
    # Of A the mean of rows 0 and 1, and row 2 alone, as the rule leaves the last row out; of B likewise.
    np.testing.assert_allclose(found[:, :2], [[1.5, 2], [6, 8]])
    np.testing.assert_allclose(found[:, 2], [1.5, 3])


@pytest.mark.skipif(not GOLDEN.is_file(), reason=f"the recorded merges are not at {GOLDEN}")
@pytest.mark.parametrize("case", range(6))
def test_the_shipped_clip_and_slowfast_stream_is_the_authors(tmp_path: Path, case: int) -> None:
    """IMG's: CLIP pooled to the clips, SlowFast brought to it; Moment-DETR's: both normalised and cut."""
    golden = np.load(GOLDEN, allow_pickle=False)
    clip, slowfast, most = (golden[f"{case}_{name}"] for name in ("clip", "slowfast", "max"))
    shipped = read_datasets(PROJECT / "config" / "datasets")["charades_clip"].streams["visual"]
    assert shipped.extractors == ("slowfast", "clip")
    parts = folder(tmp_path, "slowfast", slowfast), folder(tmp_path, "clip", clip)
    rules = {"merge": shipped.merge, "normalise": shipped.normalise}
    found = merged(parts, tmp_path, most=int(most), **rules)
    # Means are in float32; the authors' loader rounds them to the float16 that the arrays are stored in.
    np.testing.assert_allclose(found, golden[f"{case}_img_visual"], rtol=1e-3, atol=1e-3)
    detr = merged(parts, tmp_path, normalise="l2")[:75]
    np.testing.assert_allclose(detr, golden[f"{case}_detr_visual"], rtol=0, atol=1e-6)


def test_what_ends_before_the_last_part_is_brought_to_its_seconds_not_stretched(tmp_path: Path) -> None:
    parts = folder(tmp_path, "a", A[:2], every(1, 2)), folder(tmp_path, "b", np.ones((4, 1)), every(1, 4))
    found = merged(parts, tmp_path, merge="bring_to_last")
    np.testing.assert_array_equal(found[:, :2], [[3, 4], [0, 0], [0, 0], [0, 0]])


def test_the_merged_rows_have_the_seconds_of_the_part_they_are_as_many_as(tmp_path: Path) -> None:
    parts = pair(tmp_path, every(1, 4), every(1, 3))
    for rule, seconds, rows in (("cut_to_shortest", 3.0, 3), ("bring_to_last", 3.0, 3)):
        features = MergedFeatures(parts, rule)  # type: ignore[arg-type]
        assert (features.rows["v"].seconds, features.rows["v"].rows) == (seconds, rows)
        np.testing.assert_array_equal(features.row_seconds("v"), every(1, 3))
    assert MergedFeatures(parts[::-1], "bring_to_last").rows["v"].seconds == 4.0


def test_rows_of_other_seconds_are_not_put_side_by_side(tmp_path: Path) -> None:
    parts = folder(tmp_path, "a", A, every(1, 4)), folder(tmp_path, "b", np.ones((4, 1)), every(2, 4))
    message = (
        r"expected rows of the same seconds .*, found row 3 of v at 3 s of a and 6 s of b; set merge: bring"
    )
    with pytest.raises(ValueError, match=message):
        merged(parts, tmp_path)
    # What is seen in 4 of 8 s: rows of 1 s become rows of 2 s, then there are none.
    np.testing.assert_array_equal(merged(parts, tmp_path, merge="bring_to_last")[:, 0], [1.5, 3.5, 0, 0])


def test_a_video_that_a_part_lacks_has_that_parts_status(tmp_path: Path) -> None:
    features = MergedFeatures((folder(tmp_path, "a", A), folder(tmp_path, "b", "failed: no frames")))
    assert (features.rows["v"].status, features.rows["v"].rows) == ("failed: no frames", 0)


def queries(videos: list[str]) -> pd.DataFrame:
    table = pd.DataFrame({"video": videos, "split": "train", "fault": "", "duration": 4.0})
    return table.assign(
        query=[f"q{n}" for n in range(len(table))], start=0.0, end=1.0, words=[["a"]] * len(table)
    )


def three_streams(root: Path, change: float = 0, videos: tuple[str, ...] = ("u", "v", "w")) -> Inputs:
    """Two extractors are seen, one is heard and one is said; `w` lacks the last, `u` all but the first."""
    store = Store(root / "store")

    def write(name: str, contents: dict[str, np.ndarray | str], hop: float) -> FeatureFolder:
        found = {video: content for video, content in contents.items() if video in videos}
        seconds = {v: every(hop, len(c)) for v, c in found.items() if not isinstance(c, str)}
        return write_features(root / name, store, found, row_seconds=seconds)

    four = np.arange(4, dtype=np.float32)[:, None] + 1
    seen = write("seen", {"u": four, "v": four, "w": four}, 1)
    frames = write("frames", {"u": -four, "v": -four, "w": -four}, 1)
    heard = write("heard", {"u": "no_audio", "v": 10 * four, "w": 10 * four[:2] + change}, 1)
    said = write("said", {"u": "missing", "v": 100 * four[:2], "w": "missing"}, 1)
    streams = {
        "visual": merge_features([seen, frames], "cut_to_shortest", "none"),
        "audio": heard,
        "speech": said,
    }
    table = queries(list(videos))
    assemble(table, streams, InputOptions(standardise=False), store, root / "inputs", {"speech": "share"})
    write_coverage(table, streams, {}, root / "coverage.tsv")
    return Inputs.load(root / "inputs")


def test_any_number_of_streams_lies_along_the_first_each_by_its_rule(tmp_path: Path) -> None:
    inputs = three_streams(tmp_path)
    assert inputs.widths == {"visual": 2, "audio": 1, "speech": 1}
    assert {video: dict(found.reach) for video, found in inputs.videos.items()} == {
        "u": {"audio": 0, "speech": 0},
        "v": {"audio": 4, "speech": 4},
        "w": {"audio": 2, "speech": 0},
    }
    batch = Moments(queries(["u", "v", "w"]), "train", inputs, VOCABULARY).batch(
        np.arange(3), np.random.default_rng(0)
    )
    assert list(batch.streams) == ["visual", "audio", "speech"]
    assert batch.streams["visual"].values[1].tolist() == [[1, -1], [2, -2], [3, -3], [4, -4]]
    # Heard for two seconds of four, by seconds; said in two rows, which share the four seconds.
    assert batch.streams["audio"].values[..., 0].tolist() == [[0] * 4, [10, 20, 30, 40], [10, 20, 0, 0]]
    assert batch.streams["speech"].values[..., 0].tolist() == [[0] * 4, [100, 100, 200, 200], [0] * 4]
    present = {name: stream.present.tolist() for name, stream in batch.streams.items()}
    assert present == {
        "visual": [True, True, True],
        "audio": [False, True, True],
        "speech": [False, True, False],
    }


def test_a_sample_is_complete_where_its_video_has_every_stream(tmp_path: Path) -> None:
    inputs, table = three_streams(tmp_path), queries(["u", "v", "w"])
    assert Moments(table, "train", inputs, VOCABULARY).complete.tolist() == [False, True, False]
    silent = Moments(table, "train", inputs, VOCABULARY, sound=False)
    assert not silent.complete.any()
    assert silent.batch(np.array([1]), np.random.default_rng(0)).streams["speech"].present.all()


def test_only_seen_videos_are_complete_and_have_no_sound_to_leave_out_or_disturb(tmp_path: Path) -> None:
    store = Store(tmp_path / "store")
    assemble(queries(["v"]), {"visual": folder(tmp_path, "a", A)}, InputOptions(), store, tmp_path / "inputs")
    inputs = Inputs.load(tmp_path / "inputs")
    assert Moments(queries(["v"]), "train", inputs, VOCABULARY).complete.tolist() == [True]
    with pytest.raises(ValueError, match=r"training\.sound: false: expected a stream called audio after"):
        Moments(queries(["v"]), "train", inputs, VOCABULARY, sound=False)
    with pytest.raises(ValueError, match=r"inference\.noisy_audio_share: expected a stream called audio"):
        Moments(queries(["v"]), "train", inputs, VOCABULARY, noisy_audio_share=0.5)


def test_what_was_read_is_written_down_for_a_further_video(tmp_path: Path) -> None:
    inputs = three_streams(tmp_path)
    described = {
        name: {
            "name": name,
            "extractor": {
                "kind": "features",
                "code_version": 1,
                "parameters": {"weights": f"sha256:{name}"},
            },
            "file_names": {},
            "width": 1,
            "scale": 1.0,
        }
        for name in ("seen", "frames", "heard", "said")
    }
    assert inputs.reads == {
        "streams": {
            "visual": [described["seen"], described["frames"]],
            "audio": [described["heard"]],
            "speech": [described["said"]],
        },
        "merges": {"visual": {"merge": "cut_to_shortest", "normalise": "none"}},
        "align": {"audio": "seconds", "speech": "share"},
        "options": {"max_clips": 128, "standardise": False},
        "standardisation": {},
    }
    index = read_json(tmp_path / "inputs" / "index.json")
    assert index["aligned_by"] == {"audio": {"seconds": 2}, "speech": {"share": 1}}


def test_the_content_of_some_videos_is_theirs_wherever_they_lie(tmp_path: Path) -> None:
    whole = three_streams(tmp_path / "a")
    part = three_streams(tmp_path / "b", videos=("v", "w"))
    changed = three_streams(tmp_path / "c", change=0.5)
    assert whole.videos["v"].first != part.videos["v"].first
    assert whole.content_of(["w", "v", "v"]) == part.content_of(["v", "w"])
    assert whole.content_of(["v"]) == changed.content_of(["v"]) != whole.content_of(["w"])
    assert whole.content_of(["w"]) != changed.content_of(["w"])
    # The same clips of another video are other content.
    assert whole.content_of(["u"]) != part.content_of(["v"])


def test_inputs_made_before_streams_had_names_are_refused(tmp_path: Path) -> None:
    (tmp_path / "index.json").write_text('{"videos": {}}')
    with pytest.raises(ValueError, match=r"index\.json: expected inputs of named streams, found older ones"):
        Inputs.load(tmp_path)


def test_coverage_has_a_column_of_statuses_for_each_stream(tmp_path: Path) -> None:
    three_streams(tmp_path)
    coverage = read_coverage(tmp_path / "coverage.tsv")
    assert name_streams(coverage) == ["visual", "audio", "speech"]
    assert [tuple(row) for row in coverage[["video", *name_streams(coverage)]].itertuples(index=False)] == [
        ("u", "ok", "no_audio", "missing"),
        ("v", "ok", "ok", "ok"),
        ("w", "ok", "ok", "missing"),
    ]
    assert coverage["heard"].tolist() == [0, 1, 0.5]
    table = queries(["u", "v", "w"])
    assert explain_absence(table, coverage).tolist() == ["", "", ""]
    assert count_coverage(table, coverage)["train"]["without_sound"] == 1


def test_the_commands_take_streams_of_several_folders_in_order(tmp_path: Path) -> None:
    pair(tmp_path)
    folder(tmp_path, "heard", 51 * np.ones((6, 1), np.float32))
    table = queries(["v"])
    (tmp_path / "queries").mkdir()
    table.to_parquet(tmp_path / "queries" / "queries.parquet")
    (tmp_path / "videos.tsv").write_text("video\tshard\tpath\tothers\n")
    parts = [{"folder": str(tmp_path / name)} for name in ("a", "b")]
    told = (
        {"name": "visual", "parts": parts, "merge": "bring_to_last"},
        {"name": "audio", "parts": [{"folder": str(tmp_path / "heard"), "scale": 1 / 255}], "align": "share"},
    )
    streams = [word for stream in told for word in ("--stream", json.dumps(stream))]
    common = ["--queries", str(tmp_path / "queries"), *streams, "--shards", "000"]
    options = ["--options", '{"max_clips": 128}', "--store", str(tmp_path / "store")]
    assert main(["assemble", *common, *options, "--out", str(tmp_path / "inputs")]) == 0
    inputs = Inputs.load(tmp_path / "inputs")
    assert inputs.streams["visual"].tolist() == [[3, 4, 1], [3, 4, 2], [1, 0, 3]]
    np.testing.assert_allclose(inputs.streams["audio"].numpy(), np.full((3, 1), 0.2), rtol=1e-6)
    assert inputs.reads["align"] == {"audio": "share"}
    report = ["report-coverage", *common, "--videos", str(tmp_path / "videos.tsv")]
    assert main([*report, "--out", str(tmp_path / "coverage.tsv")]) == 0
    assert name_streams(read_coverage(tmp_path / "coverage.tsv")) == ["visual", "audio"]


def test_a_stream_told_of_twice_or_wrongly_is_refused(tmp_path: Path) -> None:
    text = json.dumps({"name": "visual", "parts": [{"folder": "f"}]})
    with pytest.raises(ValueError, match="--stream: expected each stream once, found visual again"):
        read_streams([text, text])
    with pytest.raises(ValueError, match=r"--stream:\nparts\.0\.scale: expected more than 0"):
        read_streams([json.dumps({"name": "visual", "parts": [{"folder": "f", "scale": 0}]})])
