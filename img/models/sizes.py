"""What a system's shape owes to the data it reads."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Sizes:
    """What a system's shape depends on beside its options.

    Attributes:
        streams: width D of each stream, by name.
        words: V, words with a vector.
        word_width: values of a word vector.
        characters: character ids, padding and unknown included.
        query_width: Dq of queries given as features, None for words; with it the three before are 0.
    """

    streams: Mapping[str, int]
    words: int
    word_width: int
    characters: int
    query_width: int | None = None


def check_fit(source: Path, sizes: Sizes, **found: int | None) -> None:
    """Checks that what a system is to read has the sizes it was made for.

    Args:
        source: the system's file, for the message.
        sizes: of the system.
        found: the sizes found, by the names that `Sizes` gives them; that of a stream by `{stream}_width`.

    Raises:
        ValueError: naming every size that differs.
    """
    expected = {**vars(sizes), **{f"{name}_width": width for name, width in sizes.streams.items()}}
    wrong = [
        f"{name.replace('_', ' ')} {expected[name]}, found {value}"
        for name, value in found.items()
        if expected[name] != value
    ]
    if wrong:
        raise ValueError(f"{source}: the model expects {'; '.join(wrong)}")
