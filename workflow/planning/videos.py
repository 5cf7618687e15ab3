"""Where a dataset's annotations and videos come from, and what tells that they changed."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import NamedTuple

from img.config.base import to_json
from img.data.videos import is_current, read_duplicates, walk_folders
from planning.features import list_array_paths
from planning.paths import name_video_table
from planning.project import Project
from planning.resources import find_local, is_simulated, require


class Watched(NamedTuple):
    """Folders and files that tell of added and removed videos.

    Attributes:
        paths: the folders and files.
        is_current: whether the table of videos is known to be right, however new they are.
    """

    paths: list[Path]
    is_current: bool


def list_annotation_files(project: Project, dataset: str) -> list[Path]:
    """Lists the files of a dataset's annotations.

    Raises:
        Refusal: where one is missing.
    """
    files = project.datasets[dataset].annotations.files
    source = f"config/datasets/{dataset}.yaml: annotations"
    return [require(project, path, source) for path in files]


def write_annotations(project: Project, dataset: str) -> str:
    """Writes where a dataset's annotations are, and how they are written, as JSON."""
    return to_json(project.datasets[dataset].annotations)


def count_shards(project: Project, dataset: str) -> int:
    """Gives the number of a dataset's shards."""
    return project.datasets[dataset].shards


def find_simulated_annotations(project: Project) -> dict[str, Path]:
    """Finds the files that a simulated Charades is drawn from, by the names of its script's options.

    Raises:
        Refusal: where one is missing.
        ValueError: where the dataset charades_simulated tells no durations.
    """
    source = "config/datasets/charades_simulated.yaml: annotations"
    annotations = project.datasets["charades_simulated"].annotations
    if annotations.durations is None:
        raise ValueError(f"{source}.durations: expected a file, found nothing")
    files = {**annotations.splits, "durations": annotations.durations}
    return {name: require(project, path, source) for name, path in files.items()}


def find_pictures(project: Project) -> Path:
    """Finds the captioned pictures that the videos of demo_pretrained are made of.

    Raises:
        Refusal: where they are missing.
    """
    advice = "apt-get install tuxpaint-stamps-default, or name a folder of your own (docs/pretrained.md)"
    return require(project, project.configuration.pictures, "config/config.yaml: pictures", advice)


def find_local_folder(project: Project, dataset: str) -> Path | None:
    """Finds the folder that the configuration puts in the place of the archive of a dataset's videos."""
    folder = project.datasets[dataset].videos
    path = find_local(project, project.resources.find_archive(folder)) if folder else None
    return path if path and path.is_dir() else None


def find_folder(project: Project, dataset: str) -> Path:
    """Finds the folder of a dataset's videos.

    Raises:
        ValueError: where the dataset names none.
    """
    folder = find_local_folder(project, dataset) or project.datasets[dataset].videos
    if folder is None:
        raise ValueError(f"config/datasets/{dataset}.yaml: videos: expected a folder, found nothing")
    return folder


def write_folder_option(project: Project, dataset: str) -> str:
    """Writes the option that names the folder of a dataset's videos, where any are read."""
    if not project.datasets[dataset].reads_videos:
        return ""
    return f"--folder {shlex.quote(str(find_folder(project, dataset)))}"


def list_unpacked(project: Project, dataset: str) -> list[Path]:
    """Lists the record of a dataset's unpacked videos, where they come from an archive of the manifest."""
    settings = project.datasets[dataset]
    if not settings.reads_videos or settings.videos is None:
        return []
    if project.resources.find_archive(settings.videos) and not find_local_folder(project, dataset):
        return [settings.videos / f"{dataset}.unpacked.tsv"]
    return []


def watch_folders(project: Project, dataset: str) -> Watched:
    """Lists what tells of added files: the videos' folder and its subfolders, or the record of an archive's.

    A folder's time changes with any file in it, such as an unfinished download: where no video's file came,
    went or moved, the table of videos need not be made again.

    Raises:
        Refusal: where the folder is missing.
    """
    settings = project.datasets[dataset]
    if not settings.reads_videos:
        # What is simulated has to be there once the shards' arrays are listed.
        arrays = list_array_paths(project, dataset)
        return Watched([path for path in arrays if is_simulated(path)], is_current=False)
    if record := list_unpacked(project, dataset):
        return Watched(record, is_current=False)
    folder = find_folder(project, dataset)
    require(project, folder, f"config/datasets/{dataset}.yaml: videos", settings.obtain_videos)
    subfolders = {path for path, _ in walk_folders(folder)} - {folder}
    table = Path(name_video_table(dataset))
    return Watched([folder, *sorted(subfolders)], table.exists() and is_current(table, folder))


def list_duplicates(dataset: str) -> list[str]:
    """Lists the further files of videos that have several, as the table of videos tells them."""
    table = Path(name_video_table(dataset))
    duplicates = read_duplicates(table) if table.exists() else {}
    return [f"{video}: {others}" for video, others in duplicates.items()]
