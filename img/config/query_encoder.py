"""Settings of the text encoder that reads queries in the place of words."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field

from extractors.kinds.sentence.parameters import EncoderName
from extractors.settings import Settings, Whole


class QueryEncoder(Settings):
    """A text encoder that makes features of sentences."""

    kind: EncoderName = Field(
        description="`clip_text`, CLIP's text tower; `minilm`, BERT as sentence-transformers uses it."
    )
    weights: Path = Field(
        description="Folder of the encoder as transformers saves it, with its tokeniser "
        "(openai/clip-vit-base-patch32, sentence-transformers/all-MiniLM-L6-v2)."
    )
    weights_sha256: str | None = Field(
        default=None,
        pattern=r"^[0-9a-f]{64}$",
        description="SHA-256 that the folder must have, of the names and contents of its files.",
    )
    output: Literal["tokens", "sentence"] = Field(
        default="tokens",
        description="`tokens`, a row for each token, those of start and end included; of `clip_text` states "
        "behind the last norm, before the projection, as Moment-DETR and its kin. `sentence`, one row: of "
        "`clip_text` the projected end token, of `minilm` the mean, divided by its norm.",
    )
    max_tokens: Whole | None = Field(
        default=None,
        ge=3,
        le=256,
        description="Tokens kept of a sentence, those of start and end included; null for all that the "
        "encoder reads (77 or 256). Moment-DETR keeps 32.",
    )

    @property
    def extra(self) -> str:
        """The extra of pyproject.toml that installs what it needs."""
        return "clip" if self.kind == "clip_text" else "sentence"
