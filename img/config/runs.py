"""Settings of training, and of answering with what was trained."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, SerializeAsAny, model_validator

from extractors.settings import Real, Settings, Whole
from img.models.options import SystemOptions
from img.models.registry import find_system, parse_options

TRAINING_VERSION = 1
"""Raised whenever a training run's result changes for the same inputs, options and seed."""

EVALUATION_VERSION = 2
"""Raised whenever predictions or metrics change for the same checkpoints and inputs."""


class TrainingOptions(Settings):
    """How a model is trained. Everything here changes the result."""

    epochs: Whole = Field(default=100, ge=1, le=100_000, description="Passes over the training split.")
    batch_size: Whole = Field(default=16, ge=1, le=65_536, description="Queries in a batch.")
    learning_rate: Real = Field(
        default=5e-4, gt=0, le=10, description="AdamW's at its highest; `schedule` lowers it."
    )
    schedule: Literal["linear", "step", "constant"] = Field(
        default="linear",
        description="How the learning rate goes: `linear`, down to 0 over the training; `step`, times "
        "`step_factor` every `step_epochs`; `constant`.",
    )
    step_epochs: Whole = Field(
        default=40, ge=1, le=100_000, description="Epochs between two steps of the schedule `step`."
    )
    step_factor: Real = Field(
        default=0.1, gt=0, le=1, description="What a step of the schedule `step` multiplies the rate with."
    )
    warmup: Real = Field(
        default=0.0, ge=0, lt=1, description="Share of the training in which the rate rises from 0."
    )
    weight_decay: Real = Field(
        default=0.01, ge=0, le=10, description="AdamW's, of the parameters that `decay` names."
    )
    decay: Literal["weights", "all"] = Field(
        default="weights",
        description="What decays: `weights`, all but biases and layer norms; `all`, every parameter.",
    )
    epsilon: Real = Field(default=1e-8, gt=0, le=1, description="AdamW's, added to its denominator.")
    gradient_clip: Real = Field(
        default=1.0, gt=0, le=100_000, description="Largest norm of a step's gradient."
    )
    precision: Literal["float32", "bfloat16"] = Field(
        default="float32",
        description="Number format of the forward pass; `bfloat16` is automatic mixed precision.",
    )
    sound: bool = Field(
        default=True, description="False treats every video as one without sound, in training and evaluation."
    )
    fraction: Real = Field(
        default=1.0,
        gt=0,
        le=1,
        description="Share of the training queries that is used; a smaller share lies within a larger one, "
        "whatever the seed.",
    )


class InferenceOptions(Settings):
    """How a trained model answers when it is evaluated. Nothing here changes training."""

    answers: Whole = Field(
        default=5, ge=1, le=1000, description="n, spans of each query and branch; gives Rn beside R1."
    )
    nms_threshold: Real = Field(
        default=0.5,
        ge=0,
        le=1,
        description="Largest IoU of two answers to a query (temporal non-maximum suppression); 1 is off.",
    )
    importance: Real | None = Field(
        default=None,
        ge=0,
        le=1,
        description="Takes the place of the predicted importance of every video's sound; null leaves it.",
    )
    noisy_audio_share: Real = Field(
        default=0.0,
        ge=0,
        le=1,
        description="Share of a split's videos to whose sound noise is added; a smaller share lies within a "
        "larger one.",
    )


AnySystem = Annotated[SerializeAsAny[SystemOptions], BeforeValidator(parse_options)]
"""Options of one of the registered systems, told apart by `kind`."""


class RunOptions(Settings):
    """Everything that decides a training run but its data and seed."""

    model: AnySystem
    tasks: tuple[str, ...] = Field(default=("moment",), min_length=1)
    training: TrainingOptions
    selection_split: str
    further_selection_splits: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _can_be_trained(self) -> RunOptions:
        able = find_system(self.model.kind).tasks
        if not set(self.tasks) <= set(able):
            raise ValueError(
                f"tasks: expected some of {list(able)}, which system {self.model.kind} can be trained for, "
                f"found {list(self.tasks)}"
            )
        return self

    @property
    def selection_splits(self) -> list[str]:
        """Every split on which the run picks an epoch, the one it is known by first."""
        return [self.selection_split, *self.further_selection_splits]
