"""Every split's queries, whatever the format of their files."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from extractors.names import PREFIX, without_suffix
from img.config.dataset import Annotations, QuerySubset
from img.data.annotations import activitynet_captions, charades_sta, csv_table, novel_words, qvhighlights
from img.data.annotations.durations import read_durations
from img.data.annotations.query import Query

_TRAIN = "train"

log = logging.getLogger(__name__)


def read_queries(annotations: Annotations) -> list[Query]:
    """Reads every split's queries, in file order.

    Raises:
        ValueError: where a file is not in the format, or holds no query that can be used; the message names
            the file and line.
    """
    durations = read_durations(annotations.durations) if annotations.durations else {}
    queries: list[Query] = []
    for split, path in annotations.splits.items():
        found = list(_parse(annotations.format, path, split, durations))
        _report_faults(path, found)
        queries.extend(found)
    _refuse_twins({query.video: annotations.splits[query.split] for query in queries})
    _report_shared_videos(queries)
    for name, subset in annotations.subsets.items():
        queries.extend(_choose_subset(name, subset, annotations.splits[subset.split], queries))
    return queries


def _parse(format: str, path: Path, split: str, durations: Mapping[str, float]) -> Iterator[Query]:
    if format == "charades_sta":
        return charades_sta.parse(path, split, durations)
    parsers = {
        "activitynet_captions": activitynet_captions.parse,
        "csv": csv_table.parse,
        "qvhighlights": qvhighlights.parse,
    }
    return parsers[format](path, split)


def _report_faults(path: Path, queries: Sequence[Query]) -> None:
    if not queries:
        raise ValueError(f"{path}: expected queries, found none")
    faulty = [query for query in queries if query.fault]
    if len(faulty) == len(queries):
        raise ValueError(
            f"{path}: expected queries that can be used, found none among its {len(queries)}; the first, "
            f"{faulty[0].query} of video {faulty[0].video}: {faulty[0].fault}"
        )
    for query in faulty[:5]:
        log.warning(f"{path}: {query.query} of video {query.video} is left out: {query.fault}")
    if faulty:
        log.warning(f"{path}: {len(faulty)} of {len(queries)} queries are left out")


def _choose_subset(name: str, subset: QuerySubset, path: Path, queries: Sequence[Query]) -> list[Query]:
    """Repeats some queries of a split under the name of a subset."""
    chosen = novel_words.find_queries(path, subset.part_of_speech)
    found = [
        replace(query, split=name)
        for query in queries
        if query.split == subset.split and query.query in chosen
    ]
    if not found:
        raise ValueError(
            f"{path}: expected queries with a novel word that is a {subset.part_of_speech}, for the subset "
            f"{name}, found none"
        )
    return found


def _refuse_twins(files: Mapping[str, Path]) -> None:
    """Refuses two ids of one file: files and arrays are found with and without `v_`, files without suffix."""
    for video, path in files.items():
        if (short := without_suffix(video)) != video and short in files:
            raise ValueError(
                f"{path}: expected one id of each video, found {video!r} and {short!r}; files of both are "
                "found by either"
            )
        if f"{PREFIX}{video}" in files:
            raise ValueError(
                f"{path}: expected ids of videos that differ in more than `{PREFIX}` in front, "
                f"found {video!r} and '{PREFIX}{video}'"
            )


def _report_shared_videos(queries: Sequence[Query]) -> None:
    """Warns of videos that are trained on and asked about: answers to these tell little of other videos."""
    videos: dict[str, set[str]] = {}
    for query in queries:
        videos.setdefault(query.split, set()).add(query.video)
    for split, found in videos.items():
        shared = sorted(found & videos.get(_TRAIN, set())) if split != _TRAIN else []
        if shared:
            log.warning(
                f"{len(shared)} of {len(found)} videos of split {split} are in split {_TRAIN} too, such as "
                f"{shared[0]}: what a model answers about them tells little of new videos"
            )
