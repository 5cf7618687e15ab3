import errno
import json
import logging
import os
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from fake_kind import KIND, PARAMETERS, Doubler

import extractors.jobs.shard as shard_module
from extractors.jobs.extraction import Runtime, identify
from extractors.jobs.outcomes import Delivery, ShardFailedError
from extractors.jobs.shard import Source, extract_shard
from extractors.media.batching import Features, embed_videos
from extractors.media.decoding import Decoded, Finished, Restarted
from extractors.media.errors import MediaError
from extractors.media.sampling import Window
from extractors.parameters import Parameters
from extractors.provenance.explanation import as_text, explain
from extractors.storage.files import StorageError, sha256_of
from extractors.storage.manifest import read_manifest
from extractors.storage.store import Store

pytestmark = pytest.mark.slow


@pytest.fixture
def shard(tmp_path):
    """Extracts {video: text} and gives (counts, {video: manifest row})."""
    media = tmp_path / "media"
    media.mkdir()

    def run(videos, **options):
        sources = []
        for video, text in videos.items():
            path = None if text is None else media / f"{video}.txt"
            if path:
                path.write_text(text)
            sources.append(Source(video, path))
        manifest = tmp_path / "out" / "shards" / "000.tsv"
        counts = extract_shard(
            KIND,
            options.pop("parameters", PARAMETERS),
            sources,
            Store(tmp_path / "store"),
            Delivery(tmp_path / "out", manifest, **options),
            Runtime(batch_size=2),
        )
        return counts, {row.video: row for row in read_manifest(manifest)}

    return run


def test_a_shard_gives_arrays_descriptions_and_a_row_for_every_video(shard, tmp_path):
    counts, rows = shard({"a": "1 2 3", "b": "5", "gone": None, "bad": "1 broken", "silent": "mute"})
    assert np.load(tmp_path / "out" / "a.npy").tolist() == [[1], [2], [2], [4], [3], [6]]
    assert np.load(tmp_path / "out" / "b.npy").tolist() == [[5], [10]]
    description = json.loads((tmp_path / "out" / "a.json").read_text())
    assert description["decoder"] == "first"
    assert description["row_seconds"] == [[0, 0.5], [0.5, 1], [1, 1.5], [1.5, 2], [2, 2.5], [2.5, 3]]
    assert description["parameters"] == {"weights": "random", "seed": 0, "precision": "float32"}
    assert (rows["a"].status, rows["a"].rows, rows["a"].width, rows["a"].seconds) == ("ok", 6, 1, 3.0)
    assert rows["gone"].status == "missing"
    assert rows["silent"].status == "no_audio"
    assert rows["bad"].status.startswith("failed: ")
    assert "bad.txt: broken" in rows["bad"].status
    assert (counts.computed, counts.restored, counts.absent, len(counts.failed)) == (2, 0, 2, 1)
    assert not (tmp_path / "out" / "bad.npy").exists()


def test_progress_counts_the_media_time_that_was_reached(shard, capsys):
    # 60 windows of a second, and half a minute by the decoder that did not give up.
    shard({"a": "1 " * 60, "b": "0 " * 15 + "half " + "0 " * 14})
    assert "1.5 min of media" in capsys.readouterr().err


def test_a_second_run_computes_nothing_and_writes_the_same_bytes(shard, tmp_path, monkeypatch):
    shard({"a": "1 2 3", "b": "5"})
    before = (tmp_path / "out" / "shards" / "000.tsv").read_bytes()

    def refuse(*arguments):
        raise AssertionError("the network was built though nothing is to compute")

    monkeypatch.setattr(type(KIND), "load_network", refuse)
    counts, _ = shard({"a": "1 2 3", "b": "5"})
    assert (counts.computed, counts.restored) == (0, 2)
    assert (tmp_path / "out" / "shards" / "000.tsv").read_bytes() == before


