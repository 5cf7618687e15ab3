"""What can be wrong with a media file, as errors whose message names the file."""

from __future__ import annotations


class MediaError(ValueError):
    """A media file cannot be read: absent, empty, damaged, or without the stream that is asked for."""


class NoAudioError(MediaError):
    """A media file holds no sound: legitimate, and no other decoder will find any."""
