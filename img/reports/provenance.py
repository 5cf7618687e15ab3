"""How the features of a dataset were made, in one table, from the description beside each array."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from extractors.storage.files import read_json
from img.reports.page import Line, Page

_SHOWN_HASH = 12
"""Characters of a hash that are shown; the arrays' descriptions hold it whole."""


def survey_features(folders: Mapping[str, Path]) -> Page:
    """Groups arrays by everything that made them what they are, but their videos.

    Args:
        folders: extractor -> the folder of its arrays, each with its description beside it.
    """
    lines, records = [], []
    for extractor, folder in folders.items():
        groups = Counter(_describe(read_json(path)) for path in _descriptions(folder))
        for index, (made, count) in enumerate(groups.most_common()):
            labels = [extractor if not index else "", *(f"{key}: {value}" for key, value in made[:1])]
            lines.append(
                Line([*labels, "; ".join(f"{key} {value}" for key, value in made[1:])], [str(count)])
            )
            records.append({"extractor": extractor, "arrays": count, **dict(made)})
    columns = dict.fromkeys(key for record in records for key in record)
    return Page(
        "Provenance of the features",
        "Arrays made alike are counted together. `python -m extractors explain` tells it of one array.",
        ["extractor", "kind", "made with"],
        ["arrays"],
        lines,
        ["Hashes are SHA-256, shortened."] if lines else ["There are no arrays."],
        [{column: record.get(column) for column in columns} for record in records],
    )


def _descriptions(folder: Path) -> Iterable[Path]:
    return (path for path in sorted(folder.glob("*.json")) if path.with_suffix(".npy").is_file())


def _describe(description: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    made = {"kind": description["kind"], "code version": description["code_version"]}
    made |= {key: value for key, value in description["parameters"].items() if value is not None}
    made |= {key: description[key] for key in ("decoder", "device") if key in description}
    if "code" in description:
        made["code"] = f"sha256:{description['code']}"
    made |= {f"{name} library": version for name, version in description["libraries"].items()}
    return tuple((key, _shorten(value)) for key, value in made.items())


def _shorten(value: Any) -> str:
    text = str(value)
    prefix, separator, digest = text.partition("sha256:")
    return f"{prefix}{separator}{digest[:_SHOWN_HASH]}" if separator else text
