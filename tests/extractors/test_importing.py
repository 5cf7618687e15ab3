import json
import os
import pickle

import numpy as np
import pytest
import torch

from extractors.importing.arrays import read_array
from extractors.importing.folders import open_collection
from extractors.importing.intake import import_shard
from extractors.jobs.outcomes import Delivery, ShardFailedError
from extractors.kinds.imported.parameters import ImportedParameters
from extractors.provenance.explanation import as_text, explain
from extractors.storage.files import sha256_of, sha256_of_json
from extractors.storage.manifest import read_manifest
from extractors.storage.pickles import load_pickled_arrays
from extractors.storage.store import Store

ROWS = np.array([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]], np.float32)


@pytest.fixture
def arrays(tmp_path):
    """An empty folder for arrays."""
    folder = tmp_path / "i3d_video"
    folder.mkdir()
    return folder


@pytest.fixture
def shard(tmp_path):
    """Imports videos and gives (counts, {video: manifest row})."""

    def run(places, videos, width=2, on_failure="report", **choices):
        manifest = tmp_path / "out" / "shards" / "000.tsv"
        counts = import_shard(
            ImportedParameters(modality="visual", arrays=places, width=width, **choices),
            videos,
            Store(tmp_path / "store"),
            Delivery(tmp_path / "out", manifest, on_failure),
        )
        return counts, {row.video: row for row in read_manifest(manifest)}

    return run


def imported(tmp_path, video):
    return np.load(tmp_path / "out" / f"{video}.npy", allow_pickle=False)


def test_arrays_of_every_layout_become_arrays_of_the_store(shard, arrays, tmp_path):
    np.save(arrays / "a.npy", ROWS)
    np.savez(arrays / "v_b.npz", features=ROWS.astype(np.float16) + 1)
    torch.save(torch.from_numpy(ROWS + 2).bfloat16(), arrays / "c.pt")
    counts, rows = shard(arrays, ["a", "b", "v_c", "d"])
    for video, added in (("a", 0), ("b", 1), ("v_c", 2)):
        found = imported(tmp_path, video)
        assert found.dtype == np.float32
        assert found.tolist() == (ROWS + added).tolist()
        assert (rows[video].status, rows[video].rows, rows[video].width) == ("ok", 3, 2)
    assert rows["d"].status == "missing"
    assert (counts.computed, counts.restored, counts.absent, counts.failed) == (3, 0, 1, [])


def test_the_description_names_the_file_and_says_that_times_are_unknown(shard, arrays, tmp_path):
    np.save(arrays / "v_a.npy", ROWS)
    _, rows = shard(arrays, ["a"])
    made = json.loads((tmp_path / "out" / "a.json").read_text())
    hashed = sha256_of(arrays / "v_a.npy")
    assert (made["kind"], made["parameters"]) == ("imported", {})
    assert made["sources"] == [{"name": "i3d_video/v_a.npy", "sha256": hashed}]
    assert made["source_sha256"] == rows["a"].source_sha256 == hashed
    assert made["row_seconds"] is None
    assert rows["a"].seconds is None
    assert made["files"]["array.npy"] == rows["a"].feature_sha256 == sha256_of(tmp_path / "out" / "a.npy")


def test_an_imported_array_explains_itself(shard, arrays, tmp_path):
    np.save(arrays / "v_a.npy", ROWS)
    shard(arrays, ["a"])
    text = as_text(explain(tmp_path / "out" / "a.npy"))
    assert f"imported   i3d_video/v_a.npy, SHA-256 {sha256_of(arrays / 'v_a.npy')}" in text
    assert "FAULT" not in text
    assert "sampling" not in text


def test_eight_bit_values_of_a_pickle_are_kept_as_they_are(shard, tmp_path):
    sound = np.array([[0, 255], [7, 8]], np.uint8)
    (tmp_path / "VGGish.pickle").write_bytes(pickle.dumps({"v_a": sound, "b": sound[:1]}, protocol=2))
    _, rows = shard(tmp_path / "VGGish.pickle", ["a", "b", "c"])
    assert imported(tmp_path, "a").tolist() == [[0, 255], [7, 8]]
    assert imported(tmp_path, "b").tolist() == [[0, 255]]
    assert rows["c"].status == "missing"
    made = json.loads((tmp_path / "out" / "a.json").read_text())
    assert made["sources"][0]["name"] == "VGGish.pickle: v_a"


