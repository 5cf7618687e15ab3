"""Decoded sound laid along the video's time by its timestamps; impossible times are refused."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

import numpy as np

from extractors.media.errors import MediaError

TOLERANCE_SECONDS = 0.01
"""A chunk this much early or late is taken to follow the one before it: containers round timestamps."""

LONGEST_OVERLAP_SECONDS = 0.5
"""What comes twice is dropped up to this length, as where files were joined."""

LONGEST_HOLE_SECONDS = 600.0
"""The longest silence between two chunks, and the most that sound may begin before or after the picture."""

# Chunks without a timestamp that may wait for the first that has one.
_WAITING = 64


@dataclass(frozen=True, slots=True)
class Chunk:
    """A stretch of decoded sound.

    Attributes:
        samples: float32 [S], one channel.
        rate: samples per second.
        start: when the first sample is heard, in the container's seconds; None where the file does not say.
    """

    samples: np.ndarray
    rate: int
    start: float | None

    @property
    def seconds(self) -> float:
        """How long it lasts."""
        return len(self.samples) / self.rate


@dataclass(frozen=True, slots=True)
class DatedChunk(Chunk):
    """A stretch of decoded sound whose time is known."""

    start: float


def date(chunks: Iterable[Chunk]) -> Iterator[DatedChunk]:
    """Gives every chunk a start: one without follows the one before it, or precedes the first that has one.

    Sound without any timestamp starts at 0.

    Args:
        chunks: in the order of the file; the first 64 may have to wait.
    """
    source = iter(chunks)
    waiting: list[Chunk] = []
    for chunk in source:
        waiting.append(chunk)
        if chunk.start is not None or len(waiting) == _WAITING:
            break
    start = 0.0
    if waiting and waiting[-1].start is not None:
        start = waiting[-1].start - sum(chunk.seconds for chunk in waiting[:-1])
    for chunk in chain(waiting, source):
        start = start if chunk.start is None else chunk.start
        yield DatedChunk(chunk.samples, chunk.rate, start)
        start += chunk.seconds


def place(path: Path, chunks: Iterable[DatedChunk], origin: float) -> Iterator[np.ndarray]:
    """Lays chunks one after another, so that sample 0 is heard at `origin`.

    Sound before `origin` is cut off, holes are filled with zeros, and what comes twice is dropped the second
    time. A chunk that is off by `TOLERANCE_SECONDS` or less is not moved.

    Args:
        path: the file, to name it in errors.
        chunks: in the order of the file.
        origin: seconds, on the chunks' clock.

    Yields:
        float32 [S], one chunk or a second of silence at most.

    Raises:
        MediaError: times jump ahead or back by more than the limits above, or the sample rate changes.
    """
    rate = reached = tolerance = 0
    for chunk in chunks:
        position = round((chunk.start - origin) * chunk.rate)
        if not rate:
            rate, reached = chunk.rate, min(0, position)
            if -reached > LONGEST_HOLE_SECONDS * rate:
                raise _jump(path, origin, chunk.start)
        if chunk.rate != rate:
            raise MediaError(
                f"{path}: expected sound of one sample rate, found {rate} Hz and, from {chunk.start:.3f} s, "
                f"{chunk.rate} Hz; convert it to one"
            )
        hole, repeated = position - reached, 0
        if hole > tolerance:
            if hole > LONGEST_HOLE_SECONDS * rate:
                raise _jump(path, origin + reached / rate, chunk.start)
            yield from _silence(max(0, reached), position, rate)
            reached = position
        elif hole < -tolerance:
            if -hole > LONGEST_OVERLAP_SECONDS * rate:
                raise _jump(path, origin + reached / rate, chunk.start)
            repeated = -hole
        new = chunk.samples[repeated:]
        yield new[max(0, -reached) :]
        reached += len(new)
        tolerance = round(TOLERANCE_SECONDS * rate)


def _silence(start: int, end: int, longest: int) -> Iterator[np.ndarray]:
    for first in range(start, end, longest):
        yield np.zeros(min(longest, end - first), np.float32)


def _jump(path: Path, before: float, after: float) -> MediaError:
    return MediaError(
        f"{path}: expected sound whose time goes on, by {LONGEST_HOLE_SECONDS:g} s at most and back by "
        f"{LONGEST_OVERLAP_SECONDS:g} s at most, found a jump from {before:.3f} s to {after:.3f} s; "
        "the file is damaged: fetch it again"
    )
