"""The text encoder that made the features of a run's queries: found by its hash, asked for a sentence."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from extractors.models.model_folders import CONFIG
from extractors.storage.files import sha256_of_path
from img.config.base import check
from img.config.query_encoder import QueryEncoder
from img.runs.folder import QUERY_ENCODER

if TYPE_CHECKING:
    from img.data.text.query_encoding import SentenceEncoder

QUERIES = "queries"
"""What the encoder's folder is called where files are given by names of extractors."""

_RESOURCES = Path("resources")
_HASHED = "sha256:"


class TextEncoder:
    """A run's text encoder, loaded when it is first asked."""

    def __init__(
        self,
        recorded: Mapping[str, Any],
        device: str = "cpu",
        given: Path | None = None,
        folder: Path = _RESOURCES,
    ) -> None:
        """Takes what the run recorded.

        Args:
            recorded: the settings, with the hash of the encoder's folder in the place of its path.
            device: name of the torch device.
            given: the encoder's folder, where the user names it.
            folder: where it is looked for otherwise, in its subfolders.
        """
        self._recorded = recorded
        self._device = device
        self._given = given
        self._folder = folder
        self._encoder: SentenceEncoder | None = None

    @staticmethod
    def of_run(made: Mapping[str, Any], device: str, given: Path | None = None) -> TextEncoder | None:
        """Opens the encoder that a run recorded; None where its queries are words, or were given."""
        recorded = made.get(QUERY_ENCODER)
        return TextEncoder(recorded, device, given) if recorded else None

    def encode(self, sentence: str) -> np.ndarray:
        """Encodes a sentence as the run's queries were: float32 [N, Dq].

        Raises:
            ValueError: the encoder's folder was not found, or another was given.
        """
        if self._encoder is None:
            self._encoder = self._load()
        (rows,) = self._encoder.encode_sentences([sentence])
        return rows

    def _load(self) -> SentenceEncoder:
        # Not at the top: most runs read words.
        from img.data.text.query_encoding import SentenceEncoder

        values = {**self._recorded, "weights": str(self._find())}
        del values["file_name"]
        return SentenceEncoder(check(QueryEncoder, values, QUERY_ENCODER), self._device)

    def _find(self) -> Path:
        wanted = str(self._recorded["weights"]).removeprefix(_HASHED)
        for path in self._candidates():
            if sha256_of_path(path) == wanted:
                return path
        found = "another" if self._given else f"none below {self._folder}/"
        raise ValueError(
            f"{QUERIES}: expected the folder of the text encoder that the run's queries were read by, "
            f"{self._recorded['file_name']} (SHA-256 {wanted}), found {found}; give its place by --weights "
            f"{QUERIES}=PATH"
        )

    def _candidates(self) -> Iterator[Path]:
        if self._given:
            yield self._given
            return
        folders = sorted(path.parent for path in self._folder.rglob(CONFIG))
        # Its own name first: hashing others may take long.
        yield from sorted(folders, key=lambda path: path.name != self._recorded["file_name"])
