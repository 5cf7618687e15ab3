"""Times in annotation files: numbers of JSON, and text that says seconds, m:ss or h:mm:ss."""

from __future__ import annotations

import re
from typing import Any, TypeGuard

NUMBER = r"[-+]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?"
_NUMBER = re.compile(NUMBER)
_CLOCK = re.compile(
    r"(?:(?P<hours>[0-9]+):(?=[0-5][0-9]:))?(?P<minutes>[0-9]+):(?P<seconds>[0-5][0-9](?:\.[0-9]+)?)"
)

_LONGEST = 1e6
"""Seconds; a longer video, or no number at all, is a mistake in the file."""


def parse_seconds(text: str, where: str) -> float:
    """Reads seconds from text; `float` alone would also take 1_0 for 10.

    Raises:
        ValueError: it is something else.
    """
    if not _NUMBER.fullmatch(text):
        raise ValueError(f"{where}: expected seconds, found {text!r:.200}")
    return check_seconds(float(text), where)


def parse_time(text: str, where: str) -> float:
    """Reads a time, `83.5`, `1:23.5` or `0:01:23.5`, in seconds.

    Seconds after a colon have two digits, and so have minutes after hours: `1:5` may mean 1:05 or 1:50.

    Raises:
        ValueError: it is something else.
    """
    if match := _CLOCK.fullmatch(text):
        minutes = 60 * int(match["hours"] or 0) + int(match["minutes"])
        return check_seconds(60 * minutes + float(match["seconds"]), where)
    if not _NUMBER.fullmatch(text):
        raise ValueError(f"{where}: expected seconds, m:ss or h:mm:ss, found {text!r:.200}")
    return check_seconds(float(text), where)


def check_seconds(value: Any, where: str) -> float:
    """Returns a number that can be seconds.

    Raises:
        ValueError: it is something else.
    """
    if not is_seconds(value):
        raise ValueError(f"{where}: expected seconds, found {value!r:.200}")
    return float(value)


def is_seconds(value: Any) -> TypeGuard[float]:
    """Tells whether a value of JSON can be seconds."""
    # A truth value is an int to Python, but no number in JSON.
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= _LONGEST


def check_window(value: Any, where: str) -> tuple[float, float]:
    """Returns the start and end that a list of JSON holds.

    Raises:
        ValueError: it is something else.
    """
    if not isinstance(value, list) or len(value) != 2:
        raise ValueError(f"{where}: expected a start and an end, found {value!r:.200}")
    return check_seconds(value[0], where), check_seconds(value[1], where)
