"""The folder of development data beside the project; tests that need it skip where it is absent."""

from pathlib import Path

import pytest

SHARED = Path(__file__).parents[2] / ".." / "shared" / "data"
CHARADES = SHARED / "annotations" / "charades"
ACTIVITYNET = SHARED / "annotations" / "activitynet"

needs_annotations = pytest.mark.skipif(
    not (CHARADES.is_dir() and ACTIVITYNET.is_dir()), reason=f"the real annotations are not in {SHARED}"
)
