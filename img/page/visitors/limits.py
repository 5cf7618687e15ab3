"""What the page takes from a visitor, and the words for what it does not."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from img.data.videos import VIDEO_SUFFIXES


class RefusedError(ValueError):
    """What a visitor sent is not taken; the message is written for them."""


class BusyError(RefusedError):
    """The visitor is being served already; what is under way goes on."""


@dataclass(frozen=True)
class Limits:
    """How much one visitor, and all together, may ask of the server.

    Attributes:
        megabytes: largest upload.
        minutes: longest video.
        idle_minutes: after which the video of a visitor who does nothing is deleted.
        encodings: videos that are encoded at the same time; further ones wait.
        letters: longest sentence.
        answers: most answers to a question.
    """

    megabytes: float = 500.0
    minutes: float = 30.0
    idle_minutes: float = 60.0
    encodings: int = 2
    letters: int = 500
    answers: int = 10

    def check_name(self, name: str) -> None:
        """Refuses a file that is not called like a video.

        Raises:
            RefusedError: its ending is none of a video.
        """
        if Path(name).suffix.lower() not in VIDEO_SUFFIXES:
            endings = ", ".join(sorted(VIDEO_SUFFIXES))
            raise RefusedError(f"{name} is not called like a video. Choose a file that ends in {endings}.")

    def check_size(self, name: str, size: int) -> None:
        """Refuses a file of too many bytes.

        Raises:
            RefusedError: it is larger than `megabytes`.
        """
        if size > self.megabytes * 1e6:
            raise RefusedError(
                f"{name} is too large: {size / 1e6:.0f} MB, and this page takes up to {self.megabytes:g} MB."
            )

    def check_length(self, name: str, seconds: float) -> None:
        """Refuses a video that lasts too long.

        Raises:
            RefusedError: it lasts longer than `minutes`.
        """
        if seconds > self.minutes * 60:
            raise RefusedError(
                f"{name} is too long: {seconds / 60:.1f} minutes, and this page takes up to {self.minutes:g}."
            )

    def check_query(self, query: str) -> str:
        """Returns a sentence without the space around it.

        Raises:
            RefusedError: there is none, or it is too long.
        """
        query = " ".join(query.split())
        if not query:
            raise RefusedError("Type a sentence first, such as “a man opens the fridge”.")
        if len(query) > self.letters:
            raise RefusedError(
                f"This sentence is too long: {len(query)} letters, and this page takes up to {self.letters}."
            )
        return query
