"""Settings of a dataset's streams: which extractors make one, how they merge, how it lies along the first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field

from extractors.settings import Real, Settings
from img.config.base import Name

AUDIO = "audio"
"""The stream that `training.sound`, noise, and what counts as heard are about."""

AlignRule = Literal["seconds", "share"]
MergeRule = Literal["cut", "normalise_and_cut", "pool_to_last"]

DEFAULT_ALIGN: AlignRule = "seconds"
DEFAULT_MERGE: MergeRule = "cut"

_TAKEN = ("video", "seconds", "annotated", "length", "heard", "others")
"""Columns of coverage.tsv that are about no single stream."""


def _is_free(name: str) -> str:
    if name in _TAKEN or name.endswith("_queries"):
        raise ValueError(
            f"{name}: expected a name that is no other column of coverage.tsv: "
            f"none of {', '.join(_TAKEN)}, and none that ends in _queries"
        )
    return name


StreamName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,39}$"), AfterValidator(_is_free)]


def _as_list(value: Any) -> Any:
    return (value,) if isinstance(value, str) else value


ExtractorNames = Annotated[
    tuple[Name, ...],
    Field(min_length=1),
    BeforeValidator(_as_list, json_schema_input_type=Name | tuple[Name, ...]),
]
"""One extractor, or several side by side."""


class FeatureSource(Settings):
    """One extractor's features of a dataset, as a command line is told of them."""

    folder: Path = Field(description="The feature folder.")
    scale: Real = Field(default=1.0, gt=0, description="What stored values are multiplied with.")


class StreamSource(Settings):
    """A stream as a command line is told of it."""

    name: StreamName = Field(description="The stream's name.")
    parts: tuple[FeatureSource, ...] = Field(
        min_length=1, description="Its extractors' features, in the order in which values stand side by side."
    )
    merge: MergeRule = Field(default=DEFAULT_MERGE, description="How several extractors become one stream.")


def label_streams(streams: Mapping[str, Sequence[str]]) -> str:
    """Names what is assembled of streams after their extractors: `i3d+pann`, `slowfast,clip+pann`."""
    return "+".join(",".join(extractors) for extractors in streams.values())
