import os

import pytest
from planning import lost

from extractors.storage.manifest import Row, write_manifest

SHARD = ("small", "i3d", "000")


@pytest.fixture
def arrays(tmp_path, monkeypatch):
    """The folder of a shard's two arrays; a third video has none."""
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "results/small/features/i3d"
    (folder / "shards").mkdir(parents=True)
    rows = [Row("a", "ok", 1, 1), Row("b", "ok", 1, 1), Row("c", "missing")]
    write_manifest(folder / "shards/000.tsv", rows)
    for name in ("a.npy", "b.npy", "b.json"):
        (folder / name).touch()
    return folder


def test_nothing_is_lost_where_every_listed_array_is_there(arrays):
    assert lost.find_losses(*SHARD).describe() == ""
    assert lost.list_loss_records(*SHARD) == []


def test_a_shard_that_was_never_made_lost_nothing(arrays):
    assert lost.find_losses("small", "i3d", "001").describe() == ""
    assert lost.list_loss_records("small", "pann", "000") == []


def test_arrays_that_are_gone_are_named_and_a_note_of_them_asked_for(arrays):
    (arrays / "b.npy").unlink()
    assert lost.find_losses(*SHARD).videos == ("b",)
    assert lost.find_losses(*SHARD).describe() == "1 arrays are gone, such as b"
    assert lost.list_loss_records(*SHARD) == ["results/small/features/i3d/shards/000.lost"]
    assert not (arrays / "shards/000.lost").exists()


def test_an_array_that_is_back_is_seen_and_an_old_note_still_asked_for(arrays):
    (arrays / "b.npy").unlink()
    assert lost.find_losses(*SHARD).videos == ("b",)
    (arrays / "shards/000.lost").touch()
    (arrays / "b.npy").touch()
    # A file system's clock may be too coarse for a test.
    os.utime(arrays, (1, 1))
    assert lost.find_losses(*SHARD).videos == ()
    assert lost.list_loss_records(*SHARD) == ["results/small/features/i3d/shards/000.lost"]


def test_a_manifest_that_cannot_be_read_is_named_with_what_to_do(arrays):
    (arrays / "shards/000.tsv").write_text("nonsense\n")
    losses = lost.find_losses(*SHARD)
    assert losses.videos == ()
    assert "results/small/features/i3d/shards/000.tsv: expected a manifest" in losses.describe()
    assert losses.describe().endswith(
        "make it again with --forcerun results/small/features/i3d/shards/000.tsv"
    )
    assert lost.list_loss_records(*SHARD) == []