def test_one_changed_video_is_one_computed_array(shard, tmp_path):
    shard({"a": "1 2 3", "b": "5"})
    counts, _ = shard({"a": "1 2 3", "b": "6"})
    assert (counts.computed, counts.restored) == (1, 1)
    assert np.load(tmp_path / "out" / "b.npy").tolist() == [[6], [12]]


def test_going_back_to_an_earlier_setting_computes_nothing(shard):
    shard({"a": "1"})
    changed, _ = shard({"a": "1"}, parameters=Parameters(weights="random", seed=1))
    back, _ = shard({"a": "1"})
    assert (changed.computed, back.computed) == (1, 0)


def test_a_video_that_fails_now_keeps_no_stale_array(shard, tmp_path):
    shard({"a": "1"})
    shard({"a": "broken"})
    assert not (tmp_path / "out" / "a.npy").exists()
    assert not (tmp_path / "out" / "a.json").exists()


def test_under_stop_every_reason_is_told_and_finished_arrays_are_kept(shard):
    with pytest.raises(ShardFailedError, match=r"(?s)2 of 3 videos failed.*x\.txt: broken.*y\.txt: broken"):
        shard({"a": "1", "x": "broken", "y": "broken"}, on_failure="stop")
    counts, _ = shard({"a": "1"})
    assert (counts.computed, counts.restored) == (0, 1)


def test_a_file_cut_short_counts_as_failed_unless_accepted_and_is_computed_once(shard, tmp_path):
    refused, rows = shard({"a": "7 8 short"})
    assert rows["a"].status == "short: 2.0 of 18.0 s"
    assert (rows["a"].rows, refused.failed) == (0, ["a: short: 2.0 of 18.0 s"])
    assert not (tmp_path / "out" / "a.npy").exists()

    accepted, rows = shard({"a": "7 8 short"}, accept_short=True)
    assert (accepted.computed, accepted.restored, accepted.failed) == (0, 1, [])
    assert (rows["a"].status, rows["a"].rows, rows["a"].seconds) == ("ok", 4, 2.0)
    description = json.loads((tmp_path / "out" / "a.json").read_text())
    assert (description["reached_seconds"], description["promised_seconds"]) == (2.0, 18.0)
    assert "the file gave 2 s of 18 s" in as_text(explain(tmp_path / "out" / "a.npy"))

    _, rows = shard({"a": "7 8 short"})
    assert rows["a"].status == "short: 2.0 of 18.0 s"
    assert not (tmp_path / "out" / "a.npy").exists()
    with pytest.raises(ShardFailedError, match=r"a: short: 2\.0 of 18\.0 s"):
        shard({"a": "7 8 short"}, on_failure="stop")


def test_the_second_decoder_begins_the_video_again(shard, tmp_path):
    counts, _ = shard({"a": "7 half"})
    assert counts.computed == 1
    assert np.load(tmp_path / "out" / "a.npy").tolist() == [[7], [14], [0], [0]]
    assert json.loads((tmp_path / "out" / "a.json").read_text())["decoder"] == "second"


def test_a_file_replaced_while_it_is_read_is_not_stored_under_its_old_hash(shard, tmp_path, monkeypatch):
    def embed_while_b_and_c_change(*arguments):
        for index, result in embed_videos(*arguments):
            if index == 1:
                (tmp_path / "media" / "b.txt").write_text("7 8")
            elif index == 2:
                (tmp_path / "media" / "c.txt").unlink()
            yield index, result

    monkeypatch.setattr(shard_module, "embed_videos", embed_while_b_and_c_change)
    counts, rows = shard({"a": "1", "b": "2", "c": "3"})
    assert (counts.computed, len(counts.failed)) == (1, 2)
    assert (
        rows["b"].status
        == f"failed: {tmp_path / 'media' / 'b.txt'}: changed while being read; extract it again"
    )
    assert rows["b"].source_sha256 == ""
    assert rows["c"].status.startswith("failed: ")
    monkeypatch.undo()
    counts, _ = shard({"a": "1", "b": "2", "c": "3"})
    assert (counts.computed, counts.restored) == (2, 1)


