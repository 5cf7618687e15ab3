"""Charades-STA: lines `video start end##sentence`, or `video start end##qid_N##sentence`."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from img.data.annotations.lines import read_lines
from img.data.annotations.query import Query, check_video, make_query
from img.data.annotations.times import NUMBER, parse_seconds

_LINE = re.compile(
    r"(?P<video>\S+) (?P<start>\S+) (?P<end>[^\s#]+)##(?:(?P<query>qid_\d+)##)?(?P<sentence>.*)", re.DOTALL
)
_SECOND_RECORD = re.compile(rf"\S+ {NUMBER} {NUMBER}##")
_SPACE_IN_VIDEO = re.compile(rf"(?P<video>\S+(?: \S+)+) {NUMBER} {NUMBER}##.*", re.DOTALL)


def parse(path: Path, split: str, durations: Mapping[str, float]) -> Iterator[Query]:
    """Yields a file's queries, in its order.

    Args:
        path: the file.
        split: its name.
        durations: of each video, in seconds.

    Raises:
        ValueError: a line is malformed, or an id is given twice; the message names file and line.
    """
    lines: dict[str, int] = {}
    repeated: list[str] = []
    for number, line in read_lines(path):
        where = f"{path}, line {number}"
        match = _LINE.fullmatch(line)
        if match is None:
            raise ValueError(
                f"{where}: expected `video start end##sentence`, found {line!r:.200}{_explain(line)}"
            )
        sentence = _check_sentence(match["sentence"], where)
        video = check_video(match["video"], where)
        if video not in durations:
            raise ValueError(f"{where}: video {video!r} has no entry in the durations file")
        query = match["query"] or f"{split}_{number - 1}"
        if lines.setdefault(query, number) < number:
            repeated.append(f"{query} in lines {lines[query]} and {number}")
        window = parse_seconds(match["start"], where), parse_seconds(match["end"], where)
        yield make_query(query, split, video, durations[video], [window], sentence)
    if repeated:
        raise ValueError(
            f"{path}: expected an id of its own for each query, found {len(repeated)} ids given again: "
            + ", ".join(repeated[:5])
        )


def _explain(line: str) -> str:
    """Says why a line is malformed where the reason is a space in the video's id."""
    match = _SPACE_IN_VIDEO.fullmatch(line)
    if match is None:
        return ""
    return (
        f"; the space in the video's id {match['video']!r:.100} is the reason, as spaces separate the "
        "columns here: rename the video, or use another format, such as csv"
    )


def _check_sentence(sentence: str, where: str) -> str:
    first, separator, _ = sentence.partition("##")
    if separator and " " not in first:
        raise ValueError(f"{where}: expected `qid_N` or a sentence after `##`, found {first!r:.200}")
    if second := _SECOND_RECORD.search(sentence):
        raise ValueError(f"{where}: expected one query in a line, found a second: {second[0]!r:.200}")
    return sentence
