"""What a comparison of two collections of features amounts to, in numbers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from fractions import Fraction
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np

from extractors.provenance.known_durations import Duration
from extractors.provenance.pairs import Similarity, Video
from extractors.provenance.sampling_recipes import RECIPES, Fit, Length, rank

QUANTILES = {"min": 0.0, "5%": 0.05, "median": 0.5, "95%": 0.95, "max": 1.0}
SHOWN_FITS = 5
_LARGEST_DENOMINATOR = 8
_RATE_TOLERANCE = 0.02
_POINTS_OF_A_LINE = 3


@dataclass(frozen=True)
class Side:
    """One of the two collections.

    Attributes:
        path: where it is.
        described: how many of its arrays are described, by recipe in words.
    """

    path: Path
    described: Counter[str]


def summarise(
    a: Side,
    b: Side,
    videos: Sequence[Video],
    durations: Mapping[str, Duration],
    durations_from: str,
    centred: bool,
) -> dict[str, Any]:
    """Sums a comparison up in a JSON-able value.

    Args:
        a: the first collection.
        b: the second.
        videos: what was found of every video.
        durations: by a video's name (its id in A where it is there).
        durations_from: where the durations are from, in words.
        centred: whether the arrays compared are less the mean row of their collection.
    """
    shapes_a = {video.pair.name: video.shape_a for video in videos if video.shape_a}
    shapes_b = {video.pair.name: video.shape_b for video in videos if video.shape_b}
    lengths_a, lengths_b = _lengths(shapes_a, durations), _lengths(shapes_b, durations)
    rows = [(shapes_a[name][0], shapes_b[name][0]) for name in shapes_a if name in shapes_b]
    own = [video.similarity for video in videos if video.similarity]
    unrelated = [video.unrelated for video in videos if video.unrelated]
    pairs = [(video.similarity, video.unrelated) for video in videos if video.similarity and video.unrelated]
    return {
        "a": _side(a, list(shapes_a.values())),
        "b": _side(b, list(shapes_b.values())),
        "coverage": _coverage(videos),
        "quantiles": {
            "rows of A": _quantiles([length for length, _ in shapes_a.values()]),
            "rows of B": _quantiles([length for length, _ in shapes_b.values()]),
            "rows of B for one of A": _quantiles([video.ratio for video in videos if video.ratio]),
            "seconds": _quantiles([duration.seconds for duration in durations.values()]),
            "rows of A a second": _quantiles([length.rows / length.seconds for length in lengths_a]),
            "rows of B a second": _quantiles([length.rows / length.seconds for length in lengths_b]),
            "cosine": _quantiles([found.mean for found in own]),
            "cosine of unrelated videos": _quantiles([found.mean for found in unrelated]),
        },
        "centred": centred,
        "more_alike_than_unrelated": (
            sum(one.mean > other.mean for one, other in pairs) / len(pairs) if pairs else None
        ),
        "cosine_over_time": _mean_over_time(own),
        "unrelated_cosine_over_time": _mean_over_time(unrelated),
        "lengths": _line_through(rows),
        "durations": {"from": durations_from, "known": len(durations)},
        "recipes": {"a": _fits(lengths_a), "b": _fits(lengths_b)},
    }


def _lengths(shapes: Mapping[str, tuple[int, int]], durations: Mapping[str, Duration]) -> list[Length]:
    return [Length(rows, *durations[name]) for name, (rows, _) in shapes.items() if name in durations]


def _coverage(videos: Sequence[Video]) -> dict[str, int]:
    pairs = [video.pair for video in videos]
    both = [pair for pair in pairs if pair.a is not None and pair.b is not None]
    return {
        "both": len(both),
        "matched_without_prefix": sum(pair.a != pair.b for pair in both),
        "only_a": sum(pair.b is None for pair in pairs),
        "only_b": sum(pair.a is None for pair in pairs),
        "unreadable": sum(bool(video.fault) for video in videos),
    }


def _side(side: Side, shapes: Sequence[tuple[int, int]]) -> dict[str, Any]:
    return {
        "path": str(side.path),
        "arrays": len(shapes),
        "widths": sorted({width for _, width in shapes}),
        "described": dict(side.described.most_common()),
    }


def _quantiles(values: Sequence[float]) -> dict[str, float]:
    if not values:
        return {}
    found = np.quantile(values, list(QUANTILES.values())).tolist()
    return {"videos": len(values), **dict(zip(QUANTILES, found, strict=True))}


def _mean_over_time(similarities: Sequence[Similarity]) -> list[float] | None:
    if not similarities:
        return None
    mean: list[float] = np.mean([found.over_time for found in similarities], axis=0).tolist()
    return mean


def _line_through(rows: Sequence[tuple[int, int]]) -> dict[str, Any]:
    """Says what the lengths in A and B (rows) tell of the two recipes, where no durations are known.

    Rounding takes rows from short videos, so the line through the lengths tells more than their quotients.
    """
    a, b = np.array(rows, dtype=float).reshape(-1, 2).T
    if min(len(set(a)), len(set(b))) < _POINTS_OF_A_LINE:
        words = f"fewer than {_POINTS_OF_A_LINE} different lengths in one of them, no line through them"
        return {"rate": None, "words": words, "recipes": []}
    (rate, offset), covariance = np.polyfit(a, b, 1, cov=True)
    error = float(np.sqrt(covariance[0, 0]))
    words = f"rows of B = {rate:.3g} (+- {error:.1g}) x rows of A {offset:+.2g}"
    found: dict[str, Any] = {"rate": float(rate), "error": error, "words": words, "recipes": []}
    if error > _RATE_TOLERANCE * rate:
        return {**found, "words": f"{words}; too uncertain to tell the recipes' rates from it"}
    simple = Fraction(rate).limit_denominator(_LARGEST_DENOMINATOR)
    if abs(rate - simple) <= _RATE_TOLERANCE * simple:
        words += f"; about {simple.numerator} : {simple.denominator}"
    rates = {recipe.name: known for recipe in RECIPES if (known := recipe.rows_per_second)}
    # Equal lengths are explained by any recipe with itself, which says nothing.
    pairs = [(first, second) for first, second in product(rates, rates) if first != second]
    faults = {(first, second): abs(rates[second] / rates[first] - rate) for first, second in pairs}
    close = sorted((pair for pair in pairs if faults[pair] <= _RATE_TOLERANCE * rate), key=faults.__getitem__)
    return {**found, "words": words, "recipes": close[:SHOWN_FITS]}


def _fits(lengths: Sequence[Length]) -> list[dict[str, Any]]:
    return [_fit(fit) for fit in rank(lengths)]


def _fit(fit: Fit) -> dict[str, Any]:
    values = asdict(fit)
    del values["ending"]
    needs_frame_rate = fit.recipe.rate is None
    return {
        **values,
        "recipe": fit.name,
        "explains": fit.explains,
        "needs_frame_rate": needs_frame_rate,
    }
