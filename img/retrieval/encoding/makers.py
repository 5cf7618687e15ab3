"""What makes the features that a run reads: extractors rebuilt from its record, with their weights found."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from extractors.faults import describe
from extractors.kind import Kind
from extractors.parameters import Parameters
from extractors.registry import KINDS, reads_texts

IMPORTED = "imported"
_HASHED = "sha256:"


@dataclass(frozen=True)
class Maker:
    """One extractor of a stream, as the run recorded it.

    Attributes:
        stream: the stream's name.
        name: the extractor's; that of the stream in runs that did not record it.
        made: its kind, code version and parameters, files by their hashes.
        file_names: what those files were called when the run was trained.
        width: values in a row.
        scale: what values are multiplied with.
        texts: who writes the texts that it reads; None where it reads videos, or the run did not record it.
    """

    stream: str
    name: str
    made: Mapping[str, Any]
    file_names: Mapping[str, str]
    width: int
    scale: float
    texts: Maker | None = None

    @property
    def is_imported(self) -> bool:
        """Whether its arrays were made elsewhere."""
        return self.made["kind"] not in KINDS or self.made["kind"] == IMPORTED

    @property
    def reads_texts(self) -> bool:
        """Whether it reads texts about a video, which no video file holds."""
        return reads_texts(self.made["kind"])

    @property
    def gives_texts(self) -> bool:
        """Whether it writes texts, which another extractor reads."""
        return not self.is_imported and KINDS[self.made["kind"]].gives == "texts"

    @property
    def is_normalised(self) -> bool:
        """Whether rows were divided by their norms when the arrays were imported."""
        return self.is_imported and self.made.get("parameters", {}).get("normalise") == "l2"

    @property
    def hashes(self) -> dict[str, str]:
        """The SHA-256 of each file that its parameters name, by the parameter's name."""
        return {
            name: value.removeprefix(_HASHED)
            for name, value in self.made["parameters"].items()
            if isinstance(value, str) and value.startswith(_HASHED)
        }

    def describe_files(self) -> str:
        """Names the files of its parameters, and their hashes."""
        return ", ".join(
            f"{self.file_names.get(name, name)} (SHA-256 {sha})" for name, sha in self.hashes.items()
        )

    def rebuild(self, files: Mapping[str, Path], trusted: bool) -> tuple[Kind, Parameters]:
        """Gives the kind and its parameters, to extract a further video alike.

        Args:
            files: where the file of each hash is.
            trusted: load a weights file that holds more than tensors, whose loading could run code.

        Raises:
            ValueError: a file was not found, the kind is of another version today, or its parameters are no
                longer understood.
        """
        kind = KINDS[self.made["kind"]]
        if kind.code_version != self.made["code_version"]:
            raise ValueError(
                f"{self.name}: the run was trained on features of {kind.name}, version "
                f"{self.made['code_version']}, and version {kind.code_version} would make others; "
                "train it again, or ask with the release that trained it"
            )
        missing = [name for name, sha in self.hashes.items() if sha not in files]
        if missing:
            raise ValueError(
                f"{self.name}: expected the file that the run's features were made with, "
                f"{self.describe_files()}, found none below resources/; give its place by --weights "
                f"{self.name}=PATH"
            )
        values = {**self.made["parameters"], **{name: files[sha] for name, sha in self.hashes.items()}}
        weights = self.hashes.get("weights")
        if trusted and weights and files[weights].is_file():
            values["weights_sha256"] = weights
        try:
            parameters = kind.parameters.model_validate(values)
        except ValidationError as error:
            raise ValueError(f"{self.name}: {describe(error, kind.parameters)}") from None
        if not isinstance(parameters, Parameters):
            raise ValueError(f"{self.name}: expected an extractor that reads videos, found {kind.name}")
        return kind, parameters


def assume_reads(widths: Mapping[str, int], max_clips: int) -> dict[str, Any]:
    """Says what a run reads that does not say so itself: as IMG's authors prepare features.

    Args:
        widths: of each stream, by name.
        max_clips: clips that longer videos are pooled to.
    """
    return {
        "streams": {
            name: [
                {
                    "name": name,
                    "extractor": {"kind": IMPORTED, "parameters": {}},
                    "width": width,
                    "scale": 1.0,
                }
            ]
            for name, width in widths.items()
        },
        "merges": {},
        "align": dict.fromkeys(list(widths)[1:], "seconds"),
        "options": {"max_clips": max_clips},
        "standardisation": {},
    }


def list_makers(reads: Mapping[str, Any]) -> dict[str, list[Maker]]:
    """Lists the extractors of each stream, from a run's record of what it reads."""
    return {
        stream: [
            Maker(
                stream,
                part.get("name", stream),
                part["extractor"],
                part.get("file_names", {}),
                part["width"],
                part["scale"],
                _list_writer(stream, part.get("texts")),
            )
            for part in parts
        ]
        for stream, parts in reads["streams"].items()
    }


def list_with_writers(makers: Mapping[str, Sequence[Maker]]) -> list[Maker]:
    """Lists the extractors of all streams, whoever writes the texts that one reads before it."""
    found = [maker for parts in makers.values() for maker in parts]
    return [one for maker in found for one in (maker.texts, maker) if one is not None]


def _list_writer(stream: str, texts: Mapping[str, Any] | None) -> Maker | None:
    if texts is None:
        return None
    return Maker(stream, texts["name"], texts["extractor"], texts["file_names"], width=0, scale=1.0)
