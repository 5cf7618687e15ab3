"""Settings of sentence encoders."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar, Literal

from pydantic import Field

from extractors.parameters import Parameters, WeightsForm

EncoderName = Literal["minilm", "clip_text"]


class SentenceParameters(Parameters):
    """One row for each text that another extractor wrote, with the text's seconds."""

    extra: ClassVar[str] = "sentence"
    widths: ClassVar[tuple[int, ...]] = (384, 512, 768)
    weights_are: ClassVar[WeightsForm] = "folder"

    weights: Path = Field(
        description="Folder of the encoder as transformers saves it, with its tokeniser "
        "(sentence-transformers/all-MiniLM-L6-v2, openai/clip-vit-base-patch32)."
    )
    encoder: EncoderName = Field(
        default="minilm",
        description="`minilm`, BERT whose tokens are averaged, divided by the norm, of at most 256 "
        "tokens, as sentence-transformers; `clip_text`, CLIP's projected end token, of at most 77 tokens.",
    )
    reads: str | None = Field(
        default=None,
        description="The extractor of this dataset whose texts it reads, such as one of kind speech.",
    )

    @property
    def reads_texts_of(self) -> str | None:
        """The extractor whose texts are read."""
        return self.reads

    def identity(self) -> dict[str, Any]:
        """Gives what decides the rows: not whose texts they are, but their content."""
        values = super().identity()
        del values["reads"]
        return values

    def sampling(self) -> str:
        """Says in words what a row stands for."""
        return "a row for each text"
