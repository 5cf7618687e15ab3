"""What the page asks of a retriever; `img.retrieval.Retriever` is one."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol, TypeAlias

import numpy as np

Progress: TypeAlias = Callable[[float, str], None]
"""Told of the share that is done, 0 to 1, and in words of what is being done."""


class Found(Protocol):
    """An answer."""

    @property
    def rank(self) -> int:
        """From 1, the best."""

    @property
    def start(self) -> float:
        """In seconds."""

    @property
    def end(self) -> float:
        """In seconds."""

    @property
    def score(self) -> float:
        """The model's own confidence."""

    @property
    def branch(self) -> str:
        """Which of the model's branches answered."""

    @property
    def importance(self) -> float | None:
        """Of the sound, 0 to 1; None where the model weighs none."""

    @property
    def unknown(self) -> tuple[str, ...]:
        """Words of the sentence that the model does not know."""


class Traced(Protocol):
    """What a branch says of every clip."""

    @property
    def traces(self) -> Mapping[str, np.ndarray]:
        """Curves over the clips by name [T]."""


class Trace(Protocol):
    """What each branch says of a question."""

    @property
    def branches(self) -> Mapping[str, Traced]:
        """By name."""


class Encoded(Protocol):
    """A video that was read."""

    @property
    def duration(self) -> float:
        """In seconds."""

    @property
    def notes(self) -> Sequence[str]:
        """What to know before one believes an answer, in words."""


class Retrieving(Protocol):
    """Answers sentences about videos."""

    @property
    def branches(self) -> Sequence[str]:
        """Names of the branches that answer, the preferred one first."""

    def encode(self, path: Path, progress: Progress) -> Any:
        """Reads a video."""

    def answer(self, video: Any, query: str, answers: int, branch: str) -> Sequence[Found]:
        """Answers a question about a video."""

    def trace(self, video: Any, query: str) -> Trace:
        """Returns each branch's curves."""
