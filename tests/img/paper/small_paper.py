"""A paper of two tables, recipes that make them, and metrics as `evaluate` writes them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from img.config.dataset import StandIn
from img.paper.recipes import Recipes, Scope, read_recipes
from img.paper.transcription import Paper, read_paper

RECALL = {"key": "R1@7", "label": "R1@7", "dataset": "charades", "split": "test", "quantity": "R1@0.7"}
MEAN = {"key": "mIOU", "label": "mIOU", "dataset": "activitynet", "split": "test", "quantity": "mIoU"}

PAPER: dict[str, Any] = {
    "title": "A paper",
    "doi": "10.1/1",
    "tables": {
        1: {
            "caption": "Ours and others.",
            "label_columns": ["Method"],
            "columns": [RECALL, MEAN],
            "rows": [
                {"key": "other", "labels": ["Other [5]"], "source": 5, "values": [30.25, None]},
                {"key": "without", "labels": ["Ours w/o audio"], "source": "ours", "values": [40.0, 50.0]},
                {"key": "ours", "labels": ["Ours"], "source": "ours", "values": [44.23, 55.62]},
            ],
        },
        2: {
            "caption": "Counts.",
            "label_columns": ["Range"],
            "columns": [{**RECALL, "key": "low", "label": "<0.5", "quantity": "queries"}],
            "rows": [{"key": "count", "labels": ["Count"], "source": "ours", "values": [26]}],
        },
    },
    "claims": [
        {
            "id": "sound_helps",
            "text": "sound helps",
            "table": 1,
            "better": "ours",
            "worse": ["without", "other"],
            "columns": ["R1@7"],
        }
    ],
    "references": {5: {"authors": "Other", "year": 2020, "title": "Another paper"}},
}

RECIPES: dict[str, Any] = {
    "datasets": {
        "charades": {"dataset": "charades", "splits": {"test": "test"}},
        "activitynet": {"dataset": "activitynet", "splits": {"test": "val_1"}},
    },
    "tables": {
        1: {
            "without": {"variant": "visual_only", "branch": "visual"},
            "ours": {"variant": "img"},
        }
    },
}


def write(
    folder: Path, paper: dict[str, Any] = PAPER, recipes: dict[str, Any] = RECIPES
) -> tuple[Path, Path]:
    paths = folder / "paper.yaml", folder / "tables.yaml"
    for path, values in zip(paths, (paper, recipes), strict=True):
        path.write_text(yaml.safe_dump(values, sort_keys=False))
    return paths


def read(folder: Path, recipes: dict[str, Any] = RECIPES) -> tuple[Paper, Recipes]:
    paper_path, recipes_path = write(folder, recipes=recipes)
    paper = read_paper(paper_path)
    return paper, read_recipes(recipes_path, paper)


def paper_scope(recipes: Recipes) -> Scope:
    return Scope(stand_ins=recipes.datasets, is_paper=True, simulated=[])


DEMO_SCOPE = Scope(
    stand_ins={"charades": StandIn(dataset="demo", splits={"test": "heard"})},
    is_paper=False,
    simulated=["demo"],
)


def metrics(dataset: str, variant: str, split: str, branch: str, last: float, best: float) -> dict[str, Any]:
    """A run's metrics.json; both quantities have the same value."""
    return {
        "dataset": dataset,
        "variant": variant,
        "protocols": {
            protocol: {split: {branch: {"R1@0.7": value, "mIoU": value}}}
            for protocol, value in (("last", last), ("best_on_test", best))
        },
    }
