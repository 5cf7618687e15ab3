"""What can be wrong with a media file, as errors whose message names the file."""

from __future__ import annotations


class MediaError(ValueError):
    """A media file cannot be read: absent, empty, damaged, or without the stream that is asked for."""

    @property
    def status(self) -> str:
        """What the manifest says of the video."""
        return f"failed: {self}"


class NoAudioError(MediaError):
    """A media file holds no sound: legitimate, and no other decoder will find any."""

    @property
    def status(self) -> str:
        """What the manifest says of the video."""
        return "no_audio"
