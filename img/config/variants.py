"""Settings of variants: what each changes of a dataset's options, and what comes of both."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import Field

from extractors.settings import Settings
from img.config.base import check, read_yaml
from img.config.dataset import Dataset
from img.config.runs import InferenceOptions, RunOptions


class Variant(Settings):
    """Options that one variant changes, beside the dataset's own."""

    description: str = Field(description="What differs, in a line.")
    model: dict[str, Any] = Field(default={}, description="Changes to the model's options.")
    training: dict[str, Any] = Field(default={}, description="Changes to the training options.")
    inference: dict[str, Any] = Field(
        default={},
        description="Changes to the inference options. Variants that differ in these alone share their "
        "trained runs.",
    )


def read_variants(path: Path) -> dict[str, Variant]:
    """Reads and checks the variants' file."""
    values = read_yaml(path)
    if not isinstance(values, dict):
        raise ValueError(f"{path}: expected a mapping of variants, found {type(values).__name__}")
    return {name: check(Variant, value, f"{path}: {name}") for name, value in values.items()}


def resolve(
    datasets: Mapping[str, Dataset], variants: Mapping[str, Variant], dataset: str, variant: str
) -> RunOptions:
    """Merges a dataset's options with a variant's changes.

    Args:
        datasets: every dataset.
        variants: every variant.
        dataset: name of the dataset that gives model and training options.
        variant: name of the variant that changes them.

    Raises:
        ValueError: where the result is no valid set of options; the message names the key.
    """
    base, changes = datasets[dataset], variants[variant]
    for key, home in (("max_clips", "inputs.max_clips"), ("max_words", "queries.max_words")):
        if key in base.model or key in changes.model:
            raise ValueError(f"dataset {dataset} with variant {variant}: model.{key}: set {home} instead")
    lengths = {"max_clips": base.inputs.max_clips, "max_words": base.queries.max_words}
    values = {
        "model": {**base.model, **changes.model, **lengths},
        "training": {**base.training.model_dump(), **changes.training},
        "selection_split": base.selection_split,
    }
    return check(RunOptions, values, f"dataset {dataset} with variant {variant}")


def resolve_inference(
    datasets: Mapping[str, Dataset], variants: Mapping[str, Variant], dataset: str, variant: str
) -> InferenceOptions:
    """Merges a dataset's inference options with a variant's changes; see `resolve`."""
    values = {**datasets[dataset].inference.model_dump(), **variants[variant].inference}
    return check(InferenceOptions, values, f"dataset {dataset} with variant {variant}: inference")
