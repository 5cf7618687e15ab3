"""Where a dataset's videos are: which file is which video's, which shard it belongs to."""

from __future__ import annotations

import csv
import logging
import os
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from extractors.names import VIDEO_SUFFIXES, video_names, without_suffix
from extractors.storage.files import replacing
from extractors.storage.manifest import shard_of
from img.config.dataset import Annotations
from img.data.annotations.query import Query
from img.data.annotations.reading import read_queries
from img.data.near_names import name_nearest

COLUMNS = ("video", "shard", "path", "others")

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class VideoFile:
    """The file of a video.

    Attributes:
        path: the file that is taken.
        others: further files of the same video, which are not.
    """

    path: Path
    others: tuple[Path, ...] = ()


def walk_folders(folder: Path) -> Iterator[tuple[Path, list[str]]]:
    """Yields a folder and its subfolders, links followed, with their files' names.

    A folder that is reached again by a link, as in a circle of links, is not entered a second time.
    """
    seen: set[tuple[int, int]] = set()
    for parent, folders, names in os.walk(folder, followlinks=True):
        state = Path(parent).stat()
        if (state.st_dev, state.st_ino) in seen:
            folders.clear()
            continue
        seen.add((state.st_dev, state.st_ino))
        folders.sort()
        yield Path(parent), names


def find_videos(folder: Path, videos: Sequence[str]) -> dict[str, VideoFile]:
    """Finds the files of a dataset's videos in a folder and its subfolders, by their names (`video_names`).

    An id that ends in the suffix of a video is also found as the whole name of a file.

    Where a video has several files, one that is not empty comes before an empty one, then the first in the
    order of paths is taken.

    Args:
        folder: where to look.
        videos: ids of the videos.

    Returns:
        The file of each video that has one.

    Raises:
        ValueError: where a video's path holds braces.
    """
    return _match(_list_files(folder), videos)


def _list_files(folder: Path) -> dict[str, list[Path]]:
    """Lists the video files in a folder and its subfolders by their names without suffix."""
    files: dict[str, list[Path]] = {}
    for parent, names in walk_folders(folder):
        for path in map(parent.joinpath, names):
            if path.suffix.lower() in VIDEO_SUFFIXES:
                files.setdefault(path.stem, []).append(path)
    return files


def _match(files: Mapping[str, Sequence[Path]], videos: Iterable[str]) -> dict[str, VideoFile]:
    found: dict[str, VideoFile] = {}
    for video in videos:
        candidates = [
            path for name in video_names(video) for path in _files_of(name, files) if path.is_file()
        ]
        if candidates:
            path, *others = sorted(candidates, key=lambda path: (path.stat().st_size == 0, path))
            if set("{}") & set(str(path)):
                raise ValueError(f"{path}: expected a path without braces, which Snakemake would fill in")
            found[video] = VideoFile(path, tuple(others))
    return found


def _files_of(name: str, files: Mapping[str, Sequence[Path]]) -> list[Path]:
    """Lists the files of a name, with any suffix or with that in which the name itself ends."""
    found = list(files.get(name, []))
    if (stem := without_suffix(name)) != name:
        suffix = name.removeprefix(stem).lower()
        found += [path for path in files.get(stem, []) if path.suffix.lower() == suffix]
    return found


def list_videos(annotations: Annotations, folder: Path | None, shards: int, path: Path) -> None:
    """Writes the table of a dataset's videos, sorted by id, and tells in the log what was found.

    Its columns: video, shard, path (empty where no file was found), others (further files of the video, which
    are not read, separated by ` | `).

    Args:
        annotations: name the videos.
        folder: where the files are; None where no video is read.
        shards: number of shards.
        path: the table to write.

    Raises:
        ValueError: where no video of a split has a file: nothing could be trained, or asked.
    """
    queries = read_queries(annotations)
    videos = sorted({query.video for query in queries})
    files = _list_files(folder) if folder else {}
    found = _match(files, videos)
    if folder:
        _require_files(folder, queries, found, files)
        _report(folder, videos, found, files)
    with replacing(path) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file, delimiter="\t", lineterminator="\n")
        table.writerow(COLUMNS)
        for video in videos:
            table.writerow((video, f"{shard_of(video, shards):03d}", *_cells(found.get(video))))


def _require_files(
    folder: Path, queries: Iterable[Query], found: Mapping[str, VideoFile], names: Collection[str]
) -> None:
    """Refuses splits without any file, before hours are spent on the others."""
    splits: dict[str, set[str]] = {}
    for query in queries:
        splits.setdefault(query.split, set()).add(query.video)
    empty = [split for split, videos in splits.items() if not videos & found.keys()]
    if not empty:
        return
    absent = sorted(set().union(*(splits[split] for split in empty)))
    there = (
        f"files of {len(names)} other names"
        if names
        else f"no file that ends in {', '.join(sorted(VIDEO_SUFFIXES))}"
    )
    raise ValueError(
        f"{folder}: expected files of the videos of every split, found none of the {len(absent)} videos of "
        f"{' and '.join(empty)}, such as {absent[0]}, in this folder and its subfolders, but {there}"
        f"{name_nearest(absent, names)}; a file is called as its video's id, with any suffix of a video"
    )


def _report(
    folder: Path, videos: Sequence[str], found: Mapping[str, VideoFile], names: Collection[str]
) -> None:
    """Tells of several files of one video one by one, of absent videos, which may be thousands, in a line."""
    several = {video: source for video, source in found.items() if source.others}
    for video, source in several.items():
        others = ", ".join(map(str, source.others))
        log.warning(f"video {video}: several files; {source.path} is taken, not {others}")
    absent = [video for video in videos if video not in found]
    log.info(f"{folder}: {len(found)} of {len(videos)} videos found, {len(several)} of them more than once")
    if absent:
        log.warning(
            f"{folder}: {len(absent)} of {len(videos)} videos have no file, such as {absent[0]}"
            f"{name_nearest(absent, names)}"
        )


def read_files(table: Path) -> dict[str, tuple[str, str | None]]:
    """Reads, from the table of videos, each one's file and further files, empty where it has none.

    A table of an earlier version tells nothing of further files: None.
    """
    with table.open(newline="", encoding="utf-8") as file:
        rows = csv.DictReader(file, delimiter="\t")
        return {row["video"]: (row["path"], row.get("others")) for row in rows}


def read_duplicates(table: Path) -> dict[str, str]:
    """Reads, from the table of videos, the further files of those videos that have several."""
    return {video: others for video, (_, others) in read_files(table).items() if others}


def is_current(table: Path, folder: Path) -> bool:
    """Tells whether the files that a table of videos lists are those that are found now."""
    listed = read_files(table)
    found = find_videos(folder, list(listed))
    return listed == {video: _cells(found.get(video)) for video in listed}


def _cells(source: VideoFile | None) -> tuple[str, str]:
    return (str(source.path), " | ".join(map(str, source.others))) if source else ("", "")
