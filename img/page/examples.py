"""Sentences to try, of a run's own test split, where its folder still knows the videos."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from img.data.text.queries import QUERIES, read_queries_table
from img.data.videos import read_files

_SPLIT = "test"
_FOLDERS_ABOVE = 5
"""Of a run, up to the project's: variant, runs, dataset, results, project."""


@dataclass(frozen=True)
class Example:
    """A sentence about a video of the test split.

    Attributes:
        video: the video's id.
        path: its file.
        sentence: the query.
        start: of the annotated moment, in seconds.
        end: of the annotated moment, in seconds.
    """

    video: str
    path: Path
    sentence: str
    start: float
    end: float


def find_examples(run: Path, count: int) -> list[Example]:
    """Finds test queries whose videos are there, each of another video, spread over the split.

    The workflow puts a run into `results/{dataset}/runs/{variant}/seed{seed}/`; the dataset's folder has the
    table of videos and the queries. A run that lies elsewhere has no examples.

    Args:
        run: the run's folder.
        count: the most to find.
    """
    above = run.resolve().parents
    if len(above) < _FOLDERS_ABOVE:
        return []
    dataset, project = above[2], above[4]
    videos, queries = dataset / "videos.tsv", dataset / "queries"
    if not videos.is_file() or not (queries / QUERIES).is_file():
        return []
    files = {
        video: found
        for video, (path, _) in read_files(videos).items()
        if path and (found := _locate(path, project)) is not None
    }
    table = read_queries_table(queries)
    usable = table[(table["split"] == _SPLIT) & table["video"].isin(list(files)) & (table["fault"] == "")]
    return _spread([_read(row, files) for _, row in usable.drop_duplicates("video").iterrows()], count)


def _locate(path: str, project: Path) -> Path | None:
    """Finds a file that is named relative to the project's folder, from wherever the page is started."""
    return next((found.resolve() for found in (Path(path), project / path) if found.is_file()), None)


def _read(row: pd.Series, files: dict[str, Path]) -> Example:
    return Example(row["video"], files[row["video"]], row["sentence"], float(row["start"]), float(row["end"]))


def _spread(examples: Sequence[Example], count: int) -> list[Example]:
    step = max(len(examples) // count, 1) if count else 1
    return list(examples[::step][:count])
