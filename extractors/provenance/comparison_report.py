"""A comparison as lines for people, and as a table with a row for each video."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from extractors.names import PREFIX
from extractors.provenance.comparison_summary import QUANTILES, SHOWN_FITS
from extractors.provenance.known_durations import Duration
from extractors.provenance.pairs import Video
from extractors.storage.cells import as_cell

COLUMNS = (
    *("video", "id_a", "id_b", "rows_a", "rows_b", "ratio", "width_a", "width_b"),
    *("seconds", "frame_rate", "cosine", "unrelated_cosine", "fault"),
)


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
        if relu := summary["vggish_last_relu"].get(name):
            yield f"   VGGish: {relu['words']}"
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
    yield f"{'':<28}" + "".join(f"{column:>10}" for column in ("videos", *QUANTILES))
    for name, values in quantiles.items():
        if values:
            numbers = "".join(f"{values[column]:>10.4g}" for column in QUANTILES)
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
        for fit in fits[:SHOWN_FITS]:
            mark = "*" if fit["explains"] else " "
            yield (
                f" {mark} {fit['error']:>7.2f} {fit['bias']:>+8.2f} {100 * fit['exact']:>4.0f} % "
                f"{fit['videos']:>7}  {fit['recipe']}"
            )
    if not any(fit["needs_frame_rate"] for name in "ab" for fit in summary["recipes"][name]):
        yield "   recipes at the native rate were not tried: no frame rates are known"
    yield "   (error, bias: in rows; * explains: off by less than a window and 3 % of the rows)"


def write_table(videos: Sequence[Video], durations: Mapping[str, Duration]) -> str:
    """Gives the table of `COLUMNS`, tab-separated, a row a video in the order of their ids.

    Ids with tabs or line breaks are written as `extractors.storage.cells.as_cell` does.
    """
    text = io.StringIO()
    writer = csv.writer(text, delimiter="\t", lineterminator="\n", quoting=csv.QUOTE_NONE, quotechar=None)
    writer.writerow(COLUMNS)
    for video in sorted(videos, key=lambda video: video.pair.name):
        duration = durations.get(video.pair.name)
        similarities = (video.similarity, video.unrelated)
        rows_a, width_a = video.shape_a or ("", "")
        rows_b, width_b = video.shape_b or ("", "")
        values = (
            *(as_cell(name or "") for name in (video.pair.name, video.pair.a, video.pair.b)),
            *(rows_a, rows_b),
            *(_number(video.ratio), width_a, width_b),
            *((_number(duration.seconds), _number(duration.frame_rate)) if duration else ("", "")),
            *(_number(similarity.mean if similarity else None) for similarity in similarities),
            as_cell(" ".join(video.fault.split())),
        )
        writer.writerow(values)
    return text.getvalue()


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.6g}"
