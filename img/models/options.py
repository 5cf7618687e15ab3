"""What the options of every system have in common; without torch, so that planning stays fast."""

from __future__ import annotations

from typing import Literal, NamedTuple

from extractors.settings import Settings

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

    def needs(self) -> Needs:
        """Says what a system with these options reads of a dataset."""
        raise NotImplementedError(f"{type(self).__name__} does not say what it reads")
