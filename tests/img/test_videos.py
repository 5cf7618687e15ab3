import csv
import json
import logging
from pathlib import Path

import pytest

from extractors.storage.manifest import shard_of
from img.config.dataset import Annotations
from img.data.videos import find_videos, is_current, list_videos, read_duplicates, walk_folders


def write_files(folder: Path, *names: str, content: str = "x") -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(content)


def found_in(folder: Path, *videos: str) -> dict[str, str]:
    """The found files' paths below the folder."""
    found = find_videos(folder, videos)
    return {video: source.path.relative_to(folder).as_posix() for video, source in found.items()}


def annotations_of(folder: Path, *videos: str) -> Annotations:
    entry = {"duration": 3, "timestamps": [[0, 1]], "sentences": ["a."]}
    (folder / "train.json").write_text(json.dumps(dict.fromkeys(videos, entry)))
    return Annotations(format="activitynet_captions", splits={"train": folder / "train.json"})


def test_videos_are_found_in_nested_folders_with_any_suffix_and_prefix(tmp_path: Path) -> None:
    files = {
        "a": "a.mp4",
        "b": "deep/er/v_b.MKV",
        "v_c": "v_c.webm",
        "v_d": "d.avi",
        "e": "e.Mov",
        "-f_g-": "-f_g-.mp4",
        "v_v_h": "v_v_h.mp4",
        "v_v_i": "v_i.mp4",
        "v___c8enCfzqw": "v___c8enCfzqw.webm",
        "v_-dash": "-dash.mp4",
        "v_--": "v_--.mp4",
    }
    write_files(tmp_path, *files.values(), "a.txt", "notes.mp4.md")
    (tmp_path / "folder.mp4").mkdir()
    assert found_in(tmp_path, *files, "folder", "absent") == files


@pytest.mark.parametrize(
    "name", ["a.mp4.part", "a.mp4.ytdl", "a.f137.mp4", "a.temp.mp4", "a.mp4.part-Frag3", "a", ".mp4", "A.mp4"]
)
def test_an_unfinished_download_or_another_name_is_no_video(tmp_path: Path, name: str) -> None:
    write_files(tmp_path, name)
    assert find_videos(tmp_path, ["a"]) == {}


def test_of_several_files_the_first_path_is_taken_and_the_others_are_told(tmp_path: Path) -> None:
    write_files(tmp_path, "x/a.mp4", "b/v_a.mkv", "b/a.webm", "c.mp4")
    found = find_videos(tmp_path, ["a", "c"])
    assert found["a"].path == tmp_path / "b/a.webm"
    assert found["a"].others == (tmp_path / "b/v_a.mkv", tmp_path / "x/a.mp4")
    assert found["c"].others == ()


def test_an_empty_file_is_taken_only_where_there_is_no_other(tmp_path: Path) -> None:
    write_files(tmp_path, "1/a.mp4", "b.mp4", content="")
    write_files(tmp_path, "2/a.mp4")
    assert found_in(tmp_path, "a", "b") == {"a": "2/a.mp4", "b": "b.mp4"}


def test_links_to_files_and_folders_are_followed_and_a_circle_of_links_ends(tmp_path: Path) -> None:
    write_files(tmp_path, "elsewhere/a.mp4", "elsewhere/b.mkv")
    videos = tmp_path / "videos"
    videos.mkdir()
    (videos / "disk").symlink_to(tmp_path / "elsewhere")
    (videos / "again").symlink_to(videos)
    (tmp_path / "elsewhere" / "back").symlink_to(videos)
    (videos / "c.mp4").symlink_to(tmp_path / "elsewhere" / "a.mp4")
    (videos / "d.mp4").symlink_to("nowhere")
    assert found_in(videos, "a", "b", "c", "d") == {"a": "disk/a.mp4", "b": "disk/b.mkv", "c": "c.mp4"}
    assert {path for path, _ in walk_folders(videos)} == {videos, videos / "disk"}


def test_a_path_that_snakemake_would_fill_in_is_refused(tmp_path: Path) -> None:
    write_files(tmp_path, "a{0}.mp4")
    with pytest.raises(ValueError, match=r"a\{0\}\.mp4: expected a path without braces"):
        find_videos(tmp_path, ["a{0}"])


def test_the_table_is_sorted_and_names_shard_file_and_the_files_not_taken(tmp_path: Path) -> None:
    videos = tmp_path / "videos"
    write_files(videos, "v_AAA.mp4", "-c_.mkv", "old, copies/-c_.mp4")
    annotations = annotations_of(tmp_path, "BBB", "AAA", "-c_")
    list_videos(annotations, videos, 3, tmp_path / "videos.tsv")
    with (tmp_path / "videos.tsv").open(newline="") as file:
        rows = list(csv.reader(file, delimiter="\t"))
    shards = {video: f"{shard_of(video, 3):03d}" for video in ("-c_", "AAA", "BBB")}
    assert rows == [
        ["video", "shard", "path", "others"],
        ["-c_", shards["-c_"], f"{videos}/-c_.mkv", f"{videos}/old, copies/-c_.mp4"],
        ["AAA", shards["AAA"], f"{videos}/v_AAA.mp4", ""],
        ["BBB", shards["BBB"], "", ""],
    ]
    assert read_duplicates(tmp_path / "videos.tsv") == {"-c_": f"{videos}/old, copies/-c_.mp4"}


