import os
from pathlib import Path

import pytest
from planning import shards
from planning.resources import Refusal

IMPORTED = {
    "features": "imported",
    "imported": {
        "i3d": {"arrays": "data/sight", "width": 4},
        "pann": {"arrays": ["data/sound", "data/more.pickle"], "width": 4},
    },
}


@pytest.fixture
def table(folder) -> Path:
    """A table of three videos in two shards; one has no file, one's file cannot be read."""
    (folder / "data").mkdir()
    for name in ("a.mp4", "c.mp4"):
        (folder / "data" / name).touch()
    path = folder / "videos.tsv"
    path.write_text(
        "video\tshard\tpath\tothers\n"
        "a\t000\tdata/a.mp4\t\nb\t000\t\t\nc\t001\tdata/c.mp4\t\nd\t001\tdata/gone.mp4\t\n"
    )
    return path


def test_a_shard_is_made_from_its_videos_that_can_be_read(project, table):
    assert shards.list_sources(project, "demo", "i3d", "000", table) == ["data/a.mp4"]
    assert shards.list_sources(project, "demo", "pann", "001", table) == ["data/c.mp4"]
    assert shards.list_sources(project, "demo", "i3d", "003", table) == []


def test_a_table_made_anew_is_read_anew(project, table):
    assert shards.list_sources(project, "demo", "i3d", "001", table) == ["data/c.mp4"]
    table.write_text("video\tshard\tpath\tothers\na\t001\tdata/a.mp4\t\n")
    # A file system's clock may be too coarse for a test.
    os.utime(table, (1, 1))
    assert shards.list_sources(project, "demo", "i3d", "001", table) == ["data/a.mp4"]


def test_a_shard_is_made_from_arrays_where_these_are_imported(read, table, folder):
    project = read({"demo": IMPORTED})
    for name in ("sight", "sound"):
        (folder / "data" / name).mkdir()
    for name in ("sight/v_a.npy", "sight/c.npy", "sound/a.npz", "more.pickle"):
        (folder / "data" / name).touch()
    assert shards.list_sources(project, "demo", "i3d", "000", table) == ["data/sight/v_a.npy"]
    assert shards.list_sources(project, "demo", "pann", "000", table) == [
        "data/sound/a.npz",
        "data/more.pickle",
    ]


def test_absent_arrays_are_told_of_before_there_is_a_table_of_videos(read):
    project = read({"demo": IMPORTED})
    message = r"^error: config/datasets/demo\.yaml: extractors\.i3d\.arrays: .* at data/sight; docs/imported"
    with pytest.raises(Refusal, match=message):
        shards.check_shard(project, "demo", "i3d", "000")


def test_arrays_in_something_else_are_refused_by_their_key(read, table, folder):
    (folder / "data/sight").touch()
    project = read({"demo": IMPORTED})
    with pytest.raises(Refusal, match=r"demo\.yaml: extractors\.i3d\.arrays: data/sight: expected a folder"):
        shards.list_sources(project, "demo", "i3d", "000", table)


def test_a_shard_that_the_dataset_lacks_is_refused(project):
    shards.check_shard(project, "demo", "i3d", "003")
    with pytest.raises(ValueError, match=r"shard 004: expected 000 to 003, .*config/datasets/demo\.yaml"):
        shards.check_shard(project, "demo", "i3d", "004")
