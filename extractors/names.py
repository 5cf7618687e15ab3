"""What the files of a video may be called."""

from __future__ import annotations

PREFIX = "v_"
"""What ActivityNet's files have in front of the video's id, and other lists leave out."""


def video_names(video: str) -> list[str]:
    """Lists what a video's files may be called, without suffix: its id, with or without `v_` in front."""
    return list(dict.fromkeys((video, f"{PREFIX}{video}", video.removeprefix(PREFIX))))
