"""Settings of training, and of answering with what was trained."""

from __future__ import annotations

from typing import Annotated

from pydantic import BeforeValidator, Field, SerializeAsAny

from img.config.base import Strict
from img.models.options import SystemOptions
from img.models.registry import parse_options

TRAINING_VERSION = 1
"""Raised whenever a training run's result changes for the same inputs, options and seed."""

EVALUATION_VERSION = 1
"""Raised whenever predictions or metrics change for the same checkpoints and inputs."""


class TrainingOptions(Strict):
    """How a model is trained. Everything here changes the result."""

    epochs: int = Field(default=100, ge=1, description="Passes over the training split.")
    batch_size: int = Field(default=16, ge=1, description="Queries in a batch.")
    learning_rate: float = Field(default=5e-4, gt=0, description="AdamW's, falling linearly to 0.")
    weight_decay: float = Field(default=0.01, ge=0, description="AdamW's, biases and layer norms left out.")
    gradient_clip: float = Field(default=1.0, gt=0, description="Largest norm of a step's gradient.")
    sound: bool = Field(
        default=True, description="False treats every video as one without sound, in training and evaluation."
    )
    fraction: float = Field(
        default=1.0,
        gt=0,
        le=1,
        description="Share of the training queries that is used; a smaller share lies within a larger one, "
        "whatever the seed.",
    )


class InferenceOptions(Strict):
    """How a trained model answers when it is evaluated. Nothing here changes training."""

    answers: int = Field(
        default=5, ge=1, description="n, spans of each query and branch; gives Rn beside R1."
    )
    nms_threshold: float = Field(
        default=0.5,
        ge=0,
        le=1,
        description="Largest IoU of two answers to a query (temporal non-maximum suppression); 1 is off.",
    )
    importance: float | None = Field(
        default=None,
        ge=0,
        le=1,
        description="Takes the place of the predicted importance of every video's sound; null leaves it.",
    )
    noisy_audio_share: float = Field(
        default=0.0,
        ge=0,
        le=1,
        description="Share of a split's videos to whose sound noise is added; a smaller share lies within a "
        "larger one.",
    )


AnySystem = Annotated[SerializeAsAny[SystemOptions], BeforeValidator(parse_options)]
"""Options of one of the registered systems, told apart by `kind`."""


class RunOptions(Strict):
    """Everything that decides a training run but its data and seed."""

    model: AnySystem
    training: TrainingOptions
    selection_split: str
