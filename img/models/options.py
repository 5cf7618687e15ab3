"""What the options of every system have in common; without torch, so that planning stays fast."""

from __future__ import annotations

from typing import Literal, NamedTuple

from pydantic import Field

from extractors.settings import Settings, Whole

Text = Literal["words", "features", "either"]


class Needs(NamedTuple):
    """What a system reads.

    Attributes:
        streams: names of the streams.
        text: what it reads of a query: words, features of a text encoder, or whichever the dataset has.
    """

    streams: frozenset[str]
    text: Text = "either"


class SystemOptions(Settings):
    """Options of a system. A subclass names its `kind` by a literal, with itself as the default."""

    kind: str
    max_clips: Whole = Field(128, ge=1, le=100_000, description="Most clips of a video.")
    max_words: Whole = Field(128, ge=1, le=10_000, description="Most words of a query.")

    def needs(self) -> Needs:
        """Says what a system with these options reads of a dataset."""
        raise NotImplementedError(f"{type(self).__name__} does not say what it reads")
