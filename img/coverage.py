"""What of a dataset can be used: no video and no query drops out unseen."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from extractors.files import replacing
from img.features import FeatureFolder

_NOT_LISTED = "not extracted"


def write_coverage(queries: pd.DataFrame, visual: FeatureFolder, audio: FeatureFolder, path: Path) -> None:
    """Writes a row for each video: its visual and audio status and how many queries each split has on it."""
    table = (
        queries.groupby(["video", "split"]).size().unstack(fill_value=0).add_suffix("_queries").reset_index()
    )
    for position, (role, features) in enumerate((("visual", visual), ("audio", audio)), 1):
        status = [
            features.rows[video].status if video in features.rows else _NOT_LISTED for video in table["video"]
        ]
        table.insert(position, role, status)
    with replacing(path) as temporary:
        table.to_csv(temporary, sep="\t", index=False)


def read_coverage(path: Path) -> pd.DataFrame:
    """Reads what `write_coverage` wrote."""
    return pd.read_csv(path, sep="\t", keep_default_na=False, dtype={"video": str})


def count_coverage(queries: pd.DataFrame, coverage: pd.DataFrame) -> dict[str, dict[str, object]]:
    """Counts, split by split, the queries that are used, those without sound, and those left out and why.

    Args:
        queries: the queries table.
        coverage: the coverage table.

    Returns:
        For each split: queries, used, without_sound, left_out (reason -> queries).
    """
    visual = dict(zip(coverage["video"], coverage["visual"], strict=True))
    audio = dict(zip(coverage["video"], coverage["audio"], strict=True))
    counts: dict[str, dict[str, object]] = {}
    for split, group in queries.groupby("split", sort=False):
        # Reasons differ in details from file to file: what is before the colon is what can be counted.
        reasons = [
            "annotation" if fault else "" if visual[video] == "ok" else f"video {visual[video].split(':')[0]}"
            for fault, video in zip(group["fault"], group["video"], strict=True)
        ]
        used = [video for video, reason in zip(group["video"], reasons, strict=True) if not reason]
        left_out = pd.Series([reason for reason in reasons if reason], dtype=str).value_counts().sort_index()
        counts[str(split)] = {
            "queries": len(group),
            "used": len(used),
            "without_sound": sum(audio[video] != "ok" for video in used),
            "left_out": {str(reason): int(count) for reason, count in left_out.items()},
        }
    return counts
