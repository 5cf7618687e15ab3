"""Stand-ins for a dataset's files, real annotations apart: what Snakemake asks after to plan."""

from __future__ import annotations

import csv
import logging
import shutil
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from extractors.storage.files import sha256_of, write_json
from extractors.storage.manifest import Row, write_manifest
from img.config.base import check
from img.config.dataset import Dataset
from img.data.annotations.reading import read_queries

ROOT = Path(__file__).parents[1]
ANNOTATIONS = (ROOT.parent / "shared" / "data" / "annotations", ROOT / "resources")
"""Where the real annotations may lie: beside the project, or fetched."""

SECONDS = 30.0
# Names that one file is given; ext4 allows 65,000.
MOST_LINKS = 60_000


def find_annotations(name: str) -> Path | None:
    """Gives the folder that holds a shipped dataset's real annotations, if there is one."""
    return next((folder / name for folder in ANNOTATIONS if (folder / name).is_dir()), None)


def read_settings(name: str) -> dict[str, Any]:
    """Reads a shipped dataset's file as it stands."""
    settings: dict[str, Any] = yaml.safe_load((ROOT / "config" / "datasets" / f"{name}.yaml").read_text())
    return settings


def write_made_up_annotations(folder: Path, videos: int) -> dict[str, Any]:
    """Writes a query for each of some videos; returns the settings that name the files."""
    names = [f"V{number:05d}" for number in range(videos)]
    train = round(0.8 * videos)
    folder.mkdir(parents=True)
    for split, chosen in (("train", names[:train]), ("test", names[train:])):
        lines = (f"{name} 0.0 9.5##a person opens a door.\n" for name in chosen)
        (folder / f"{split}.txt").write_text("".join(lines))
    write_json(folder / "durations.json", {name: {"duration": SECONDS} for name in names})
    splits = {split: str(folder / f"{split}.txt") for split in ("train", "test")}
    return {"format": "charades_sta", "durations": str(folder / "durations.json"), "splits": splits}


def write_project(folder: Path, name: str, settings: dict[str, Any]) -> list[str]:
    """Writes a project folder for a dataset: configuration, annotations, and stand-ins for every other file.

    Args:
        folder: the project's folder, new or with annotations in it.
        name: the dataset's name; where it is a shipped one, its real annotations are linked.
        settings: the dataset's settings.

    Returns:
        The videos' ids; each has a file, all of them hard links of one but the first, a copy.
    """
    shutil.copytree(ROOT / "config", folder / "config")
    (folder / "config" / "datasets" / f"{name}.yaml").write_text(yaml.safe_dump(settings, sort_keys=False))
    dataset = check(Dataset, settings, name)
    real = find_annotations(name)
    for path in dataset.annotations.files:
        if not (folder / path).exists() and real is not None:
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).symlink_to((real / path.name).resolve())
    parameters = [value for extractor in dataset.extractors.values() for _, value in extractor.parameters]
    for value in (*parameters, dataset.queries.embedding):
        if isinstance(value, Path):
            (folder / value).parent.mkdir(parents=True, exist_ok=True)
            (folder / value).touch()
    if dataset.videos is None:
        raise ValueError(f"{name}: expected a dataset of videos, found one without")
    videos = _video_ids(folder, dataset)
    (folder / dataset.videos).mkdir(parents=True)
    # As if the videos had been unpacked from an archive.
    (folder / dataset.videos / f"{name}.unpacked.tsv").touch()
    first, *rest = (folder / dataset.videos / f"{video}.mp4" for video in videos)
    first.write_bytes(bytes(10_000))
    if rest:
        shutil.copyfile(first, rest[0])
        _link(rest[0], rest[1:])
    return videos


def _video_ids(folder: Path, dataset: Dataset) -> list[str]:
    annotations = dataset.annotations
    files = {split: folder / path for split, path in annotations.splits.items()}
    durations = folder / annotations.durations if annotations.durations else None
    logging.getLogger("img.data.annotations.reading").setLevel(logging.ERROR)
    queries = read_queries(annotations.model_copy(update={"splits": files, "durations": durations}))
    return sorted({query.video for query in queries})


def make_command(folder: Path, *arguments: str) -> list[str]:
    """Gives the command that runs the project's workflow in a folder."""
    command = [sys.executable, "-m", "snakemake", "--snakefile", str(ROOT / "workflow" / "Snakefile")]
    return [*command, "--directory", str(folder), "--cores", "2", *arguments]


def write_results(folder: Path, name: str, settings: dict[str, Any], target: str) -> None:
    """Puts stand-ins for all results of a project in place and has Snakemake believe it made them.

    Manifests list an array for every video, and the arrays are there; every other result is an empty file.
    """
    _run(make_command(folder, f"results/{name}/videos.tsv"))
    with (folder / f"results/{name}/videos.tsv").open(newline="") as file:
        shards: dict[str, list[str]] = {}
        for row in csv.DictReader(file, delimiter="\t"):
            shards.setdefault(row["shard"], []).append(row["video"])
    for extractor in settings["extractors"]:
        _write_features(folder / f"results/{name}/features/{extractor}", shards)
    summary = _run(make_command(folder, "--summary", target))
    for line in summary.splitlines()[1:]:
        path = folder / line.split("\t")[0]
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.name == "events":
            path.mkdir(exist_ok=True)
        elif not path.exists():
            path.touch()
    _run(make_command(folder, "--touch", "--forceall", target))


def _write_features(folder: Path, shards: dict[str, list[str]]) -> None:
    folder.mkdir(parents=True)
    array = folder.parent / f"{folder.name}.npy"
    np.save(array, np.zeros((1, 1), np.float32))
    hashed = sha256_of(array)
    for shard, videos in shards.items():
        rows = [Row(video, "ok", 1, 1, SECONDS, hashed, hashed) for video in videos]
        write_manifest(folder / "shards" / f"{shard}.tsv", rows)
        _link(array, (folder / f"{video}.npy" for video in videos))


def _link(source: Path, names: Iterable[Path]) -> None:
    for number, name in enumerate(names, start=2):
        if number % MOST_LINKS:
            name.hardlink_to(source)
        else:
            source = Path(shutil.copyfile(source, name))


def _run(command: list[str]) -> str:
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(command)} failed:\n{(done.stdout + done.stderr)[-3000:]}")
    return done.stdout
