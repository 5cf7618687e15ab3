"""Settings of variants: what each changes of a dataset's options, and what comes of both."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, Field, model_validator

from extractors.settings import Settings
from img.config.base import NAME, check, read_yaml
from img.config.dataset import Dataset
from img.config.runs import InferenceOptions, RunOptions, TrainingOptions
from img.config.streams import AUDIO
from img.config.systems import check_homes
from img.models.registry import DEFAULT, find_system

_SECTIONS = ("model", "training", "inference")


class Variant(Settings):
    """Options that one variant changes, beside the dataset's own."""

    description: str = Field(description="What differs, in a line.")
    # Changes alone: what they are changes of, and whether both fit, is known when a dataset is.
    model: Annotated[dict[str, Any], AfterValidator(check_homes)] = Field(
        default={}, description="Changes to the model's options."
    )
    training: TrainingOptions = Field(
        default={}, validate_default=True, description="Changes to the training options."
    )
    inference: InferenceOptions = Field(
        default={},
        validate_default=True,
        description="Changes to the inference options. Variants that differ in these alone share their "
        "trained runs.",
    )

    def changes(self, section: str) -> Mapping[str, Any]:
        """Gives what was written of a section, without the defaults of what was not."""
        if section == "model":
            return self.model
        written: BaseModel = getattr(self, section)
        return written.model_dump(exclude_unset=True)


class VariantGrid(Variant):
    """A variant, or one for each combination of some options' values.

    With a `grid`, the name and the description are templates: `{model.slots}` stands for the value's label.
    """

    grid: dict[str, list[Any] | dict[str | int, Any]] = Field(
        default={},
        description="Makes a variant for each combination: an option, such as `model.slots`, -> its "
        "values, or label -> value. `{model.slots}` in the name and the description stands for the label.",
    )

    @model_validator(mode="after")
    def _sections(self) -> VariantGrid:
        for option, values in self.grid.items():
            section, _, key = option.partition(".")
            if section not in _SECTIONS or not key:
                expected = " or ".join(f"{name}.OPTION" for name in _SECTIONS)
                raise ValueError(f"grid: expected {expected}, found {option!r}")
            if key in self.changes(section):
                raise ValueError(f"grid: {option}: expected it once, found it under {section} too")
            if not values or len(_by_label(values)) < len(values):
                raise ValueError(f"grid: {option}: expected values with labels of their own, found {values}")
        return self

    def expand(self, name: str) -> Iterator[tuple[str, dict[str, Any]]]:
        """Yields the name of each variant, and its settings, to be checked.

        Args:
            name: the template of the names.

        Raises:
            ValueError: where the name or the description has a placeholder that is no option of the grid.
        """
        values = {option: _by_label(given) for option, given in self.grid.items()}
        for labels in itertools.product(*values.values()):
            chosen = dict(zip(values, labels, strict=True))
            changes = {section: dict(self.changes(section)) for section in _SECTIONS}
            for option, label in chosen.items():
                section, _, key = option.partition(".")
                changes[section][key] = values[option][label]
            made = {"description": _fill_in(self.description, chosen), **changes}
            yield _fill_in(name, chosen), made


def _by_label(values: list[Any] | dict[str | int, Any]) -> dict[str, Any]:
    """Gives values by their labels; one without a label is called what it is."""
    pairs = values.items() if isinstance(values, dict) else zip(values, values, strict=True)
    return {str(label): value for label, value in pairs}


def _fill_in(template: str, labels: Mapping[str, str]) -> str:
    def label(found: re.Match[str]) -> str:
        if found[1] not in labels:
            raise ValueError(f"expected placeholders among {sorted(labels)}, found {found[0]!r}")
        return labels[found[1]]

    return re.sub(r"\{([^{}]*)\}", label, template) if labels else template


