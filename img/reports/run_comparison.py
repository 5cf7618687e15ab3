"""Two systems of one's own, compared on the queries that both answered and told apart in words."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from img.config.protocols import LAST
from img.reports.answers import first_answers
from img.reports.bootstrap import Comparison, compare, credit
from img.runs.folder import PREDICTIONS

_READ = ("query", "video", "sentence", "branch", "rank", "iou", "protocol", "split")
_IDENTITY = ["video", "query", "sentence"]


@dataclass(frozen=True)
class Question:
    """Which answers are compared, and by what.

    Attributes:
        split: whose queries.
        metric: see `img.reports.bootstrap.credit`.
        branch: whose answers.
        protocol: whose weights; None for `last` where every run has it, else the first that all have.
    """

    split: str
    metric: str
    branch: str
    protocol: str | None = None


def find_runs(text: str) -> list[Path]:
    """Finds the runs of one side: folders separated by commas, each a run's or that of a variant's seeds.

    Raises:
        ValueError: where a folder holds no predictions, or a run is named twice.
    """
    runs = [run for name in text.split(",") for run in _open_folder(Path(name.strip()))]
    if len(set(runs)) < len(runs):
        raise ValueError(f"{text}: expected each run once, found one again")
    return runs


def _open_folder(folder: Path) -> list[Path]:
    if (folder / PREDICTIONS).is_file():
        return [folder]
    runs = sorted(path.parent for path in folder.glob(f"seed*/{PREDICTIONS}"))
    if not runs:
        raise ValueError(
            f"{folder}: expected a run that was evaluated, with {PREDICTIONS}, or a variant's folder of such "
            "runs, found neither"
        )
    return runs


def compare_runs(first: Sequence[Path], second: Sequence[Path], question: Question) -> str:
    """Compares two systems by the paired bootstrap over videos, and seeds where there are several.

    Args:
        first: folders of the runs of one system, one a seed.
        second: those of the other.
        question: which answers, and by which metric.

    Returns:
        Difference, 95 % interval and verdict, in words.

    Raises:
        ValueError: where the runs did not answer the same queries, or lack the split, branch or protocol.
    """
    runs = [*first, *second]
    if set(first) & set(second):
        raise ValueError(f"{runs[0]}: expected different runs on the two sides, found one on both")
    predictions = {run: pd.read_parquet(run / PREDICTIONS, columns=list(_READ)) for run in runs}
    protocol = _choose_protocol(predictions.values(), question.protocol)
    for run, table in predictions.items():
        for name, wanted in (("split", question.split), ("branch", question.branch), ("protocol", protocol)):
            _expect(wanted, table[name].unique(), f"{run}: {name}")
    chosen = {
        run: first_answers(table, question.split, question.branch, protocol)
        for run, table in predictions.items()
    }
    _require_same(chosen)
    better, worse = ([chosen[run] for run in side] for side in (first, second))
    found = compare(better, worse, question.metric)
    means = " and ".join(f"{_mean(side, question.metric):.1f}" for side in (better, worse))
    return "\n".join(
        [
            f"first:  {_name(first)}",
            f"second: {_name(second)}",
            f"split {question.split}, branch {question.branch}, protocol {protocol}: "
            f"{found.queries} queries on {better[0]['video'].nunique()} videos",
            f"{question.metric}: {means}; difference {found.difference:+.1f} points, "
            f"95 % interval [{found.low:.1f}, {found.high:.1f}]",
            _judge(found),
        ]
    )


def _mean(side: Sequence[pd.DataFrame], metric: str) -> float:
    return float(np.mean([credit(table["iou"].to_numpy(), metric) for table in side]))


def _choose_protocol(predictions: Iterable[pd.DataFrame], wanted: str | None) -> str:
    if wanted is not None:
        return wanted
    first, *others = [list(table["protocol"].unique()) for table in predictions]
    common = [name for name in first if all(name in other for other in others)]
    if not common:
        raise ValueError(f"protocol: expected one that every run has, found none; the first run has {first}")
    return LAST if LAST in common else common[0]


def _expect(wanted: str, known: Iterable[str], place: str) -> None:
    if wanted not in set(known):
        raise ValueError(f"{place}: expected one of {', '.join(sorted(known))}, found {wanted}")


def _require_same(chosen: dict[Path, pd.DataFrame]) -> None:
    """Refuses runs of which some answered other queries, or others under the same ids."""
    (reference, expected), *others = (
        (run, set(map(tuple, table[_IDENTITY].to_numpy()))) for run, table in chosen.items()
    )
    for run, found in others:
        if differing := list(_describe_difference(reference, expected - found, run, found - expected)):
            raise ValueError(f"expected runs that answered the same queries, found {'; '.join(differing)}")


def _describe_difference(
    first: Path, only_first: set[tuple[str, ...]], second: Path, only_second: set[tuple[str, ...]]
) -> Iterator[str]:
    for run, queries in ((first, only_first), (second, only_second)):
        if queries:
            video, query, sentence = min(queries)
            yield f"{len(queries)} that only {run} answered, such as {query} of {video}, {sentence!r:.100}"


def _name(runs: Sequence[Path]) -> str:
    seeds = f" ({len(runs)} runs: {', '.join(run.name for run in runs)})" if len(runs) > 1 else ""
    return f"{runs[0].parent if seeds else runs[0]}{seeds}"


def _judge(found: Comparison) -> str:
    if found.low > 0 or found.high < 0:
        better = "first" if found.low > 0 else "second"
        told = f"The {better} is better: the interval leaves zero out."
    else:
        told = "Not decided: the interval holds zero."
    if found.seeds > 1:
        return told
    return (
        f"{told} It speaks of other videos for these very runs: one side has a single run, and another seed "
        "may turn out otherwise. Train more seeds before you call one system better."
    )
