"""Settings of a dataset's streams: which extractors make one, how they merge, how it lies along the first."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from extractors.parameters import MergeRule, NormaliseRule
from extractors.settings import Real, Settings
from img.config.base import Name

AUDIO = "audio"
"""The stream that `training.sound`, noise, and what counts as heard are about."""

AlignRule = Literal["seconds", "share", "nearest", "whole_seconds"]

TEXT_RULES = ("nearest", "whole_seconds")
"""Those that only rows of texts can be laid by."""

_TAKEN = ("video", "seconds", "annotated", "length", "heard", "others")
"""Columns of coverage.tsv that are about no single stream."""


def _is_free(name: str) -> str:
    if name in _TAKEN or name.endswith("_queries"):
        raise ValueError(
            f"expected a name that is no other column of coverage.tsv: none of {', '.join(_TAKEN)}, "
            f"and none that ends in _queries; found {name!r}"
        )
    return name


StreamName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,39}$"), AfterValidator(_is_free)]


class StreamRules(Settings):
    """How features become a stream."""

    align: AlignRule = Field(
        default="seconds",
        description="How it is laid along the first stream: `seconds`, by the seconds of its rows, or by "
        "share where these are unknown; `share`, its rows share the video evenly whatever their seconds. "
        "Rows of texts are laid where they are said, with zeros where nothing is; `nearest` takes the "
        "nearest text there (TEA), and `whole_seconds` lays a row a second (HiREST).",
    )
    merge: MergeRule = Field(
        default="cut_to_shortest",
        description="How several extractors get one number of rows before they stand side by side: "
        "`cut_to_shortest` keeps the first rows of each; `bring_to_last` averages or repeats rows to the "
        "number of the last one's.",
    )
    normalise: NormaliseRule = Field(
        default="none",
        description="`l2` divides each row of each extractor by its norm, before they are merged.",
    )


def _as_list(value: Any) -> Any:
    return (value,) if isinstance(value, str) else value


ExtractorNames = Annotated[
    tuple[Name, ...], BeforeValidator(_as_list, json_schema_input_type=Name | tuple[Name, ...])
]


class StreamOptions(StreamRules):
    """A stream: its extractors, and how their features become one."""

    extractors: ExtractorNames = Field(
        min_length=1,
        description="Its extractor, or several in the order in which their values stand side by side.",
    )

    @model_validator(mode="after")
    def _fits_together(self) -> StreamOptions:
        if len(set(self.extractors)) < len(self.extractors):
            raise ValueError(f"extractors: expected each once, found {list(self.extractors)}")
        if self.merge == "bring_to_last" and len(self.extractors) == 1:
            raise ValueError(f"merge: expected several extractors for {self.merge}, found one")
        return self


def _expand(value: Any) -> Any:
    """Reads the short forms: an extractor, or a list of several."""
    return {"extractors": value} if isinstance(value, str | list | tuple) else value


AnyStream = Annotated[
    StreamOptions, BeforeValidator(_expand, json_schema_input_type=Name | tuple[Name, ...] | StreamOptions)
]
"""A stream's settings, or the short forms of those that leave the rules as they are."""


def name_extractors(value: Any) -> list[str]:
    """Gives the extractors of a stream as it is written; what is no name is told of when it is checked."""
    expanded = _expand(value)
    names = _as_list(expanded.get("extractors")) if isinstance(expanded, dict) else ()
    return [name for name in names if isinstance(name, str)] if isinstance(names, list | tuple) else []


class FeatureSource(Settings):
    """One extractor's features of a dataset, as a command line is told of them."""

    folder: Path = Field(description="The feature folder.")
    scale: Real = Field(default=1.0, gt=0, description="What stored values are multiplied with.")
    texts: Path | None = Field(
        default=None, description="The folder of the texts that the features were made of, if they were."
    )


class StreamSource(StreamRules):
    """A stream as a command line is told of it."""

    name: StreamName = Field(description="The stream's name.")
    parts: tuple[FeatureSource, ...] = Field(
        min_length=1, description="Its extractors' features, in the order in which values stand side by side."
    )


def label_streams(streams: Mapping[str, StreamOptions]) -> str:
    """Names what is assembled of streams after their extractors: `i3d+pann`, `slowfast,clip+pann`."""
    return "+".join(",".join(stream.extractors) for stream in streams.values())
