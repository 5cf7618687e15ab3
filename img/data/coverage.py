"""What of a dataset can be used: no video and no query drops out unseen."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from extractors.storage.files import replacing
from img.data.assembly import FeatureFolder
from img.data.query_features import FAULT

_NOT_LISTED = "not extracted"
_FAULTY = "annotation"


def write_coverage(
    queries: pd.DataFrame,
    visual: FeatureFolder,
    audio: FeatureFolder,
    duplicates: Mapping[str, str],
    path: Path,
) -> None:
    """Writes a row for each video: statuses, seconds, each split's queries on it, further files.

    Beside the statuses stand the seconds that the visual rows cover (empty where unknown) and those that the
    annotations give the video. MPEG-TS and others that promise no length are cut short unseen: here it shows.

    Args:
        queries: the queries table.
        visual: visual features.
        audio: audio features.
        duplicates: further files of those videos that have several; they become the column `others`.
        path: the table to write.
    """
    table = (
        queries.groupby(["video", "split"]).size().unstack(fill_value=0).add_suffix("_queries").reset_index()
    )
    for position, (role, features) in enumerate((("visual", visual), ("audio", audio)), 1):
        status = [
            features.rows[video].status if video in features.rows else _NOT_LISTED for video in table["video"]
        ]
        table.insert(position, role, status)
    table.insert(3, "seconds", [_seconds(visual, video) for video in table["video"]])
    table.insert(4, "annotated_seconds", table["video"].map(queries.groupby("video")["duration"].max()))
    table["others"] = [duplicates.get(video, "") for video in table["video"]]
    with replacing(path) as temporary:
        table.to_csv(temporary, sep="\t", index=False)


def _seconds(features: FeatureFolder, video: str) -> float | None:
    row = features.rows.get(video)
    return row.seconds if row and row.is_ok else None


def read_coverage(path: Path) -> pd.DataFrame:
    """Reads what `write_coverage` wrote."""
    return pd.read_csv(
        path, sep="\t", keep_default_na=False, na_values={"seconds": [""]}, dtype={"video": str}
    )


def explain_absence(queries: pd.DataFrame, coverage: pd.DataFrame) -> pd.Series[str]:
    """Gives, for each query, why it is left out, as `annotation` or `video missing`; empty where it is used.

    Args:
        queries: the queries table.
        coverage: the coverage table.
    """
    visual = dict(zip(coverage["video"], coverage["visual"], strict=True))
    # Reasons differ in details from file to file: what is before the colon is what can be counted.
    reasons = [
        _name_fault(fault) or ("" if visual[video] == "ok" else f"video {visual[video].split(':')[0]}")
        for fault, video in zip(queries["fault"], queries["video"], strict=True)
    ]
    return pd.Series(reasons, queries.index, str)


def count_coverage(queries: pd.DataFrame, coverage: pd.DataFrame) -> dict[str, dict[str, object]]:
    """Counts, split by split, the queries that are used, those without sound, and those left out and why.

    Args:
        queries: the queries table.
        coverage: the coverage table.

    Returns:
        For each split: videos, videos_used, queries, used, without_sound, left_out (reason -> queries).
    """
    audio = dict(zip(coverage["video"], coverage["audio"], strict=True))
    reasons = explain_absence(queries, coverage)
    counts: dict[str, dict[str, object]] = {}
    for split, group in queries.groupby("split", sort=False):
        found = reasons[group.index]
        used = group.loc[found == "", "video"]
        left_out = found[found != ""].value_counts().sort_index()
        counts[str(split)] = {
            "videos": group["video"].nunique(),
            "videos_used": used.nunique(),
            "queries": len(group),
            "used": len(used),
            "without_sound": sum(audio[video] != "ok" for video in used),
            "left_out": {str(reason): int(count) for reason, count in left_out.items()},
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
    left_out["id"] = left_out["video"].where(~left_out["reason"].isin([_FAULTY, FAULT]), left_out["query"])
    lists: dict[str, dict[str, list[str]]] = {str(split): {} for split in queries["split"].unique()}
    for (split, reason), ids in left_out.groupby(["split", "reason"])["id"]:
        lists[str(split)][str(reason)] = sorted(ids.unique())
    return lists


def count_misses(queries: pd.DataFrame, coverage: pd.DataFrame) -> dict[str, int]:
    """Counts, split by split, the faultless queries that lack features: nothing can answer them.

    Args:
        queries: the queries table.
        coverage: the coverage table.
    """
    reasons = explain_absence(queries, coverage)
    is_missed = (reasons != "") & (reasons != _FAULTY)
    return {
        str(split): int(is_missed[group.index].sum()) for split, group in queries.groupby("split", sort=False)
    }


def _name_fault(fault: str) -> str:
    """Says what a query's fault is counted as; nothing where it has none."""
    if fault.startswith(FAULT):
        return FAULT
    return _FAULTY if fault else ""
