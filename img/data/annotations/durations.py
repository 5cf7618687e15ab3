"""The videos' durations, where they stand in a file of their own."""

from __future__ import annotations

from pathlib import Path

from extractors.storage.files import read_json
from img.data.annotations.times import is_seconds


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
        if not is_seconds(seconds):
            raise ValueError(f"{expected} {entry!r:.200} for video {video!r:.200}")
        durations[video] = float(seconds)
    return durations
