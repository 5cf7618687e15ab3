"""What can be wrong with a media file, as errors whose message names the file."""

from __future__ import annotations

from pathlib import Path


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


class NoTextError(MediaError):
    """A file of texts holds none, as of a video in which nobody speaks: legitimate."""

    @property
    def status(self) -> str:
        """What the manifest says of the video."""
        return "no_text"


class ShortMediaError(MediaError):
    """A media file ends before its header says; what it gave until then is right.

    Attributes:
        path: the file.
        reached: seconds that the stream gave, from its first frame or sample.
        promised: seconds that the header says; None where only bytes are known to be missing.
    """

    def __init__(self, path: Path, reached: float, promised: float | None) -> None:
        promise = "an unknown length" if promised is None else f"{promised:.1f} s"
        super().__init__(f"{path}: cut short, {reached:.1f} of {promise}; fetch it again")
        self.path = path
        self.reached = reached
        self.promised = promised

    @property
    def status(self) -> str:
        """What the manifest says of the video."""
        return short_status(self.reached, self.promised)

    def __reduce__(self) -> tuple[type[ShortMediaError], tuple[Path, float, float | None]]:
        """Says how to rebuild the error in another process."""
        return type(self), (self.path, self.reached, self.promised)


def short_status(reached: float, promised: float | None) -> str:
    """What the manifest says of a video whose file gave `reached` of `promised` seconds, None if unknown."""
    return f"short: {reached:.1f} of {'unknown' if promised is None else f'{promised:.1f}'} s"
