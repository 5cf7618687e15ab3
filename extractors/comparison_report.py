"""What a comparison of two collections of features amounts to: as a summary, a text and a table."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from fractions import Fraction
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np

from extractors.comparison import PREFIX, Video
from extractors.durations import Duration
from extractors.recipes import RECIPES, Fit, Length, rank

COLUMNS = (
    *("video", "id_a", "id_b", "rows_a", "rows_b", "ratio", "width_a", "width_b"),
    *("seconds", "frame_rate", "cosine", "unrelated_cosine", "fault"),
)
_QUANTILES = {"min": 0.0, "5%": 0.05, "median": 0.5, "95%": 0.95, "max": 1.0}
_SHOWN_FITS = 5
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
    both = [video for video in videos if video.shape_a and video.shape_b]
    similar = [(v.similarity, v.unrelated) for v in both if v.similarity is not None]
    pairs = [(own.mean, other.mean) for own, other in similar if other is not None]
    ratios = [ratio for video in both if (ratio := _ratio(video)) is not None]
    in_a = [video for video in videos if video.shape_a]
    in_b = [video for video in videos if video.shape_b]
    lengths_a = [(v.shape_a[0], d) for v in in_a if v.shape_a and (d := durations.get(v.pair.name))]
    lengths_b = [(v.shape_b[0], d) for v in in_b if v.shape_b and (d := durations.get(v.pair.name))]
    return {
        "a": _side(a, [video.shape_a for video in videos if video.shape_a]),
        "b": _side(b, [video.shape_b for video in videos if video.shape_b]),
        "coverage": {
            "both": sum(video.pair.a is not None and video.pair.b is not None for video in videos),
            "matched_without_prefix": sum(
                None not in video.pair and video.pair.a != video.pair.b for video in videos
            ),
            "only_a": sum(video.pair.b is None for video in videos),
            "only_b": sum(video.pair.a is None for video in videos),
            "unreadable": sum(bool(video.fault) for video in videos),
        },
        "quantiles": {
            "rows of A": _quantiles([video.shape_a[0] for video in in_a if video.shape_a]),
            "rows of B": _quantiles([video.shape_b[0] for video in in_b if video.shape_b]),
            "rows of B for one of A": _quantiles(ratios),
            "seconds": _quantiles([duration.seconds for duration in durations.values()]),
            "rows of A a second": _quantiles([rows / duration.seconds for rows, duration in lengths_a]),
            "rows of B a second": _quantiles([rows / duration.seconds for rows, duration in lengths_b]),
            "cosine": _quantiles([own.mean for own, _ in similar]),
            "cosine of unrelated videos": _quantiles([other for _, other in pairs]),
        },
        "centred": centred,
        "more_alike_than_unrelated": sum(own > other for own, other in pairs) / len(pairs) if pairs else None,
        "cosine_over_time": _mean_over_time([own.over_time for own, _ in similar]),
        "unrelated_cosine_over_time": _mean_over_time([o.over_time for _, o in similar if o is not None]),
        "lengths": _ratio_of_rates([(v.shape_a[0], v.shape_b[0]) for v in both if v.shape_a and v.shape_b]),
        "durations": {"from": durations_from, "known": len(durations)},
        "recipes": {"a": _fits(lengths_a), "b": _fits(lengths_b)},
    }


def write_table(videos: Sequence[Video], durations: Mapping[str, Duration]) -> str:
    """Gives the table of `COLUMNS`, tab-separated, a row a video in the order of their ids."""
    text = io.StringIO()
    writer = csv.writer(text, delimiter="\t", lineterminator="\n", quoting=csv.QUOTE_NONE, quotechar=None)
    writer.writerow(COLUMNS)
    for video in sorted(videos, key=lambda video: video.pair.name):
        duration = durations.get(video.pair.name)
        similarities = (video.similarity, video.unrelated)
        rows_a, width_a = video.shape_a or ("", "")
        rows_b, width_b = video.shape_b or ("", "")
        values = (
            *(video.pair.name, video.pair.a or "", video.pair.b or "", rows_a, rows_b),
            *(_number(_ratio(video)), width_a, width_b),
            *((_number(duration.seconds), _number(duration.frame_rate)) if duration else ("", "")),
            *(_number(similarity.mean if similarity else None) for similarity in similarities),
            " ".join(video.fault.split()),
        )
        writer.writerow(values)
    return text.getvalue()


def as_text(summary: Mapping[str, Any]) -> str:
    """Gives a summary as lines for people."""
    return "\n".join(_lines(summary))


def _lines(summary: Mapping[str, Any]) -> Iterator[str]:
    for name in "ab":
        side = summary[name]
        widths = ", ".join(str(width) for width in side["widths"]) or "unknown"
        yield f"{name.upper()}: {side['path']}, {side['arrays']} arrays, width {widths}"
        for words, count in side["described"].items():
            yield f"   {count} described as {words}"
        if not side["described"]:
            yield "   nothing describes how they were made"
    coverage = summary["coverage"]
    yield ""
    yield (
        f"coverage: {coverage['both']} in both ({coverage['matched_without_prefix']} of them matched without "
        f"the prefix {PREFIX}), {coverage['only_a']} only in A, {coverage['only_b']} only in B, "
        f"{coverage['unreadable']} that cannot be read"
    )
    yield ""
    yield from _quantile_lines(summary["quantiles"])
    yield ""
    yield from _similarity_lines(summary)
    yield f"lengths: {summary['lengths']['words']}"
    yield from _recipe_lines(summary)


def _quantile_lines(quantiles: Mapping[str, Mapping[str, float]]) -> Iterator[str]:
    yield f"{'':<28}" + "".join(f"{column:>10}" for column in ("videos", *_QUANTILES))
    for name, values in quantiles.items():
        if values:
            numbers = "".join(f"{values[column]:>10.4g}" for column in _QUANTILES)
            yield f"{name:<28}{values['videos']:>10}{numbers}"


def _similarity_lines(summary: Mapping[str, Any]) -> Iterator[str]:
    widths = summary["a"]["widths"], summary["b"]["widths"]
    if summary["cosine_over_time"] is None:
        yield f"cosine: not computed, for no video has the same width in both (A {widths[0]}, B {widths[1]})"
    elif summary["more_alike_than_unrelated"] is None:
        yield "cosine: of a single video, so there is no unrelated one to hold it against"
    else:
        share = 100 * summary["more_alike_than_unrelated"]
        yield f"cosine: {share:.1f} % of videos are more alike to themselves than to an unrelated one"
        if summary["centred"]:
            yield "   (of rows less the mean row of their folder)"


def _recipe_lines(summary: Mapping[str, Any]) -> Iterator[str]:
    if not summary["durations"]["known"]:
        yield "recipes: no durations are known (no descriptions; --durations FILE gives them)"
        for first, second in summary["lengths"]["recipes"]:
            yield f"   the lengths could be those of A by: {first}; B by: {second}"
        return
    yield f"durations: of {summary['durations']['known']} videos, from {summary['durations']['from']}"
    for name in "ab":
        fits = summary["recipes"][name]
        if not fits:
            yield f"recipes for the rows of {name.upper()}: no durations are known of its videos"
            continue
        explaining = [fit for fit in fits if fit["explains"]]
        verdict = {0: "none explains them", 1: "one explains them"}.get(
            len(explaining), f"{len(explaining)} explain them, the first best"
        )
        yield f"recipes for the rows of {name.upper()}: {verdict}"
        yield f"   {'error':>7} {'bias':>8} {'exact':>6} {'videos':>7}"
        for fit in fits[:_SHOWN_FITS]:
            mark = "*" if fit["explains"] else " "
            yield (
                f" {mark} {fit['error']:>7.2f} {fit['bias']:>+8.2f} {100 * fit['exact']:>4.0f} % "
                f"{fit['videos']:>7}  {fit['recipe']}"
            )
    if not any(fit["needs_frame_rate"] for name in "ab" for fit in summary["recipes"][name]):
        yield "   recipes at the native rate were not tried: no frame rates are known"
    yield "   (error, bias: in rows; * explains: off by less than a window and 3 % of the rows)"


def _side(side: Side, shapes: Sequence[tuple[int, int]]) -> dict[str, Any]:
    return {
        "path": str(side.path),
        "arrays": len(shapes),
        "widths": sorted({width for _, width in shapes}),
        "described": dict(side.described.most_common()),
    }


def _ratio(video: Video) -> float | None:
    if video.shape_a is None or video.shape_b is None:
        return None
    return video.shape_b[0] / video.shape_a[0]


def _quantiles(values: Sequence[float]) -> dict[str, float]:
    if not values:
        return {}
    found = np.quantile(values, list(_QUANTILES.values())).tolist()
    return {"videos": len(values), **dict(zip(_QUANTILES, found, strict=True))}


def _mean_over_time(curves: Sequence[np.ndarray]) -> list[float] | None:
    return np.mean(curves, axis=0).tolist() if curves else None


def _ratio_of_rates(rows: Sequence[tuple[int, int]]) -> dict[str, Any]:
    """Says what the lengths in A and B (rows) tell of the two recipes, where no durations are known.

    Rounding takes rows from short videos, so the line through the lengths tells more than their quotients.
    """
    a, b = np.array(rows, dtype=float).reshape(-1, 2).T
    if len(set(a)) < _POINTS_OF_A_LINE:
        words = f"fewer than {_POINTS_OF_A_LINE} different lengths in both, no line through them"
        return {"rate": None, "words": words, "recipes": []}
    rate, offset = np.polyfit(a, b, 1).tolist()
    spread = float(np.abs(b - rate * a - offset).mean())
    words = f"rows of B = {rate:.3g} x rows of A {offset:+.2g}, within {spread:.2g} rows on average"
    simple = Fraction(rate).limit_denominator(_LARGEST_DENOMINATOR)
    if simple > 0 and abs(rate / float(simple) - 1) <= _RATE_TOLERANCE:
        words += f"; about {simple.numerator} : {simple.denominator}"
    rates = {recipe.name: known for recipe in RECIPES if (known := recipe.rows_per_second)}
    # Equal lengths are explained by any recipe with itself, which says nothing.
    pairs = [(first, second) for first, second in product(rates, rates) if first != second]
    faults = {(first, second): abs(rates[second] / rates[first] / rate - 1) for first, second in pairs}
    close = sorted((pair for pair in pairs if faults[pair] <= _RATE_TOLERANCE), key=faults.__getitem__)
    return {"rate": rate, "words": words, "recipes": close[:_SHOWN_FITS]}


def _fits(lengths: Sequence[tuple[int, Duration]]) -> list[dict[str, Any]]:
    return [_fit(fit) for fit in rank([Length(rows, *duration) for rows, duration in lengths])]


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


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.6g}"
