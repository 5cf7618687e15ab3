"""A query, whatever its file's format, and what every format checks of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

Window = tuple[float, float]
"""Start and end, in seconds."""

_LONGEST_NAME = 250
"""Bytes; file systems hold names of 255, and a suffix such as .json follows."""

_MILLISECONDS = 1000
_SHORTEST = 100
"""A moment of fewer milliseconds is hardly one."""


@dataclass(frozen=True)
class Query:
    """A sentence and the moment, or moments, that it describes.

    Attributes:
        query: the query's id, unique in its split.
        split: name of the split.
        video: the video's id.
        duration: of the video, in seconds; nan where the annotations do not tell it.
        start: of the moment, in seconds, as annotated; of several, the earliest.
        end: of the moment, in seconds, clamped to the duration.
        sentence: the query's text.
        fault: why it cannot be used, or an empty string.
        further_windows: later moments of the same sentence, (start, end) as above.
    """

    query: str
    split: str
    video: str
    duration: float
    start: float
    end: float
    sentence: str
    fault: str
    further_windows: tuple[Window, ...] = ()


def make_query(
    query: str, split: str, video: str, duration: float, windows: Sequence[Window], sentence: str
) -> Query:
    """Makes a query; one that cannot be used has a fault.

    Args:
        query: its id.
        split: its split.
        video: its video's id.
        duration: of the video, in seconds; nan where unknown.
        windows: start and end of each moment, in seconds, as annotated; one at least.
        sentence: its text.
    """
    faults = [fault for window in windows if (fault := _find_fault(window, duration))]
    fault = faults[0] if faults else "" if sentence.strip() else "its sentence is empty"
    # `min` of an unknown duration as its second argument returns the first.
    (start, end), *further = sorted((start, min(end, duration)) for start, end in windows)
    return Query(query, split, video, duration, start, end, sentence.strip(), fault, tuple(further))


def _find_fault(window: Window, duration: float) -> str:
    """Says why a moment is impossible; of a video of unknown length only an order of times can be."""
    start, end = window
    if start < 0:
        return f"its start {start:g} s lies before the video"
    if start >= duration:
        hint = ""
        if seem_milliseconds(start, end, duration):
            hint = "; as milliseconds its times would lie inside, but times are in seconds"
        return f"its start {start:g} s lies outside the video of {duration:g} s{hint}"
    if min(end, duration) <= start:
        return f"its end {end:g} s does not come after its start {start:g} s"
    return ""


def seem_milliseconds(start: float, end: float, duration: float) -> bool:
    """Tells whether times that lie outside a video would lie inside if they were milliseconds."""
    is_whole = start.is_integer() and end.is_integer()
    return is_whole and duration <= start <= end - _SHORTEST and end <= duration * _MILLISECONDS


def check_video(video: str, where: str) -> str:
    """Returns an id under which features can be kept, in a folder and in tables separated by tabs.

    Raises:
        ValueError: it is no such id.
    """
    is_one_line = video == " ".join(video.split()) and video.isprintable()
    if not is_one_line or "/" in video or video[:1] in ("", "."):
        hint = "; give the name without its folder, subfolders are searched" if "/" in video else ""
        raise ValueError(f"{where}: expected ids of videos that can name files, found {video!r:.200}{hint}")
    if len(video.encode()) > _LONGEST_NAME:
        raise ValueError(
            f"{where}: expected ids of videos of at most {_LONGEST_NAME} bytes, found {len(video.encode())}: "
            f"{video!r:.200}"
        )
    return video


def check_sentence(sentence: object, where: str) -> str:
    """Returns a sentence that can be written: JSON may hold one half of a surrogate pair.

    Raises:
        ValueError: it is something else.
    """
    if not isinstance(sentence, str):
        raise ValueError(f"{where}: expected a sentence, found {sentence!r:.200}")
    try:
        sentence.encode()
    except UnicodeEncodeError:
        raise ValueError(f"{where}: expected text, found half a character in {sentence!r:.200}") from None
    return sentence
