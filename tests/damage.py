"""Damaged copies of files, each made by a seed and its number alone, and what came of reading them."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import dataclass, field


@dataclass
class Report:
    """What came of reading damaged copies.

    Attributes:
        outcomes: how often which kind of file was read, refused and so on.
        faults: in words, the copies that were neither read right nor refused in words.
    """

    outcomes: Counter[str] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)


# Of other formats than the damaged file's, or of none.
_HEADERS = (
    *(b"\x93NUMPY\x01\x00", b"PK\x03\x04", b"\x80\x02}q", b"\x80\x04\x95"),
    *(b"RIFF", b"\x1aE\xdf\xa3", b"FLV\x01", b"OggS", b"\x00" * 8),
)


def damage(content: bytes, seed: int, number: int) -> tuple[bytes, str]:
    """Damages a copy of a file in one of six ways.

    Args:
        content: of the whole file.
        seed: of all copies.
        number: of this copy.

    Returns:
        The copy's content, and the name of the way.
    """
    chance = random.Random(f"{seed} {number}")
    way = chance.choice((_flip_bits, _flip_bits, _cut, _swap_bytes, _blank, _swap_header, _add_bytes))
    return bytes(way(bytearray(content), chance)), way.__name__.strip("_")


def _flip_bits(content: bytearray, chance: random.Random) -> bytearray:
    for _ in range(chance.choice((1, 1, 1, 2, 8))):
        content[chance.randrange(len(content))] ^= 1 << chance.randrange(8)
    return content


def _cut(content: bytearray, chance: random.Random) -> bytearray:
    return content[: chance.randrange(len(content))]


def _swap_bytes(content: bytearray, chance: random.Random) -> bytearray:
    for _ in range(chance.choice((1, 1, 8))):
        first = chance.randrange(len(content) - 1)
        second = chance.choice((first + 1, chance.randrange(len(content))))
        content[first], content[second] = content[second], content[first]
    return content


def _blank(content: bytearray, chance: random.Random) -> bytearray:
    first = chance.randrange(len(content))
    last = min(first + chance.choice((1, 4, 64, 1024, 2000)), len(content))
    content[first:last] = bytes(last - first)
    return content


def _swap_header(content: bytearray, chance: random.Random) -> bytearray:
    header = chance.choice(_HEADERS)
    return bytearray(header) + content[len(header) :]


def _add_bytes(content: bytearray, chance: random.Random) -> bytearray:
    return content + chance.randbytes(chance.choice((1, 16, 4096)))
