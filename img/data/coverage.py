"""What of a dataset can be used: no video and no query is dropped silently."""

from __future__ import annotations

import logging
import math
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from extractors.storage.files import replacing
from extractors.storage.manifest import Row
from img.config.streams import AUDIO
from img.data.annotations.query import seem_milliseconds
from img.data.clips.alignment import share_covered
from img.data.clips.merged_folder import StreamFeatures
from img.data.durations import LONGER, SHORTER, compare_durations, find_beyond, find_cut
from img.data.text.query_features import FAULT
from img.data.windows import list_windows

_NOT_LISTED = "not extracted"
_FAULTY = "annotation"
_BEYOND = "moment beyond video"
_OF_QUERIES = (_FAULTY, FAULT, _BEYOND)
"""Reasons that are a query's own; the others are its video's."""

log = logging.getLogger(__name__)


def write_coverage(
    queries: pd.DataFrame,
    streams: Mapping[str, StreamFeatures],
    duplicates: Mapping[str, str],
    path: Path,
) -> None:
    """Writes a row for each video: statuses, how long it is and should be, its queries, further files.

    A column of statuses is called after each stream, the first one first. `seconds` are what the video's
    clips cover, `annotated` what its annotation says, `length` how the two compare (see
    `img.data.durations`), `heard` the share of it that the stream `audio` covers; empty where nobody knows.
    Formats that promise no length, such as MPEG-TS, are cut short unseen: here it shows.

    Args:
        queries: the queries table.
        streams: each stream's features, by its name; the first one's rows are the clips.
        duplicates: further files of those videos that have several; they become the column `others`.
        path: the table to write.
    """
    counts = queries.groupby(["video", "split"]).size().unstack(fill_value=0).add_suffix("_queries")
    found = {
        name: [features.rows.get(video, Row(video, _NOT_LISTED)) for video in counts.index]
        for name, features in streams.items()
    }
    lead = next(iter(found.values()))
    sounds = found.get(AUDIO, [Row(video, _NOT_LISTED) for video in counts.index])
    annotated = queries.groupby("video")["duration"].first().to_numpy(float)
    seconds = np.array([row.seconds if row.is_ok and row.seconds is not None else np.nan for row in lead])
    state = pd.DataFrame(
        {
            **{name: [row.status for row in rows] for name, rows in found.items()},
            "seconds": seconds,
            "annotated": annotated,
            "length": compare_durations(annotated, seconds),
            "heard": [_share_heard(sound, video) for sound, video in zip(sounds, lead, strict=True)],
        },
        counts.index,
    )
    others = [duplicates.get(video, "") for video in counts.index]
    table = state.join(counts).assign(others=others).reset_index()
    with replacing(path) as temporary:
        table.round(4).to_csv(temporary, sep="\t", index=False)
    _warn(table)
    _warn_of_milliseconds(queries, table)


def _share_heard(sound: Row, video: Row) -> float:
    if not video.is_ok:
        return math.nan
    return share_covered(sound, video) if sound.is_ok else 0.0


def _warn(table: pd.DataFrame) -> None:
    for length in (SHORTER, LONGER):
        found = table[table["length"] == length]
        if len(found):
            first = found.iloc[0]
            log.warning(
                f"{len(found)} of {len(table)} videos are {length} than annotated, such as {first['video']}: "
                f"{first['seconds']:g} s in place of {first['annotated']:g} s; moments keep their seconds"
            )


def _warn_of_milliseconds(queries: pd.DataFrame, table: pd.DataFrame) -> None:
    """Tells of times beyond videos whose duration is not annotated that would fit as milliseconds."""
    annotated, covered = _durations(queries, table)
    is_known = np.isnan(annotated) & ~np.isnan(covered)
    times = zip(queries["start"][is_known], queries["end"][is_known], covered[is_known], strict=True)
    count = sum(seem_milliseconds(start, end, float(seconds)) for start, end, seconds in times)
    if count:
        log.warning(
            f"{count} of {len(queries)} moments begin after their video and would lie inside if their times "
            "were milliseconds; times are in seconds"
        )


def read_coverage(path: Path) -> pd.DataFrame:
    """Reads what `write_coverage` wrote."""
    table = pd.read_csv(path, sep="\t", keep_default_na=False, dtype={"video": str})
    return table.assign(**{name: pd.to_numeric(table[name]) for name in ("seconds", "heard")})


def name_streams(coverage: pd.DataFrame) -> list[str]:
    """Names a coverage table's streams, the first one first: its columns between `video` and `seconds`."""
    columns = list(coverage.columns)
    return columns[columns.index("video") + 1 : columns.index("seconds")]