def test_rows_of_several_folders_are_put_side_by_side_and_cut_to_the_shortest(shard, arrays, tmp_path):
    slowfast = tmp_path / "slowfast"
    slowfast.mkdir()
    np.save(arrays / "a.npy", ROWS)
    np.savez(slowfast / "a.npz", features=np.array([[10.0], [20.0]]))
    np.save(arrays / "b.npy", ROWS)
    _, rows = shard((arrays, slowfast), ["a", "b", "c"], width=3)
    assert imported(tmp_path, "a").tolist() == [[1, 2, 10], [3, 4, 20]]
    hashes = [sha256_of(arrays / "a.npy"), sha256_of(slowfast / "a.npz")]
    assert rows["a"].source_sha256 == sha256_of_json(hashes)
    assert (
        rows["b"].status == f"failed: {slowfast}: expected an array of b beside i3d_video/b.npy, found none"
    )
    assert rows["c"].status == "missing"


@pytest.mark.parametrize(
    ("array", "reason"),
    [
        (np.zeros((3, 5), np.float32), "i3d_video/a.npy: expected rows of 2 values, found 5"),
        (np.zeros(7, np.float32), "i3d_video/a.npy: expected rows of 2 values, found 7"),
        (np.full((3, 2), np.nan), "a.npy: expected finite numbers of at most 1e+18, found nan in row 0"),
        (np.zeros((0, 2)), "a.npy: expected rows [R, D], found the shape [0, 2]"),
        (np.zeros((3, 4, 2)), "a.npy: expected rows [R, D], found the shape [3, 4, 2]"),
        (np.array([["x", "y"]]), "a.npy: expected rows of numbers, found <U1"),
    ],
)
def test_what_cannot_be_used_is_reported_and_the_other_videos_are_imported(shard, arrays, array, reason):
    np.save(arrays / "a.npy", array)
    np.save(arrays / "b.npy", ROWS)
    counts, rows = shard(arrays, ["a", "b"])
    assert rows["a"].status.startswith("failed: ")
    assert reason in rows["a"].status
    assert rows["b"].is_ok
    assert (counts.computed, len(counts.failed)) == (1, 1)


def test_a_bad_array_of_a_pickle_is_reported_and_the_others_are_imported(shard, tmp_path):
    content = {
        "a": np.zeros((0, 2), np.uint8),
        "b": np.ones((4, 3), np.uint8),
        "c": np.ones((4, 2), np.uint8),
    }
    (tmp_path / "all.pickle").write_bytes(pickle.dumps(content))
    _, rows = shard(tmp_path / "all.pickle", ["a", "b", "c"])
    assert rows["a"].status == "failed: all.pickle: a: expected rows [R, D], found the shape [0, 2]"
    assert rows["b"].status == "failed: all.pickle: b: expected rows of 2 values, found 3"
    assert rows["c"].is_ok


def test_a_damaged_file_and_two_files_of_one_video_are_reported(shard, arrays):
    (arrays / "a.npy").write_bytes(b"no array")
    np.save(arrays / "b.npy", ROWS)
    np.savez(arrays / "v_b.npz", features=ROWS)
    (arrays / "c.npy").symlink_to("nowhere")
    _, rows = shard(arrays, ["a", "b", "c"])
    assert f"{arrays / 'a.npy'}: expected an array of numbers" in rows["a"].status
    assert rows["b"].status == f"failed: {arrays}: expected one array of b, found b.npy, v_b.npz"
    assert rows["c"].status.startswith("failed: ")


def test_a_second_import_reads_nothing_and_writes_the_same_bytes(shard, arrays, tmp_path, monkeypatch):
    np.save(arrays / "a.npy", ROWS)
    shard(arrays, ["a"])
    manifest = (tmp_path / "out" / "shards" / "000.tsv").read_bytes()

    def refuse(path):
        raise AssertionError(f"{path} was read though its array is in the store")

    monkeypatch.setattr("extractors.importing.folders.read_array", refuse)
    counts, _ = shard(arrays, ["a"])
    assert (counts.computed, counts.restored) == (0, 1)
    assert (tmp_path / "out" / "shards" / "000.tsv").read_bytes() == manifest


def test_one_changed_array_is_imported_anew_also_in_a_pickle(shard, arrays, tmp_path):
    np.save(arrays / "a.npy", ROWS)
    np.save(arrays / "b.npy", ROWS + 1)
    shard(arrays, ["a", "b"])
    np.save(arrays / "b.npy", ROWS + 2)
    counts, _ = shard(arrays, ["a", "b"])
    assert (counts.computed, counts.restored) == (1, 1)
    assert imported(tmp_path, "b").tolist() == (ROWS + 2).tolist()
    path = tmp_path / "all.pickle"
    for changed in (5, 6):
        path.write_bytes(pickle.dumps({"a": ROWS + 4, "b": ROWS + changed}))
        counts, _ = shard(path, ["a", "b"])
    assert (counts.computed, counts.restored) == (1, 1)


