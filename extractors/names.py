"""What the files of a video may be called."""

from __future__ import annotations

import os

PREFIX = "v_"
"""What ActivityNet's files have in front of the video's id, and other lists leave out."""

VIDEO_SUFFIXES = frozenset({".mp4", ".mkv", ".webm", ".avi", ".mov", ".m4v", ".flv", ".mpg", ".mpeg", ".wmv"})
"""Compared in lower case. An unfinished download ends in .part or .ytdl and so is none."""

# Bytes: file systems of Linux allow no more, some less.
_LONGEST_NAME = 255


def video_names(video: str) -> list[str]:
    """Lists what a video's files may be called, without suffix: its id, with or without `v_` in front."""
    return list(dict.fromkeys((video, f"{PREFIX}{video}", video.removeprefix(PREFIX))))


def without_suffix(name: str) -> str:
    """Returns a file's name, or an id that is one, without the suffix of a video where it has one."""
    stem, _, suffix = name.rpartition(".")
    return stem if stem and f".{suffix.lower()}" in VIDEO_SUFFIXES else name


def check_name(video: str) -> None:
    """Refuses an id that cannot be the name of a video's files, `{id}.npy` and `{id}.json`.

    Raises:
        ValueError: saying why.
    """
    try:
        length = len(os.fsencode(f"{video}.json"))
    except UnicodeEncodeError:
        length = 0
    if length > _LONGEST_NAME:
        raise ValueError(
            f"expected an id of at most {_LONGEST_NAME - len('.json')} bytes, as {{id}}.json is a file's "
            f"name, found one of {length - len('.json')}; rename the video"
        )
    if not video or not length or "/" in video or "\0" in video:
        raise ValueError(f"expected an id that can be a file's name, found {video!r}; rename the video")
