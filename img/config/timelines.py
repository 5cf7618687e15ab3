"""Which single queries are shown along their video's time."""

from __future__ import annotations

from pydantic import Field

from extractors.settings import Settings, Whole


class TimelineChoice(Settings):
    """Queries to look at."""

    queries: list[str] = Field(
        default=[], description="Ids of queries to show in any case; predictions name them."
    )
    best: Whole = Field(default=1, ge=0, le=100, description="How many to show where the sound helped most.")
    worst: Whole = Field(default=1, ge=0, le=100, description="How many to show where it hurt most.")