def read_variants(path: Path) -> dict[str, Variant]:
    """Reads and checks a file of variants.

    Raises:
        ValueError: where it is none; the message names it, the variant and the key.
    """
    values = read_yaml(path)
    if not isinstance(values, dict):
        raise ValueError(f"{path}: expected a mapping of variants, found {type(values).__name__}")
    variants: dict[str, Variant] = {}
    for template, value in values.items():
        grid = check(VariantGrid, value, f"{path}: {template}")
        try:
            made = list(grid.expand(str(template)))
        except ValueError as error:
            raise ValueError(f"{path}: {template}: {error}") from None
        for name, variant in made:
            if not re.fullmatch(NAME, name):
                raise ValueError(
                    f"{path}: {template}: expected a name of letters, digits, _, . and -, found {name!r}"
                )
            if name in variants:
                raise ValueError(f"{path}: {template}: expected names of their own, found {name!r} again")
            variants[name] = check(Variant, variant, f"{path}: {name}")
    return variants


def resolve(
    datasets: Mapping[str, Dataset], variants: Mapping[str, Variant], dataset: str, variant: str
) -> RunOptions:
    """Merges a dataset's options with a variant's changes, for a run that reads the dataset.

    Raises:
        ValueError: see `merge_options`, and where the dataset lacks what the system reads.
    """
    options = merge_options(datasets, variants, dataset, variant)
    _check_needs(dataset, datasets[dataset], variant, options)
    return options


def _check_needs(name: str, dataset: Dataset, variant: str, options: RunOptions) -> None:
    """Checks that a dataset has what a system reads."""
    needs = options.model.needs()
    reader = f"which system {options.model.kind} of variant {variant} reads"
    if lacking := sorted(needs.streams - set(dataset.streams)):
        raise ValueError(
            f"config/datasets/{name}.yaml: streams: expected {', '.join(lacking)}, {reader}, "
            f"found {', '.join(dataset.streams)}"
        )
    given = dataset.queries
    if needs.text == "features" and not given.are_features:
        raise ValueError(
            f"config/datasets/{name}.yaml: queries.features: expected features or an encoder, {reader}, "
            "found none"
        )
    if needs.text == "words" and given.are_features:
        key = "features" if given.features is not None else "encoder"
        raise ValueError(
            f"config/datasets/{name}.yaml: queries.{key}: expected none, as words are {reader}, "
            f"found {getattr(given, key)}"
        )
    further = list(dataset.streams)[1:]
    if not options.training.sound and AUDIO not in further:
        raise ValueError(
            f"config/datasets/{name}.yaml: streams: expected {AUDIO} after the first, which variant "
            f"{variant} leaves out (training.sound: false), found {further}"
        )


def merge_options(
    datasets: Mapping[str, Dataset], variants: Mapping[str, Variant], dataset: str, variant: str
) -> RunOptions:
    """Merges a dataset's options with a variant's changes, whether or not the dataset has what it reads.

    A variant that names another system takes none of the dataset's options of its own.

    Args:
        datasets: every dataset.
        variants: every variant.
        dataset: name of the dataset that gives model and training options.
        variant: name of the variant that changes them.

    Raises:
        ValueError: where the result is no valid set of options; the message names the key.
    """
    base, changes = datasets[dataset], variants[variant]
    lengths = {"max_clips": base.inputs.max_clips, "max_words": base.queries.max_words}
    model = {**base.model.changed(changes.model), **lengths}
    system = find_system(model.get("kind", DEFAULT))
    values = {
        "model": model,
        "tasks": [task for task in base.tasks if task in system.tasks] or base.tasks,
        "training": {**base.training.model_dump(), **changes.changes("training")},
        "selection_split": base.selection_split,
        "further_selection_splits": base.further_selection_splits,
    }
    return check(RunOptions, values, f"dataset {dataset} with variant {variant}")


def resolve_inference(
    datasets: Mapping[str, Dataset], variants: Mapping[str, Variant], dataset: str, variant: str
) -> InferenceOptions:
    """Merges a dataset's inference options with a variant's changes; see `resolve`."""
    values = {**datasets[dataset].inference.model_dump(), **variants[variant].changes("inference")}
    return check(InferenceOptions, values, f"dataset {dataset} with variant {variant}: inference")
