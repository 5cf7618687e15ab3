from pathlib import Path

import pytest
from planning import videos
from planning.resources import Refusal


def test_annotations_that_are_missing_are_refused(read, folder):
    assert Path("resources/demo/annotations/train.txt") in videos.list_annotation_files(read(), "demo")
    annotations = {"format": "activitynet_captions", "splits": {"train": "a.json"}}
    changes = {"annotations": annotations, "paper": None, "further_selection_splits": []}
    project = read({"demo": {**changes, "selection_split": "train"}})
    with pytest.raises(Refusal, match=r"config/datasets/demo\.yaml: annotations: .* nothing at a\.json"):
        videos.list_annotation_files(project, "demo")


def test_videos_of_an_archive_are_told_of_by_their_record(project):
    record = Path("resources/charades/videos/charades.unpacked.tsv")
    assert videos.list_unpacked(project, "charades") == [record]
    assert videos.watch_folders(project, "charades") == ([record], False)
    assert videos.write_folder_option(project, "charades") == "--folder resources/charades/videos"


def test_a_folder_of_the_users_takes_the_place_of_an_archive(read, folder):
    (folder / "my videos/more").mkdir(parents=True)
    project = read(resources={"charades_videos": {"path": "my videos"}})
    assert videos.list_unpacked(project, "charades") == []
    watched = videos.watch_folders(project, "charades")
    assert watched == ([Path("my videos"), Path("my videos/more")], False)
    assert videos.write_folder_option(project, "charades") == "--folder 'my videos'"


def test_a_table_that_lists_the_files_that_are_there_is_current(read, folder):
    (folder / "clips").mkdir()
    (folder / "clips/a.mp4").touch()
    (folder / "results/demo").mkdir(parents=True)
    table = folder / "results/demo/videos.tsv"
    table.write_text("video\tshard\tpath\tothers\na\t000\tclips/a.mp4\t\n")
    project = read({"demo": {"videos": "clips"}})
    assert videos.watch_folders(project, "demo") == ([Path("clips")], True)
    (folder / "clips/a.mkv").touch()
    assert videos.watch_folders(project, "demo") == ([Path("clips")], False)


def test_a_missing_folder_is_told_of_with_how_to_get_it(project):
    with pytest.raises(
        Refusal, match=r"config/datasets/activitynet\.yaml: videos: .* resources/activitynet/vid"
    ):
        videos.watch_folders(project, "activitynet")


def test_arrays_are_watched_in_the_place_of_videos_where_they_are_simulated(project):
    assert videos.write_folder_option(project, "charades_simulated") == ""
    watched = videos.watch_folders(project, "charades_simulated")
    assert watched.paths == [Path(f"resources/charades_simulated/{stream}") for stream in ("visual", "audio")]
    assert videos.watch_folders(project, "charades_clip") == ([], False)


def test_further_files_of_a_video_are_listed(folder):
    assert videos.list_duplicates("demo") == []
    (folder / "results/demo").mkdir(parents=True)
    (folder / "results/demo/videos.tsv").write_text(
        "video\tshard\tpath\tothers\na\t000\ta.mp4\ta.mkv\nb\t000\tb.mp4\t\n"
    )
    assert videos.list_duplicates("demo") == ["a: a.mkv"]


def test_pictures_that_are_missing_are_refused_with_where_to_get_them(read, folder):
    project = read(pictures="mine")
    with pytest.raises(
        Refusal, match=r"pictures: .* nothing at mine; apt-get install tuxpaint-stamps-default"
    ):
        videos.find_pictures(project)
    (folder / "mine").mkdir()
    assert videos.find_pictures(project) == Path("mine")
    annotated = Path("resources/demo_pretrained/annotations/train.txt")
    assert annotated in videos.list_annotation_files(project, "demo_pretrained")
