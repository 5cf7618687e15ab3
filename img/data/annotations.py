"""Parsers of the datasets' annotation files."""

from __future__ import annotations

import logging
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from extractors.storage.files import read_json
from img.config.dataset import Annotations

_CHARADES_LINE = re.compile(
    r"(?P<video>\S+) (?P<start>\S+) (?P<end>[^\s#]+)##(?:(?P<query>qid_\d+)##)?(?P<sentence>.*)", re.DOTALL
)

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Query:
    """A sentence and the moment it describes.

    Attributes:
        query: the query's id, unique in its split.
        split: name of the split.
        video: the video's id.
        duration: of the video, in seconds.
        start: of the moment, in seconds, as annotated.
        end: of the moment, in seconds, clamped to the duration.
        sentence: the query's text.
        fault: why it cannot be used, or an empty string.
    """

    query: str
    split: str
    video: str
    duration: float
    start: float
    end: float
    sentence: str
    fault: str


def read_queries(annotations: Annotations) -> list[Query]:
    """Reads every split's queries, in file order.

    Raises:
        ValueError: where a file is not in the format; the message names the file and line.
    """
    durations = read_durations(annotations.durations) if annotations.durations else {}
    queries: list[Query] = []
    for split, path in annotations.splits.items():
        if annotations.format == "charades_sta":
            found = list(_charades_sta(path, split, durations))
        else:
            found = list(_activitynet_captions(path, split))
        if not found:
            raise ValueError(f"{path}: expected queries, found none")
        unfit = sorted({query.video for query in found if not _names_a_file(query.video)})
        if unfit:
            raise ValueError(f"{path}: expected ids of videos that can name files, found {unfit[0]!r}")
        faulty = [query for query in found if query.fault]
        for query in faulty[:5]:
            log.warning(f"{path}: {query.query} of video {query.video} is left out: {query.fault}")
        if faulty:
            log.warning(f"{path}: {len(faulty)} of {len(found)} queries are left out")
        queries.extend(found)
    return queries


def read_durations(path: Path) -> dict[str, float]:
    """Reads the videos' durations, in seconds, from JSON of video -> {"duration": seconds}."""
    content = read_json(path)
    try:
        return {video: float(entry["duration"]) for video, entry in content.items()}
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise ValueError(
            f'{path}: expected {{video: {{"duration": seconds}}}}, found something else ({error!r})'
        ) from error


def _charades_sta(path: Path, split: str, durations: dict[str, float]) -> Iterator[Query]:
    for number, line in enumerate(_read_text(path).split("\n")):
        if not line.strip():
            continue
        match = _CHARADES_LINE.fullmatch(line)
        where = f"{path}, line {number + 1}"
        if match is None:
            raise ValueError(f"{where}: expected `video start end##sentence`, found {line!r}")
        video = match["video"]
        if video not in durations:
            raise ValueError(f"{where}: the durations hold no video {video!r}")
        query = match["query"] or f"{split}_{number}"
        span = _seconds(match["start"], where), _seconds(match["end"], where)
        yield _query(query, split, video, durations[video], span, match["sentence"])


def _read_text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise ValueError(f"{path}: expected text in UTF-8, found something else ({error})") from error


def _activitynet_captions(path: Path, split: str) -> Iterator[Query]:
    content = read_json(path)
    if not isinstance(content, dict):
        raise ValueError(f"{path}: expected an object of videos, found a {type(content).__name__}")
    for video, entry in content.items():
        where = f"{path}, video {video}"
        missing = {"duration", "timestamps", "sentences"} - set(entry if isinstance(entry, dict) else ())
        if missing:
            raise ValueError(
                f"{where}: expected the keys duration, timestamps, sentences; {sorted(missing)} lack"
            )
        if len(entry["timestamps"]) != len(entry["sentences"]):
            raise ValueError(
                f"{where}: expected as many timestamps as sentences, found "
                f"{len(entry['timestamps'])} and {len(entry['sentences'])}"
            )
        for number, (span, sentence) in enumerate(zip(entry["timestamps"], entry["sentences"], strict=True)):
            if not isinstance(span, list) or len(span) != 2:
                raise ValueError(f"{where}: expected a start and an end, found {span!r}")
            if not isinstance(sentence, str):
                raise ValueError(f"{where}: expected a sentence, found {sentence!r}")
            duration = _seconds(entry["duration"], where)
            times = _seconds(span[0], where), _seconds(span[1], where)
            yield _query(f"{video}_{number}", split, video, duration, times, sentence)


def _names_a_file(video: str) -> bool:
    """Tells whether features can be kept under an id, in a folder and in tables separated by tabs."""
    return video == " ".join(video.split()) and "/" not in video and video[:1] not in ("", ".")


def _query(
    query: str, split: str, video: str, duration: float, span: tuple[float, float], sentence: str
) -> Query:
    start, end = span[0], min(span[1], duration)
    fault = ""
    if start < 0 or start >= duration:
        fault = f"its start {start:g} s lies outside the video of {duration:g} s"
    elif end <= start:
        fault = f"its end {span[1]:g} s does not come after its start {start:g} s"
    elif not sentence.strip():
        fault = "it has no words"
    return Query(query, split, video, duration, start, end, sentence.strip(), fault)


def _seconds(value: Any, where: str) -> float:
    try:
        seconds = float(value)
    except (TypeError, ValueError):
        seconds = math.nan
    if not math.isfinite(seconds):
        raise ValueError(f"{where}: expected seconds, found {value!r}")
    return seconds
