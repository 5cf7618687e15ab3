"""`compare`: two folders of features held against each other."""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from extractors.names import PREFIX
from extractors.provenance.known_durations import Duration, described_durations, read_durations

if TYPE_CHECKING:
    import numpy as np


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds the command."""
    parser = commands.add_parser(
        "compare",
        help="hold two feature folders against each other: coverage, lengths, similarity, recipe of sampling",
    )
    for name in ("a", "b"):
        parser.add_argument(
            name,
            type=Path,
            metavar=f"DIR_{name.upper()}",
            help="folder of {video}.npy, .npz or .pt files, or a pickle of a dict of arrays",
        )
    parser.add_argument(
        "--out",
        required=True,
        type=Path,
        metavar="FOLDER",
        help="folder for comparison.tsv, summary.json and comparison.png",
    )
    parser.add_argument(
        "--durations",
        type=Path,
        metavar="FILE",
        help="durations in seconds, where no descriptions lie beside the arrays: JSON of ids to seconds or "
        "to {duration, fps}, or a tab-separated table with the columns video, seconds and, if known, fps",
    )
    parser.add_argument(
        "--centre",
        action="store_true",
        help="take the mean row of each folder off its rows before the cosine, for features of which even "
        "unrelated ones are alike; reads every array twice",
    )
    parser.add_argument(
        "--vggish-pca",
        type=Path,
        metavar="FILE",
        help="PCA parameters of VGGish's postprocessing: tells of rows of 128 whether they were made with "
        "the ReLU after the last layer",
    )
    parser.set_defaults(run=_compare)


def _compare(options: argparse.Namespace) -> int:
    from tqdm import tqdm

    from extractors.importing.arrays import open_arrays
    from extractors.provenance.comparison_plot import plot
    from extractors.provenance.comparison_report import as_text, write_table
    from extractors.provenance.comparison_summary import Side, summarise
    from extractors.provenance.pairs import Centred, compare, match
    from extractors.storage.files import write_json, write_text

    a, b = open_arrays(options.a), open_arrays(options.b)
    pairs = match(a, b)
    if not any(pair.a and pair.b for pair in pairs):
        raise ValueError(
            f"expected videos in both, found none: {options.a} holds {next(iter(a))!r} for one, "
            f"{options.b} holds {next(iter(b))!r}"
        )
    recipes_a, durations_a = _described(options.a, a)
    recipes_b, durations_b = _described(options.b, b)
    if options.durations:
        known, source = read_durations(options.durations), str(options.durations)
        durations_a = durations_b = {**{name.removeprefix(PREFIX): known[name] for name in known}, **known}
    else:
        source = " and ".join(
            f"the descriptions of {name}"
            for name, durations in (("A", durations_a), ("B", durations_b))
            if durations
        )
    relu = _examine_vggish(options.vggish_pca, {"a": a, "b": b}) if options.vggish_pca else {}
    if options.centre:
        a, b = Centred(a), Centred(b)
    videos = list(tqdm(compare(a, b), total=len(pairs), unit="video", disable=not sys.stderr.isatty()))
    durations = {
        video.pair.name: duration
        for video in videos
        if (duration := _longer(_of(durations_a, video.pair.a), _of(durations_b, video.pair.b)))
    }
    summary = summarise(
        Side(options.a, recipes_a), Side(options.b, recipes_b), videos, durations, source, options.centre
    )
    summary["vggish_last_relu"] = relu
    write_text(options.out / "comparison.tsv", write_table(videos, durations))
    write_json(options.out / "summary.json", summary)
    plot(videos, options.centre, options.out / "comparison.png")
    print(as_text(summary))
    print(f"\nwritten: comparison.tsv, summary.json, comparison.png in {options.out}")
    return 0


def _described(folder: Path, names: Mapping[str, Any]) -> tuple[Counter[str], dict[str, Duration]]:
    """How many arrays are described, by recipe, and the durations that tells."""
    from extractors.provenance.explanation import read_description, sampling_in_words

    recipes: Counter[str] = Counter()

    def descriptions() -> Iterator[tuple[str, dict[str, Any]]]:
        for name in names:
            path = folder / f"{name}.json"
            try:
                made = read_description(path)
            except (FileNotFoundError, NotADirectoryError, ValueError):
                # Published folders hold none, or JSON of their own.
                continue
            recipes[f"{made['kind']}: {sampling_in_words(made)}"] += 1
            yield name, made

    durations = described_durations(descriptions())
    return recipes, durations


def _examine_vggish(
    pca: Path, sides: Mapping[str, Mapping[str, np.ndarray]]
) -> dict[str, dict[str, float | str] | None]:
    """Says of each side whether its rows of VGGish were made with the last ReLU; None of other rows."""
    from extractors.kinds.vggish.network import load_pca
    from extractors.provenance.vggish_relu import examine

    eigenvectors, means = (tensor.numpy() for tensor in load_pca(pca))
    found = {name: examine(arrays, eigenvectors, means) for name, arrays in sides.items()}
    return {name: {**asdict(seen), "words": seen.words} if seen else None for name, seen in found.items()}


def _of(durations: Mapping[str, Duration], name: str | None) -> Duration | None:
    if name is None:
        return None
    return durations.get(name) or durations.get(name.removeprefix(PREFIX))


def _longer(a: Duration | None, b: Duration | None) -> Duration | None:
    """The duration both agree on: a recipe may leave out an end, none adds one."""
    if a is None or b is None:
        return a or b
    return Duration(max(a.seconds, b.seconds), a.frame_rate or b.frame_rate)
