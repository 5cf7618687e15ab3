"""Settings of sentence encoders."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar, Literal

from pydantic import Field, model_validator

from extractors.parameters import Parameters, WeightsForm
from extractors.storage.packaged import GLOVE, MINILM, PackagedFile

EncoderName = Literal["minilm", "clip_text"]
"""Encoders with a network."""


class SentenceParameters(Parameters):
    """One row for each text that another extractor wrote, with the text's seconds."""

    extra: ClassVar[str] = "sentence"
    widths: ClassVar[tuple[int, ...]] = (384, 512, 768, 50, 300)
    weights_are: ClassVar[WeightsForm] = "file or folder"
    packaged: ClassVar[PackagedFile | None] = MINILM

    # Of no other kind is a name of packaged vectors expected.
    weights: Path | Literal["package", "package:glove-6b-50d"] = Field(  # type: ignore[assignment]
        description="Folder of the encoder as transformers saves it, with its tokeniser "
        "(sentence-transformers/all-MiniLM-L6-v2, openai/clip-vit-base-patch32); of `minilm` also `package`, "
        "that of the extra `pretrained`. Of `glove` a GloVe text file or its zip, or `package:glove-6b-50d` "
        "of that extra."
    )
    encoder: EncoderName | Literal["glove"] = Field(
        default="minilm",
        description="`minilm`, BERT whose tokens are averaged, divided by the norm, of at most 256 "
        "tokens, as sentence-transformers; `clip_text`, CLIP's projected end token, of at most 77 tokens; "
        "`glove`, the mean of the vectors of its words, split as queries are (TEA); words without a vector "
        "count nothing, and a text without any has no row.",
    )
    reads: str | None = Field(
        default=None,
        description="The extractor of this dataset whose texts it reads, such as one of kind speech.",
    )

    @model_validator(mode="after")
    def _fits_together(self) -> SentenceParameters:
        if self.encoder != "glove" and self.weights == GLOVE:
            raise ValueError(
                f"weights: expected the folder of {self.encoder}, found {GLOVE}; set encoder: glove"
            )
        if self.encoder != "minilm" and self.weights == "package":
            raise ValueError(f"weights: expected a path for {self.encoder}, found package (MiniLM)")
        if self.weights == GLOVE and self.weights_sha256 is not None:
            raise ValueError(f"weights_sha256: expected none with weights: {GLOVE}, whose hash is known")
        if self.encoder == "glove" and self.precision != "float32":
            raise ValueError(f"precision: expected float32 with encoder: glove, found {self.precision}")
        return self

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