def test_another_way_to_merge_is_another_array_and_the_first_is_kept(shard, arrays, tmp_path):
    other = tmp_path / "clip"
    other.mkdir()
    np.save(arrays / "a.npy", ROWS)
    np.save(other / "a.npy", ROWS[:2])
    places = (arrays, other)
    shard(places, ["a"], width=4)
    assert json.loads((tmp_path / "out" / "a.json").read_text())["parameters"] == {}
    counts, _ = shard(places, ["a"], width=4, merge="bring_to_last")
    assert (counts.computed, counts.restored) == (1, 0)
    assert imported(tmp_path, "a").tolist() == [[2, 3, 1, 2], [5, 6, 3, 4]]
    assert json.loads((tmp_path / "out" / "a.json").read_text())["parameters"] == {"merge": "bring_to_last"}
    counts, _ = shard(places, ["a"], width=4)
    assert (counts.computed, counts.restored) == (0, 1)
    assert imported(tmp_path, "a").tolist() == [[1, 2, 1, 2], [3, 4, 3, 4]]


def test_arrays_of_equal_bytes_and_other_shapes_are_not_confused(shard, tmp_path):
    path = tmp_path / "all.pickle"
    path.write_bytes(pickle.dumps({"a": np.ones((2, 2), np.uint8), "b": np.ones((1, 4), np.uint8)}))
    _, rows = shard(path, ["a", "b"])
    assert rows["a"].is_ok
    assert rows["b"].status == "failed: all.pickle: b: expected rows of 2 values, found 4"


def test_an_array_known_by_another_width_is_still_refused(shard, arrays):
    np.save(arrays / "a.npy", ROWS)
    shard(arrays, ["a"])
    _, rows = shard(arrays, ["a"], width=3)
    assert rows["a"].status == "failed: i3d_video/a.npy: expected rows of 3 values, found 2"


def test_a_video_whose_array_went_keeps_no_stale_one(shard, arrays, tmp_path):
    np.save(arrays / "a.npy", ROWS)
    shard(arrays, ["a"])
    (arrays / "a.npy").unlink()
    _, rows = shard(arrays, ["a"])
    assert rows["a"].status == "missing"
    assert not (tmp_path / "out" / "a.npy").exists()


def test_a_file_that_changes_while_it_is_read_is_not_kept(shard, arrays, tmp_path, monkeypatch):
    path = arrays / "a.npy"
    np.save(path, ROWS)

    def read_and_change(path):
        array = read_array(path)
        np.save(path, array + 1)
        return array

    monkeypatch.setattr("extractors.importing.folders.read_array", read_and_change)
    _, rows = shard(arrays, ["a"])
    assert rows["a"].status == "failed: i3d_video/a.npy: changed while being read; import it again"
    assert list(Store(tmp_path / "store").entries()) == []


def test_under_stop_every_reason_is_told(shard, arrays):
    (arrays / "a.npy").write_bytes(b"")
    (arrays / "b.npy").write_bytes(b"")
    with pytest.raises(ShardFailedError, match=r"(?s)2 of 2 videos failed.*a\.npy.*b\.npy"):
        shard(arrays, ["a", "b"], on_failure="stop")


def test_the_files_of_some_videos_are_listed_without_being_read(arrays, tmp_path):
    for name in ("a.npy", "v_b.npy", "c.npy", "notes.txt", ".a.npy"):
        (arrays / name).touch()
    assert open_collection(arrays).files(["a", "v_a", "b", "v_b"]) == [arrays / "a.npy", arrays / "v_b.npy"]
    (tmp_path / "all.pickle").touch()
    assert open_collection(tmp_path / "all.pickle").files(["a"]) == [tmp_path / "all.pickle"]


def test_what_is_no_place_of_arrays_is_refused(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"gone: expected a folder of arrays or a pickle .* nothing"):
        open_collection(tmp_path / "gone")
    (tmp_path / "a.npy").touch()
    with pytest.raises(ValueError, match=r"a\.npy: expected a folder of arrays .* found another file"):
        open_collection(tmp_path / "a.npy")


def flip(path, position):
    """Flips one bit of a file."""
    content = bytearray(path.read_bytes())
    content[position] ^= 1
    path.write_bytes(content)


