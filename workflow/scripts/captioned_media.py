"""A folder of captioned pictures and sounds, and their split by what they show."""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

CAPTIONS = "captions.csv"

_SOUNDS = (".ogg", ".wav")
_LEFT_OUT = frozenset({"cartoon", "symbols"})
_ARTICLE = re.compile(r"(a|an|some|two|three) ", re.IGNORECASE)
_MOST_WORDS = 5
_QUALIFYING = frozenset(
    (
        *("a", "an", "the", "some", "two", "three", "pair", "bunch", "of", "in", "on", "with", "and", "for"),
        *("to", "from", "at", "big", "small", "large", "baby", "male", "female", "black", "white", "red"),
        *("green", "blue", "yellow", "brown", "orange", "pink", "purple", "grey", "gray", "silver"),
    )
)


@dataclass(frozen=True)
class Thing:
    """Something that can be shown, and perhaps heard.

    Attributes:
        caption: says what it is: `a koala`.
        picture: its file; transparent where it shows nothing.
        sound: the file of the sound it makes.
    """

    caption: str
    picture: Path
    sound: Path | None = None

    @property
    def words(self) -> frozenset[str]:
        """The words that say what it is, in the singular; not how many, how large and of which colour."""
        found = re.findall(r"[a-z]+", self.caption.lower())
        return frozenset(word.removesuffix("s") for word in found if word not in _QUALIFYING)


def read_things(folder: Path) -> list[Thing]:
    """Reads a folder of captioned pictures, in either of two layouts.

    With `captions.csv` (columns picture, caption and sound, paths from the folder; sound may be empty),
    its rows. Without, the layout of Tux Paint's stamps, in subfolders of any depth: `NAME.png`, `NAME.txt`
    whose first line is an English caption, and perhaps `NAME.ogg` or `NAME.wav`. Of these the folders
    `cartoon` and `symbols` are left out, and captions that name no thing: those of more than five words, or
    without an article.

    Args:
        folder: the folder.

    Returns:
        Things by their captions, each caption once.

    Raises:
        ValueError: there are none; or a file that `captions.csv` names is missing.
    """
    listed = folder / CAPTIONS
    things = _read_table(listed) if listed.is_file() else _read_stamps(folder)
    if not things:
        raise ValueError(f"{folder}: expected {CAPTIONS}, or NAME.png beside NAME.txt, found neither")
    return [things[caption] for caption in sorted(things)]


def _read_table(listed: Path) -> dict[str, Thing]:
    things: dict[str, Thing] = {}
    with listed.open(newline="", encoding="utf-8") as file:
        reader = csv.DictReader(file)
        if not {"picture", "caption"} <= set(reader.fieldnames or ()):
            raise ValueError(
                f"{listed}: expected the columns picture, caption and sound, found {reader.fieldnames}"
            )
        for number, row in enumerate(reader, 2):
            paths = [listed.parent / name for name in (row["picture"], row.get("sound")) if name]
            for path in paths:
                if not path.is_file():
                    raise ValueError(f"{listed}, line {number}: expected a file, found nothing at {path}")
            caption = row["caption"].strip().rstrip(".").lower()
            things.setdefault(caption, Thing(caption, *paths))
    return things


def _read_stamps(folder: Path) -> dict[str, Thing]:
    things: dict[str, Thing] = {}
    for picture in sorted(folder.rglob("*.png")):
        text = picture.with_suffix(".txt")
        if not _LEFT_OUT.isdisjoint(picture.relative_to(folder).parts) or not text.is_file():
            continue
        lines = text.read_text(encoding="utf-8", errors="replace").splitlines()
        # What follows the name, such as "(a male peafowl)", is told to children and names other things.
        caption = re.split(r"[.!(]", lines[0])[0].strip().lower() if lines else ""
        if not _ARTICLE.match(caption) or len(caption.split()) > _MOST_WORDS or not caption.isascii():
            continue
        sounds = [path for path in map(picture.with_suffix, _SOUNDS) if path.is_file()]
        things.setdefault(caption, Thing(caption, picture, sounds[0] if sounds else None))
    return things


def split_things(things: Sequence[Thing], share: float, seed: int) -> tuple[list[Thing], list[Thing]]:
    """Splits things into those to train on and those to test on, which have no word in common.

    Things to test on are drawn; of the others those are left out that share a word with them, so that a test
    query names nothing that a training query named.

    Args:
        things: all of them.
        share: of them to test on.
        seed: of the draw.
    """
    order = np.random.default_rng(seed).permutation(len(things))
    count = round(share * len(things))
    test = [things[index] for index in sorted(order[:count])]
    named = frozenset().union(*(thing.words for thing in test))
    train = [things[index] for index in sorted(order[count:]) if named.isdisjoint(things[index].words)]
    return train, test