def test_duplicates_are_told_one_by_one_and_thousands_of_absent_videos_in_a_line(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    videos = tmp_path / "videos"
    write_files(videos, "a.mp4", "a.mkv")
    annotations = annotations_of(tmp_path, "a", *(f"gone{number:04d}" for number in range(3000)))
    with caplog.at_level(logging.INFO):
        list_videos(annotations, videos, 3, tmp_path / "videos.tsv")
    assert [record.getMessage() for record in caplog.records] == [
        f"video a: several files; {videos}/a.mkv is taken, not {videos}/a.mp4",
        f"{videos}: 1 of 3001 videos found, 1 of them more than once",
        f"{videos}: 3000 of 3001 videos have no file, such as gone0000",
    ]


def test_a_table_is_current_until_a_file_of_a_video_comes_goes_or_moves(tmp_path: Path) -> None:
    videos, table = tmp_path / "videos", tmp_path / "videos.tsv"
    write_files(videos, "a.mp4", "c.mp4")
    list_videos(annotations_of(tmp_path, "a", "b", "c"), videos, 3, table)
    assert is_current(table, videos)
    write_files(videos, "b.mp4.part", "other.mp4", "new/notes.txt")
    assert is_current(table, videos)
    for change in (
        lambda: write_files(videos, "b.mp4"),
        lambda: write_files(videos, "new/a.webm"),
        lambda: (videos / "c.mp4").rename(videos / "new" / "c.mp4"),
        lambda: (videos / "b.mp4").unlink(),
    ):
        change()
        assert not is_current(table, videos)
        list_videos(annotations_of(tmp_path, "a", "b", "c"), videos, 3, table)
        assert is_current(table, videos)


def test_a_table_of_an_earlier_version_is_made_again(tmp_path: Path) -> None:
    write_files(tmp_path / "videos", "a.mp4")
    table = tmp_path / "videos.tsv"
    table.write_text(f"video\tshard\tpath\na\t000\t{tmp_path}/videos/a.mp4\n")
    assert not is_current(table, tmp_path / "videos")
    assert read_duplicates(table) == {}


def test_an_id_that_ends_in_a_suffix_finds_its_file(tmp_path: Path) -> None:
    write_files(tmp_path, "arm.mp4", "arm.mkv", "deep/leg.MP4", "foot.mp4.webm", "v_hand.mov")
    ids = ("arm.mp4", "leg.mp4", "foot.mp4", "hand.mov", "nose.mp4", "v1.5")
    assert found_in(tmp_path, *ids) == {
        "arm.mp4": "arm.mp4",
        "leg.mp4": "deep/leg.MP4",
        "foot.mp4": "foot.mp4.webm",
        "hand.mov": "v_hand.mov",
    }


def two_splits(folder: Path, train: str, test: str) -> Annotations:
    splits = {}
    for split, video in (("train", train), ("test", test)):
        splits[split] = folder / f"{split}.csv"
        splits[split].write_text(f"video,start,end,sentence\n{video},1,2,x\n")
    return Annotations(format="csv", splits=splits)


@pytest.mark.parametrize(
    ("files", "reason"),
    [
        (
            ["Kitchen 1.mp4", "other.mp4"],
            "found none of the 2 videos of train and test, such as kitchen_1, in this folder and its "
            "subfolders, but "
            "files of 2 other names; nearest: 'Kitchen 1' for 'kitchen_1', 'Kitchen 1' for 'kitchen_2'",
        ),
        (["kitchen_1.mp4"], "found none of the 1 videos of test, such as kitchen_2"),
        (["kitchen_1.txt"], "but no file that ends in .avi, .flv, "),
    ],
)
def test_a_split_without_any_file_stops_at_once_and_near_names_are_told(
    tmp_path: Path, files: list[str], reason: str
) -> None:
    videos = tmp_path / "videos"
    write_files(videos, *files)
    with pytest.raises(ValueError, match="expected files of the videos of every split") as error:
        list_videos(two_splits(tmp_path, "kitchen_1", "kitchen_2"), videos, 1, tmp_path / "videos.tsv")
    assert str(error.value).startswith(f"{videos}: ")
    assert reason in str(error.value)
    assert not (tmp_path / "videos.tsv").exists()


def test_an_absent_video_is_told_with_the_nearest_name(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    write_files(tmp_path / "videos", "a.mp4", "kitchen-2.mp4")
    with caplog.at_level(logging.WARNING):
        annotations = annotations_of(tmp_path, "a", "kitchen_2")
        list_videos(annotations, tmp_path / "videos", 1, tmp_path / "videos.tsv")
    assert (
        "1 of 2 videos have no file, such as kitchen_2; nearest: 'kitchen-2' for 'kitchen_2'" in caplog.text
    )