def test_a_killed_shard_keeps_what_it_finished(shard, monkeypatch):
    keep = shard_module.keep
    kept = []

    def die_at_the_third(*arguments):
        if len(kept) == 2:
            raise KeyboardInterrupt
        kept.append(arguments)
        return keep(*arguments)

    monkeypatch.setattr(shard_module, "keep", die_at_the_third)
    videos = dict.fromkeys("abcd", "1 2") | {"b": "3 4", "c": "5 6", "d": "7 8"}
    with pytest.raises(KeyboardInterrupt):
        shard(videos)
    monkeypatch.setattr(shard_module, "keep", keep)
    counts, _ = shard(videos)
    assert (counts.computed, counts.restored) == (2, 2)


def test_weights_that_are_not_there_are_named_before_any_work(tmp_path):
    with pytest.raises(
        ValueError, match=r"weights: expected a file or folder, found nothing at .*absent\.pt"
    ):
        identify(KIND, Parameters(weights=tmp_path / "absent.pt"))


def test_an_extractors_identity_follows_its_weights_content_not_their_place(tmp_path):
    for name in ("one.pt", "two.pt"):
        (tmp_path / name).write_bytes(b"same")
    one, two = (identify(KIND, Parameters(weights=tmp_path / name)) for name in ("one.pt", "two.pt"))
    assert one == two
    (tmp_path / "two.pt").write_bytes(b"other")
    assert identify(KIND, Parameters(weights=tmp_path / "two.pt")) != one


def window(value, second=0):
    return Window(np.array([value], np.float32), float(second), second + 1.0)


def test_batches_are_filled_across_videos_and_have_one_size():
    network = Doubler()
    events = [
        *(Decoded(0, window(value, value)) for value in range(3)),
        Finished(0, "first"),
        Decoded(1, window(9)),
        Finished(1, "first"),
        *(Decoded(2, window(value, value)) for value in range(2)),
        Finished(2, "first"),
    ]
    results = dict(embed_videos(network, events, batch_size=4))
    assert network.batches == [4, 4]
    assert results[0].array[:, 0].tolist() == [0, 0, 1, 2, 2, 4]
    assert results[1].array[:, 0].tolist() == [9, 18]
    assert results[2].array[:, 0].tolist() == [0, 0, 1, 2]


def test_windows_before_a_restart_are_dropped_even_from_a_waiting_batch():
    events = [
        Decoded(0, window(1)),
        Decoded(1, window(2)),
        Restarted(1, MediaError("again")),
        Decoded(1, window(3)),
        Finished(0, "first"),
        Finished(1, "second"),
        Finished(2, "first"),
    ]
    results = dict(embed_videos(Doubler(), events, batch_size=8))
    assert isinstance(results[0], Features)
    assert results[1].array[:, 0].tolist() == [3, 6]
    assert isinstance(results[2], MediaError)