@pytest.mark.parametrize("name", ["a.npy", "a.npz", pytest.param("a.pt", marks=pytest.mark.slow)])
def test_a_damaged_array_is_its_video_s_failure_whichever_bit_went(shard, arrays, name):
    rows_of = {".npy": np.save, ".npz": lambda path, rows: np.savez_compressed(path, features=rows)}
    save = rows_of.get(name[1:], lambda path, rows: torch.save(torch.from_numpy(rows), path))
    np.save(arrays / "b.npy", ROWS)
    path = arrays / name
    # Of a .npy the numbers themselves have no checksum; all else of it is its header.
    end = 128 if name == "a.npy" else None
    save(path, ROWS)
    for position in range(0, end or path.stat().st_size, 7):
        save(path, ROWS)
        flip(path, position)
        _, rows = shard(arrays, ["a", "b"])
        assert rows["b"].is_ok
        assert rows["a"].is_ok or rows["a"].status.startswith(
            (f"failed: {path}: ", f"failed: {path.parent.name}/")
        )


def test_bytes_after_an_array_are_noticed(shard, arrays):
    np.save(arrays / "a.npy", ROWS)
    with (arrays / "a.npy").open("ab") as file:
        file.write(b"0")
    _, rows = shard(arrays, ["a"])
    assert "bytes follow the array of the shape [3, 2]" in rows["a"].status


def test_a_tensor_of_which_one_bit_went_is_refused(arrays, tmp_path):
    torch.save(torch.from_numpy(ROWS), arrays / "a.pt")
    flip(arrays / "a.pt", (arrays / "a.pt").read_bytes().index(ROWS.tobytes()))
    # PyTorch itself does not notice.
    assert torch.load(arrays / "a.pt", weights_only=True)[0, 0] != ROWS[0, 0]
    with pytest.raises(ValueError, match=r"a\.pt: .*its part a/data/0 does not have the checksum"):
        read_array(arrays / "a.pt")


@pytest.mark.parametrize("value", [1e300, 1e19, -1e19])
def test_numbers_too_large_for_a_model_are_refused(shard, arrays, value):
    np.save(arrays / "a.npy", np.array([[1.0, value]]))
    _, rows = shard(arrays, ["a"])
    reason = (
        f"failed: {arrays / 'a.npy'}: expected finite numbers of at most 1e+18, found {value:g} in row 0, "
    )
    assert rows["a"].status.startswith(f"{reason}column 1, and 1 such numbers of 2")


def test_an_array_in_the_other_byte_order_is_read_and_one_that_says_so_wrongly_refused(
    shard, arrays, tmp_path
):
    np.save(arrays / "a.npy", ROWS.astype(">f4"))
    np.save(arrays / "b.npy", np.linspace(0.1, 1, 40, dtype=np.float32).reshape(20, 2))
    wrong = (arrays / "b.npy").read_bytes().replace(b"'<f4'", b"'>f4'")
    (arrays / "b.npy").write_bytes(wrong)
    _, rows = shard(arrays, ["a", "b"])
    assert imported(tmp_path, "a").tolist() == ROWS.tolist()
    assert "b.npy: expected finite numbers of at most 1e+18" in rows["b"].status


def test_a_pickle_that_holds_an_id_twice_is_refused(shard, tmp_path):
    path = tmp_path / "all.pickle"
    path.write_bytes(pickle.dumps({"v_1": ROWS, "v_2": ROWS + 1}, protocol=2).replace(b"v_2", b"v_1"))
    _, rows = shard(path, ["v_1", "v_2"])
    for row in rows.values():
        assert "found 2 arrays of 1 ids: it is damaged or holds an id twice" in row.status


def test_a_damaged_pickle_is_read_once_for_all_videos(shard, tmp_path, monkeypatch):
    path = tmp_path / "all.pickle"
    path.write_bytes(b"no pickle")
    readings = []

    def load(path):
        readings.append(path)
        return load_pickled_arrays(path)

    monkeypatch.setattr("extractors.importing.folders.load_pickled_arrays", load)
    counts, _ = shard(path, ["a", "b", "c"])
    assert len(counts.failed) == 3
    assert readings == [path]


@pytest.mark.parametrize("length", [217, 250])
def test_arrays_of_long_ids_are_imported(shard, arrays, length):
    video = "n" * length
    np.save(arrays / f"{video}.npy", ROWS)
    _, rows = shard(arrays, [video, "n" * 251])
    assert rows[video].is_ok
    assert rows["n" * 251].status.startswith("failed: expected an id of at most 250 bytes")


def test_a_pipe_among_the_arrays_is_not_opened(shard, arrays):
    os.mkfifo(arrays / "a.npy")
    _, rows = shard(arrays, ["a"])
    assert rows["a"].status == f"failed: {arrays / 'a.npy'}: expected a regular file, found a named pipe"
