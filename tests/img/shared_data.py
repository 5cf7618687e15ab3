"""The folder of development data beside the project; tests that need it skip where it is absent."""

from pathlib import Path

import pytest

SHARED = Path(__file__).parents[2] / ".." / "shared" / "data"
CHARADES = SHARED / "annotations" / "charades"
ACTIVITYNET = SHARED / "annotations" / "activitynet"

GENERALISATION = ("charades_cd", "charades_cg", "activitynet_cd", "activitynet_cg")
"""Datasets of the same queries, divided anew; a folder each."""

needs_generalisation = pytest.mark.skipif(
    not all((SHARED / "annotations" / name).is_dir() for name in (*GENERALISATION, "activitynet")),
    reason=f"the real annotations are not in {SHARED}",
)

needs_annotations = pytest.mark.skipif(
    not (CHARADES.is_dir() and ACTIVITYNET.is_dir()), reason=f"the real annotations are not in {SHARED}"
)
