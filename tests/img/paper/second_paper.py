"""A second paper's folder: one table of one row on a dataset of its own, and no variants of its own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

PAPER: dict[str, Any] = {
    "title": "Another paper",
    "doi": "10.1/2",
    "tables": {
        2: {
            "caption": "Moments found in kitchens.",
            "label_columns": ["System"],
            "columns": [
                {
                    "key": "R1@7",
                    "label": "R@0.7",
                    "dataset": "kitchens",
                    "split": "exam",
                    "quantity": "R1@0.7",
                }
            ],
            "rows": [{"key": "ours", "labels": ["Ours"], "source": "ours", "values": [12.5]}],
        }
    },
    "claims": [],
    "references": {},
}


def recipes(dataset: str, split: str) -> dict[str, Any]:
    """Recipes that let a dataset stand for the paper's own."""
    return {
        "datasets": {"kitchens": {"dataset": dataset, "splits": {"exam": split}}},
        "tables": {2: {"ours": {"variant": "img", "branch": "visual"}}},
    }


def write_second_paper(folder: Path, dataset: str = "demo", split: str = "test", **changes: Any) -> Path:
    """Writes the folder; changes are to what its tables.yaml holds."""
    folder.mkdir(parents=True)
    (folder / "paper.yaml").write_text(yaml.safe_dump(PAPER, sort_keys=False))
    made = {**recipes(dataset, split), **changes}
    (folder / "tables.yaml").write_text(yaml.safe_dump(made, sort_keys=False))
    return folder
