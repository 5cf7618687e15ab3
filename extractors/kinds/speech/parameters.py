"""Settings of speech recognition."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar, Literal

from pydantic import Field, model_validator

from extractors.parameters import Parameters, WeightsForm
from extractors.settings import LARGEST_SEED, Real, Whole


class SpeechParameters(Parameters):
    """Whisper (Radford et al. 2022) on 16 kHz sound: what is said, with the seconds of each segment."""

    sample_rate: ClassVar[int] = 16_000
    extra: ClassVar[str] = "speech"

    weights_are: ClassVar[WeightsForm] = "folder"

    weights: Path = Field(
        description="Folder of a Whisper model as transformers saves it (openai/whisper-small.en), with its "
        "tokeniser and preprocessor_config.json."
    )
    language: str = Field(
        default="en",
        pattern=r"^[a-z]{2,3}$",
        description="Language that is spoken; models of English alone know no other.",
    )
    task: Literal["transcribe", "translate"] = Field(
        default="transcribe", description="`translate` writes English whatever is spoken."
    )
    decoding: Literal["greedy", "fallback"] = Field(
        default="greedy",
        description="`greedy` takes the likeliest token, always the same; `fallback` does so too and, where "
        "the text repeats itself or is improbable, draws again at temperatures of 0.2, 0.4 ... 1.0, as "
        "Whisper's authors; `seed` decides the draws.",
    )
    seed: Whole = Field(default=0, ge=0, le=LARGEST_SEED, description="Seed of `decoding: fallback`.")
    condition_on_previous: bool = Field(
        default=False,
        description="Show the decoder the text of the part before, as Whisper's authors; a "
        "mistake then goes on.",
    )
    compression_ratio_threshold: Real = Field(
        default=1.35,
        ge=0.01,
        le=100,
        description="`fallback`: tokens that compress better than this repeat themselves. transformers packs "
        "tokens, not letters: its 1.35 stands for the authors' 2.4.",
    )
    log_probability_threshold: Real = Field(
        default=-1.0,
        ge=-100,
        le=0,
        description="`fallback`: a mean log-probability below this is improbable.",
    )
    no_speech_threshold: Real = Field(
        default=0.6,
        ge=0,
        le=1,
        description="`fallback`: an improbable part is silence where its probability of no speech is "
        "above this.",
    )
    max_new_tokens: Whole | None = Field(
        default=None, ge=1, le=448, description="Most tokens of a part; null for the model's own limit."
    )

    @model_validator(mode="after")
    def _fits_together(self) -> SpeechParameters:
        if self.condition_on_previous and self.decoding == "greedy":
            raise ValueError("condition_on_previous: expected false with decoding: greedy, found true")
        return self

    def identity(self) -> dict[str, Any]:
        """Gives what decides the texts: of greedy decoding neither a seed nor thresholds."""
        values = self.model_dump(exclude={"weights_sha256"})
        if self.decoding == "greedy":
            for name in ("seed", "compression_ratio_threshold", "log_probability_threshold"):
                del values[name]
            del values["no_speech_threshold"]
        return values

    def sampling(self) -> str:
        """Says in words how sound is read."""
        return "all sound at 16 kHz, in parts of 30 s"
