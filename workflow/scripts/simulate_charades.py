"""Draws features for Charades-STA's real queries, so that the truth about its sound is known.

Writes visual/{video}.npy and audio/{video}.npy, as docs/simulation.md describes; 1.7 GB at the real widths.
"""

from __future__ import annotations

import argparse
import dataclasses
import tempfile
from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
from simulated_features import (
    Audibility,
    Moment,
    World,
    content_words,
    fit_audibility,
    simulate_audio,
    simulate_visual,
)
from tqdm import tqdm

from extractors.words import tokenise
from img.config.dataset import Annotations
from img.data.annotations.query import Query
from img.data.annotations.reading import read_queries

_MAX_WORDS = 128
_SENSES = {"visual": simulate_visual, "audio": simulate_audio}


def plan_moments(queries: Iterable[Query], seed: int) -> dict[str, list[Moment]]:
    """Decides what happens in each video, and which moments are audible.

    A test moment is audible where one of its queries is among AudioMatter's. For training moments nobody has
    listened: each is drawn, with the chance that its words have among the test moments.

    Args:
        queries: of the splits `train`, `test` and `audiomatter`, a part of `test`.
        seed: of the draws.
    """
    usable = [query for query in queries if not query.fault]
    listened = {query.query for query in usable if query.split == "audiomatter"}
    spans: dict[tuple[str, float, float], list[Query]] = defaultdict(list)
    for query in usable:
        if query.split != "audiomatter":
            spans[query.video, query.start, query.end].append(query)
    words = {
        span: content_words([word for query in group for word in tokenise(query.sentence, _MAX_WORDS)])
        for span, group in spans.items()
    }
    audible = {span: _share(group, listened) for span, group in spans.items() if group[0].split == "test"}
    audibility = fit_audibility([words[span] for span in audible], np.array(list(audible.values())))
    rng = np.random.default_rng(seed)
    moments: dict[str, list[Moment]] = defaultdict(list)
    for span in sorted(spans):
        video, start, end = span
        is_audible = audible[span] > 0 if span in audible else _draw(audibility, words[span], rng)
        moments[video].append(Moment(start, end, words[span], is_audible))
    return dict(moments)


def _share(group: Sequence[Query], listened: set[str]) -> float:
    return sum(query.query in listened for query in group) / len(group)


def _draw(audibility: Audibility, words: frozenset[str], rng: np.random.Generator) -> bool:
    return bool(rng.random() < audibility.chance(words))


def simulate(annotations: Annotations, world: World, out: Path) -> None:
    """Writes the features of every video as float16, all of a folder or nothing.

    Args:
        annotations: the queries of `train`, `test` and `audiomatter`.
        world: the generative model's parameters.
        out: the folder to write `visual` and `audio` into.

    Raises:
        FileExistsError: where one of the two is there and not empty.
        ValueError: where an annotation file is not what it should be.
    """
    for sense in _SENSES:
        if (out / sense).exists() and any((out / sense).iterdir()):
            raise FileExistsError(f"{out / sense}: expected no folder, or an empty one; remove it first")
    queries = read_queries(annotations)
    durations = {query.video: query.duration for query in queries}
    moments = plan_moments(queries, world.seed)
    out.mkdir(parents=True, exist_ok=True)
    for sense, draw in _SENSES.items():
        with tempfile.TemporaryDirectory(dir=out, prefix=f".{sense}-") as scratch:
            made = Path(scratch) / sense
            made.mkdir()
            for video, duration in tqdm(sorted(durations.items()), desc=sense, unit="video"):
                array = draw(world, video, duration, moments.get(video, []))
                np.save(made / f"{video}.npy", array.astype(np.float16), allow_pickle=False)
            made.rename(out / sense)


def main() -> None:
    """Reads the command line and writes the features."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    for split in ("train", "test", "audiomatter"):
        parser.add_argument(f"--{split}", type=Path, required=True, help="its annotation file")
    parser.add_argument("--durations", type=Path, required=True, help="charades.json")
    parser.add_argument("--out", type=Path, required=True, help="folder for visual/ and audio/")
    for parameter in dataclasses.fields(World):
        parser.add_argument(
            f"--{parameter.name.replace('_', '-')}",
            type=type(parameter.default),
            default=parameter.default,
            help="default: %(default)s",
        )
    arguments = parser.parse_args()
    splits = {split: getattr(arguments, split) for split in ("train", "test", "audiomatter")}
    world = World(**{field.name: getattr(arguments, field.name) for field in dataclasses.fields(World)})
    try:
        annotations = Annotations(format="charades_sta", splits=splits, durations=arguments.durations)
        simulate(annotations, world, arguments.out)
    except (FileExistsError, ValueError) as error:
        parser.error(str(error))


if __name__ == "__main__":
    main()
