"""ActivityNet Captions: JSON of video -> duration, timestamps, sentences."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from extractors.storage.files import read_json
from img.data.annotations.query import Query, check_sentence, check_video, make_query
from img.data.annotations.times import check_seconds, check_window


def parse(path: Path, split: str) -> Iterator[Query]:
    """Yields a file's queries, in its order.

    Args:
        path: the file.
        split: its name.

    Raises:
        ValueError: an entry is malformed; the message names file and video.
    """
    content = read_json(path)
    if not isinstance(content, dict):
        raise ValueError(f"{path}: expected an object of videos, found a {type(content).__name__}")
    for video, entry in content.items():
        where = f"{path}, video {check_video(video, str(path))}"
        keys = set(entry if isinstance(entry, dict) else ())
        # Charades-CD calls it by another name.
        length = "video_duration" if "video_duration" in keys and "duration" not in keys else "duration"
        missing = {length, "timestamps", "sentences"} - keys
        if missing:
            raise ValueError(
                f"{where}: expected the keys duration, timestamps, sentences; "
                f"missing: {', '.join(sorted(missing))}"
            )
        duration = check_seconds(entry[length], where)
        windows, sentences = (_check_list(entry, key, where) for key in ("timestamps", "sentences"))
        if len(windows) != len(sentences):
            raise ValueError(
                f"{where}: expected as many timestamps as sentences, found {len(windows)} and "
                f"{len(sentences)}"
            )
        for number, (window, sentence) in enumerate(zip(windows, sentences, strict=True)):
            place = f"{where}: query {number}"
            times, text = check_window(window, place), check_sentence(sentence, place)
            yield make_query(f"{video}_{number}", split, video, duration, [times], text)


def _check_list(entry: Mapping[str, Any], key: str, where: str) -> list[Any]:
    values = entry[key]
    if not isinstance(values, list):
        raise ValueError(f"{where}: {key}: expected a list, found {values!r:.200}")
    return values