def explain_absence(queries: pd.DataFrame, coverage: pd.DataFrame) -> pd.Series[str]:
    """Gives, for each query, why it is left out; empty where it is used.

    The reasons are `annotation`, `text features`, `video missing` and the like, and `moment beyond video`.

    Args:
        queries: the queries table.
        coverage: the coverage table.
    """
    lead = dict(zip(coverage["video"], coverage[name_streams(coverage)[0]], strict=True))
    beyond = find_beyond(queries["start"].to_numpy(), *_durations(queries, coverage))
    # Reasons differ in details from file to file: what is before the colon is what can be counted.
    reasons = [
        _name_fault(fault)
        or ("" if lead[video] == "ok" else f"video {lead[video].split(':')[0]}")
        or (_BEYOND if is_beyond else "")
        for fault, video, is_beyond in zip(queries["fault"], queries["video"], beyond, strict=True)
    ]
    return pd.Series(reasons, queries.index, str)


def count_coverage(queries: pd.DataFrame, coverage: pd.DataFrame) -> dict[str, dict[str, object]]:
    """Counts, split by split, the queries that are used, those without sound, and those left out and why.

    Args:
        queries: the queries table.
        coverage: the coverage table.

    Returns:
        For each split: videos, videos_used, queries, left_out (reason -> queries), and of the queries used:
        how many (used), how many on videos without sound, on videos that are partly heard, on shorter and on
        longer videos than annotated, with a moment that is cut off by the end of a shorter one; and the mean
        share of their video that is heard, None where one is not known. Where there are other streams after
        the first, also how many are on videos `without` each.
    """
    further = name_streams(coverage)[1:]
    having = {name: set(coverage.loc[coverage[name] == "ok", "video"]) for name in further}
    with_sound = having.pop(AUDIO, set())
    heard = queries["video"].map(dict(zip(coverage["video"], coverage["heard"], strict=True)))
    annotated, covered = _durations(queries, coverage)
    length = pd.Series(compare_durations(annotated, covered), queries.index)
    starts, ends = np.moveaxis(list_windows(queries), 2, 0)
    is_cut = find_cut(starts, ends, annotated[:, None], covered[:, None])
    cut = pd.Series(is_cut.any(axis=1), queries.index)
    reasons = explain_absence(queries, coverage)
    counts: dict[str, dict[str, object]] = {}
    for split, group in queries.groupby("split", sort=False):
        found = reasons[group.index]
        used = group.loc[found == "", "video"]
        share = heard[used.index]
        left_out = found[found != ""].value_counts().sort_index()
        counts[str(split)] = {
            "videos": group["video"].nunique(),
            "videos_used": used.nunique(),
            "queries": len(group),
            "used": len(used),
            "without_sound": sum(video not in with_sound for video in used),
            "partly_heard": int(((share > 0) & (share < 1)).sum()),
            "share_heard": round(float(share.mean()), 4) if len(share) and share.notna().all() else None,
            "on_shorter_videos": int((length[used.index] == SHORTER).sum()),
            "on_longer_videos": int((length[used.index] == LONGER).sum()),
            "moments_cut": int(cut[used.index].sum()),
            "left_out": {str(reason): int(count) for reason, count in left_out.items()},
        }
        if having:
            counts[str(split)]["without"] = {
                name: sum(video not in videos for video in used) for name, videos in having.items()
            }
    return counts


def list_left_out(queries: pd.DataFrame, coverage: pd.DataFrame) -> dict[str, dict[str, list[str]]]:
    """Lists, split by split and reason by reason, the videos that are absent and the queries that are faulty.

    Args:
        queries: the queries table.
        coverage: the coverage table.

    Returns:
        Split -> reason -> sorted ids of videos, or of queries where the reason is one of their own.
    """
    reasons = explain_absence(queries, coverage)
    left_out = queries[reasons != ""].assign(reason=reasons)
    left_out["id"] = left_out["video"].where(~left_out["reason"].isin(_OF_QUERIES), left_out["query"])
    lists: dict[str, dict[str, list[str]]] = {str(split): {} for split in queries["split"].unique()}
    for (split, reason), ids in left_out.groupby(["split", "reason"])["id"]:
        lists[str(split)][str(reason)] = sorted(ids.unique())
    return lists


def count_misses(queries: pd.DataFrame, coverage: pd.DataFrame) -> dict[str, int]:
    """Counts, split by split, the faultless queries that nothing can answer: they lack features, or video.

    Args:
        queries: the queries table.
        coverage: the coverage table.
    """
    reasons = explain_absence(queries, coverage)
    is_missed = (reasons != "") & (reasons != _FAULTY)
    return {
        str(split): int(is_missed[group.index].sum()) for split, group in queries.groupby("split", sort=False)
    }


def _durations(queries: pd.DataFrame, coverage: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """Returns each query's annotated duration, and the seconds that its video's clips cover [Q]."""
    seconds = dict(zip(coverage["video"], coverage["seconds"], strict=True))
    return queries["duration"].to_numpy(float), queries["video"].map(seconds).to_numpy(float)


def _name_fault(fault: str) -> str:
    """Says what a query's fault is counted as; nothing where it has none."""
    if fault.startswith(FAULT):
        return FAULT
    return _FAULTY if fault else ""