def in_another_thread(do, **options):
    """A thread that waits for a lock of its own is refused, as that would take for ever."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(do, **options).result()


def test_an_array_in_another_process_s_hands_is_awaited_and_not_computed(shard, tmp_path):
    shard({"a": "1 2"})
    store = Store(tmp_path / "store")
    (entry,) = store.entries()
    aside = entry.folder.rename(tmp_path / "aside")
    lock = store.lock(entry.key)
    assert in_another_thread(lock.acquire, wait=False)

    def finish():
        deadline = time.monotonic() + 60
        # The other video's array is there: nothing is left to do but to wait for this one.
        while not list(store.entries()) and time.monotonic() < deadline:
            time.sleep(0.01)
        aside.rename(entry.folder)
        lock.release()

    other = threading.Thread(target=finish)
    other.start()
    counts, rows = shard({"a": "1 2", "b": "3"})
    other.join()
    assert (counts.computed, counts.restored) == (1, 1)
    assert rows["a"].status == rows["b"].status == "ok"


def test_an_array_that_another_process_gave_up_is_computed(shard, tmp_path):
    shard({"a": "1 2"})
    store = Store(tmp_path / "store")
    (entry,) = store.entries()
    store.remove(entry)
    lock = store.lock(entry.key)
    assert in_another_thread(lock.acquire, wait=False)
    other = threading.Timer(1.0, lock.release)
    other.start()
    counts, _ = shard({"a": "1 2"})
    other.join()
    assert (counts.computed, counts.restored) == (1, 0)


def test_two_processes_on_one_store_compute_every_array_once(tmp_path):
    videos = {f"v{number}": f"{number} {number}" for number in range(12)}
    for video, text in videos.items():
        (tmp_path / f"{video}.txt").write_text(text)
    sources = [Source(video, tmp_path / f"{video}.txt") for video in videos]

    def extract(name):
        out = tmp_path / name
        delivery = Delivery(out, out / "shards" / "000.tsv")
        return extract_shard(
            KIND, PARAMETERS, sources, Store(tmp_path / "store"), delivery, Runtime(batch_size=2)
        )

    with ThreadPoolExecutor() as pool:
        first, second = pool.map(extract, ("first", "second"))
    assert first.computed + second.computed == len(videos)
    assert first.restored + second.restored == len(videos)
    assert not list((tmp_path / "store" / "partial").iterdir())


def test_videos_with_the_same_content_are_computed_once(shard):
    counts, rows = shard({"a": "1 2", "twin": "1 2"})
    assert (counts.computed, counts.restored) == (1, 1)
    assert rows["a"].feature_sha256 == rows["twin"].feature_sha256


def test_an_array_that_is_not_finite_fails_its_video_and_no_other(shard, tmp_path):
    # The network doubles: 1e18 is the largest that may be kept, twice that is beyond.
    values = ["nan", "inf", "-inf", "1e30", "1e18"]
    counts, rows = shard({value: f"1 {value}" for value in values} | {"good": "5"})
    for value in values:
        assert rows[value].status.startswith("failed: expected finite numbers of at most 1e+18, found ")
        assert "in row " in rows[value].status
        assert rows[value].source_sha256
        assert not (tmp_path / "out" / f"{value}.npy").exists()
    assert rows["good"].is_ok
    assert (counts.computed, len(counts.failed)) == (1, len(values))
    assert len(list(Store(tmp_path / "store").entries())) == 1


def test_whatever_a_video_does_is_its_own_failure(shard, monkeypatch):
    keep = shard_module.keep

    def stumble(store, key, made, features):
        if features.array[0, 0] == 1:
            raise MemoryError("too much")
        return keep(store, key, made, features)

    monkeypatch.setattr(shard_module, "keep", stumble)
    counts, rows = shard({"a": "1", "b": "2"})
    assert rows["a"].status == (
        "failed: it is damaged, or holds what is not known here (MemoryError: too much)"
    )
    assert (counts.computed, len(counts.failed)) == (1, 1)


def test_a_full_disk_is_no_video_s_failure(shard, tmp_path, monkeypatch):
    def fill(path, content):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", fill)
    with pytest.raises(
        StorageError, match=r"store: cannot be written \(No space .*\): the disk is full; free"
    ):
        shard({"a": "1", "b": "2"})
    assert not (tmp_path / "out" / "shards" / "000.tsv").exists()
    monkeypatch.undo()
    counts, _ = shard({"a": "1", "b": "2"})
    assert counts.computed == 2


def test_ids_of_any_length_and_characters_keep_their_rows(shard, tmp_path, caplog):
    # What is no Unicode in a log breaks pytest-xdist.
    caplog.set_level(logging.ERROR)
    good = [*("n" * length for length in (217, 230, 250)), "two  spaces", "line\nbreak", "tab\t"]
    good.append(os.fsdecode(b"caf\xe9"))
    bad = [video[::-1][:240] + "-" for video in good]
    counts, rows = shard(dict.fromkeys(good, "1") | dict.fromkeys(bad, "broken"))
    assert {video for video, row in rows.items() if row.is_ok} == set(good)
    assert {video for video, row in rows.items() if row.status.startswith("failed: ")} == set(bad)
    names = {path.name for path in (tmp_path / "out").iterdir()}
    assert names == {"shards", *(f"{video}{suffix}" for video in good for suffix in (".npy", ".json"))}
    assert (counts.computed, counts.restored) == (1, len(good) - 1)


def test_an_id_that_can_be_no_file_s_name_is_its_video_s_failure(tmp_path, caplog):
    # What is no Unicode in a log breaks pytest-xdist.
    caplog.set_level(logging.ERROR)
    (tmp_path / "a.npy").write_text("not the shard's")
    (tmp_path / "any").write_text("1")
    delivery = Delivery(tmp_path / "out", tmp_path / "out" / "manifest.tsv")
    bad = ["n" * 251, "a/b", "../a", "", "\ud800"]
    sources = [Source(video, tmp_path / "any") for video in (*bad, "good")]
    extract_shard(KIND, PARAMETERS, sources, Store(tmp_path / "store"), delivery, Runtime())
    rows = {row.video: row for row in read_manifest(delivery.manifest)}
    for video in bad:
        assert rows[video].status.startswith("failed: expected an id ")
    assert rows["good"].is_ok
    assert (tmp_path / "a.npy").read_text() == "not the shard's"


def test_what_is_no_file_is_refused_without_being_opened(tmp_path):
    os.mkfifo(tmp_path / "pipe.mp4")
    (tmp_path / "zero.mp4").symlink_to("/dev/zero")
    (tmp_path / "folder.mp4").mkdir()
    names = {"pipe": "a named pipe", "zero": "a device", "folder": "a folder"}
    sources = [Source(name, tmp_path / f"{name}.mp4") for name in names]
    delivery = Delivery(tmp_path / "out", tmp_path / "out" / "manifest.tsv")
    extract_shard(KIND, PARAMETERS, sources, Store(tmp_path / "store"), delivery, Runtime())
    for row in read_manifest(delivery.manifest):
        path = tmp_path / f"{row.video}.mp4"
        assert row.status == f"failed: {path}: expected a regular file, found {names[row.video]}"


def test_a_store_that_cannot_be_written_says_what_is_missing_before_any_work(shard, monkeypatch):
    shard({"a": "1"})

    def refuse(*arguments, **options):
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr(type(KIND), "load_network", refuse)
    counts, _ = shard({"a": "1"})
    assert counts.restored == 1
    monkeypatch.setattr(os, "mkdir", refuse)
    with pytest.raises(
        StorageError, match=r"store \(missing in it: 1 of 2 arrays, such as b's\): .* read-only"
    ):
        shard({"a": "1", "b": "2"})


def test_a_description_names_the_libraries_that_were_loaded_and_no_others(shard, tmp_path):
    shard({"a": "1"})
    libraries = json.loads((tmp_path / "out" / "a.json").read_text())["libraries"]
    assert {"python", "numpy"} <= set(libraries)
    assert "snakemake" not in libraries


def test_a_file_that_may_not_be_read_is_its_video_s_failure(shard, monkeypatch):
    def refuse(path):
        if path.stem == "locked":
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        return sha256_of(path)

    monkeypatch.setattr(shard_module, "sha256_of", refuse)
    _, rows = shard({"locked": "1", "b": "2"})
    assert rows["locked"].status.endswith("locked.txt: cannot be read (Permission denied)")
    assert rows["b"].is_ok
