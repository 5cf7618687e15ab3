"""Any text as one cell of a tab-separated table, and back: legal file names hold tabs and line breaks."""

from __future__ import annotations

import re

_BREAKING = re.compile(r"[\\\x00-\x1f\x7f\x85\u2028\u2029\ud800-\udfff]")
_ESCAPED = re.compile(r"\\u([0-9a-f]{4})")


def as_cell(text: str) -> str:
    r"""Writes what would break a table as `\u` and four hexadecimal digits, and backslashes likewise."""
    return _BREAKING.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def from_cell(cell: str) -> str:
    """Gives the text that `as_cell` was given."""
    return _ESCAPED.sub(lambda found: chr(int(found[1], 16)), cell)
