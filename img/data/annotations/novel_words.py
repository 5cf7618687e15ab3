"""Subsets of a split by the novel words that its file lists (Charades-CG and ActivityNet-CG)."""

from __future__ import annotations

from pathlib import Path

from extractors.storage.files import read_json


def find_queries(path: Path, part_of_speech: str) -> frozenset[str]:
    """Finds the queries with a novel word of a kind.

    Args:
        path: a file of the format `activitynet_captions` whose videos have a further key `news`: for each
            sentence an object, part of speech -> its novel words.
        part_of_speech: such as VERB.

    Returns:
        The queries' ids, as the format's parser gives them.

    Raises:
        ValueError: a video lacks the key, or it is written otherwise; the message names file and video.
    """
    found: set[str] = set()
    for video, entry in read_json(path).items():
        listed = entry.get("news")
        if not (
            isinstance(listed, list)
            and len(listed) == len(entry["sentences"])
            and all(isinstance(words, dict) for words in listed)
        ):
            raise ValueError(
                f"{path}, video {video}: news: expected an object for each sentence, part of speech -> novel "
                f"words, found {listed!r:.200}"
            )
        found.update(f"{video}_{number}" for number, words in enumerate(listed) if part_of_speech in words)
    return frozenset(found)
