"""Parsers of the datasets' annotation files."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeGuard

from extractors.names import PREFIX
from extractors.storage.files import read_json
from img.config.dataset import Annotations, QuerySubset
from img.data.annotations import novel_words

_CHARADES_LINE = re.compile(
    r"(?P<video>\S+) (?P<start>\S+) (?P<end>[^\s#]+)##(?:(?P<query>qid_\d+)##)?(?P<sentence>.*)", re.DOTALL
)
_LINE_END = re.compile(r"\r\n|\r|\n")
_NUMBER = re.compile(r"[-+]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][-+]?[0-9]+)?")
_SECOND_RECORD = re.compile(rf"\S+ {_NUMBER.pattern} {_NUMBER.pattern}##")

_LONGEST = 1e6
"""Seconds; a longer video, or no number at all, is a mistake in the file."""

_LONGEST_NAME = 250
"""Bytes; file systems hold names of 255, and a suffix such as .json follows."""

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
        faulty = [query for query in found if query.fault]
        for query in faulty[:5]:
            log.warning(f"{path}: {query.query} of video {query.video} is left out: {query.fault}")
        if faulty:
            log.warning(f"{path}: {len(faulty)} of {len(found)} queries are left out")
        queries.extend(found)
    _refuse_twins({query.video: annotations.splits[query.split] for query in queries})
    for name, subset in annotations.subsets.items():
        queries.extend(_choose_subset(name, subset, annotations.splits[subset.split], queries))
    return queries


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
    """Refuses two videos whose names differ in `v_` alone: files and arrays are found by either name."""
    for video, path in files.items():
        if f"{PREFIX}{video}" in files:
            raise ValueError(
                f"{path}: expected ids of videos that differ in more than `{PREFIX}` in front, "
                f"found {video!r} and '{PREFIX}{video}'"
            )


def read_durations(path: Path) -> dict[str, float]:
    """Reads the videos' durations, in seconds, from JSON of video -> {"duration": seconds}.

    Raises:
        ValueError: where the file is something else; the message names it and the video.
    """
    content = read_json(path)
    expected = f'{path}: expected {{video: {{"duration": seconds}}}}, found'
    if not isinstance(content, dict):
        raise ValueError(f"{expected} a {type(content).__name__}")
    durations = {}
    for video, entry in content.items():
        seconds = entry.get("duration") if isinstance(entry, dict) else None
        if not _is_seconds(seconds):
            raise ValueError(f"{expected} {entry!r:.200} for video {video!r:.200}")
        durations[video] = float(seconds)
    return durations


def _charades_sta(path: Path, split: str, durations: dict[str, float]) -> Iterator[Query]:
    lines: dict[str, int] = {}
    repeated: list[str] = []
    for number, line in enumerate(_LINE_END.split(_read_text(path))):
        if not line.strip():
            continue
        match = _CHARADES_LINE.fullmatch(line)
        where = f"{path}, line {number + 1}"
        if match is None:
            raise ValueError(f"{where}: expected `video start end##sentence`, found {line!r:.200}")
        sentence = _check_charades_sentence(match["sentence"], where)
        video = _check_video(match["video"], where)
        if video not in durations:
            raise ValueError(f"{where}: video {video!r} has no entry in the durations file")
        query = match["query"] or f"{split}_{number}"
        if lines.setdefault(query, number + 1) <= number:
            repeated.append(f"{query} in lines {lines[query]} and {number + 1}")
        span = _parse_seconds(match["start"], where), _parse_seconds(match["end"], where)
        yield _query(query, split, video, durations[video], span, sentence)
    if repeated:
        raise ValueError(
            f"{path}: expected an id of its own for each query, found {len(repeated)} ids given again: "
            + ", ".join(repeated[:5])
        )


def _check_charades_sentence(sentence: str, where: str) -> str:
    first, separator, _ = sentence.partition("##")
    if separator and " " not in first:
        raise ValueError(f"{where}: expected `qid_N` or a sentence after `##`, found {first!r:.200}")
    if second := _SECOND_RECORD.search(sentence):
        raise ValueError(f"{where}: expected one query in a line, found a second: {second[0]!r:.200}")
    return sentence


def _read_text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise ValueError(f"{path}: expected text in UTF-8, found something else ({error})") from error


def _activitynet_captions(path: Path, split: str) -> Iterator[Query]:
    content = read_json(path)
    if not isinstance(content, dict):
        raise ValueError(f"{path}: expected an object of videos, found a {type(content).__name__}")
    for video, entry in content.items():
        where = f"{path}, video {_check_video(video, str(path))}"
        keys = set(entry if isinstance(entry, dict) else ())
        # Charades-CD calls it by another name.
        length = "video_duration" if "video_duration" in keys and "duration" not in keys else "duration"
        missing = {length, "timestamps", "sentences"} - keys
        if missing:
            raise ValueError(
                f"{where}: expected the keys duration, timestamps, sentences; "
                f"missing: {', '.join(sorted(missing))}"
            )
        duration = _seconds(entry[length], where)
        spans, sentences = (_check_list(entry, key, where) for key in ("timestamps", "sentences"))
        if len(spans) != len(sentences):
            raise ValueError(
                f"{where}: expected as many timestamps as sentences, found {len(spans)} and {len(sentences)}"
            )
        for number, (span, sentence) in enumerate(zip(spans, sentences, strict=True)):
            place = f"{where}: query {number}"
            if not isinstance(span, list) or len(span) != 2:
                raise ValueError(f"{place}: expected a start and an end, found {span!r:.200}")
            if not isinstance(sentence, str):
                raise ValueError(f"{place}: expected a sentence, found {sentence!r:.200}")
            if not _is_text(sentence):
                raise ValueError(f"{place}: expected text, found half a character in {sentence!r:.200}")
            times = _seconds(span[0], place), _seconds(span[1], place)
            yield _query(f"{video}_{number}", split, video, duration, times, sentence)


def _check_list(entry: Mapping[str, Any], key: str, where: str) -> list[Any]:
    values = entry[key]
    if not isinstance(values, list):
        raise ValueError(f"{where}: {key}: expected a list, found {values!r:.200}")
    return values


def _is_text(sentence: str) -> bool:
    """Tells whether text can be written: JSON may hold one half of a surrogate pair."""
    try:
        sentence.encode()
    except UnicodeEncodeError:
        return False
    return True


def _check_video(video: str, where: str) -> str:
    """Refuses an id under which features cannot be kept, in a folder and in tables separated by tabs."""
    is_one_line = video == " ".join(video.split()) and video.isprintable()
    if not is_one_line or "/" in video or video[:1] in ("", "."):
        raise ValueError(f"{where}: expected ids of videos that can name files, found {video!r:.200}")
    if len(video.encode()) > _LONGEST_NAME:
        raise ValueError(
            f"{where}: expected ids of videos of at most {_LONGEST_NAME} bytes, found {len(video.encode())}: "
            f"{video!r:.200}"
        )
    return video


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


def _parse_seconds(text: str, where: str) -> float:
    """Reads seconds from text; `float` alone would also take 1_0 for 10."""
    if not _NUMBER.fullmatch(text):
        raise ValueError(f"{where}: expected seconds, found {text!r:.200}")
    return _seconds(float(text), where)


def _seconds(value: Any, where: str) -> float:
    if not _is_seconds(value):
        raise ValueError(f"{where}: expected seconds, found {value!r:.200}")
    return float(value)


def _is_seconds(value: Any) -> TypeGuard[float]:
    # A truth value is an int to Python, but no number in JSON.
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= _LONGEST
