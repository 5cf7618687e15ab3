"""Runs: their options, and their files."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from img.config.base import to_json
from img.config.protocols import best_on, checkpoint_of
from img.config.variants import resolve, resolve_inference
from planning.paths import name_indexed_features, name_input_folder, name_metrics, name_run
from planning.project import Project
from planning.resources import can_be_made


def find_inputs(project: Project, dataset: str) -> dict[str, str]:
    """Finds the files of the inputs that a dataset's models read."""
    return name_indexed_features(name_input_folder(dataset, project.datasets[dataset].inputs_label))


def write_options(project: Project, dataset: str, variant: str) -> str:
    """Writes the options of a variant's runs as JSON."""
    return to_json(resolve(project.datasets, project.variants, dataset, variant))


def write_inference_options(project: Project, dataset: str, variant: str) -> str:
    """Writes the options of a variant's evaluation as JSON."""
    return to_json(resolve_inference(project.datasets, project.variants, dataset, variant))


def write_dataset(project: Project, dataset: str) -> str:
    """Writes a dataset's settings as JSON."""
    return to_json(project.datasets[dataset])


def describe_variant(project: Project, variant: str) -> str:
    """Says what a variant changes."""
    return project.variants[variant].description


def find_evaluation(project: Project, dataset: str) -> str:
    """Says which queries a dataset's metrics are over."""
    return project.datasets[dataset].evaluation


def list_best_weights(project: Project, dataset: str, variant: str, seed: str) -> list[Path]:
    """Lists a run's weights of the best epoch on each split that the dataset chooses one on."""
    run = Path(name_run(dataset, variant, seed))
    splits = project.datasets[dataset].selection_splits
    return [checkpoint_of(run, best_on(split)) for split in splits]


def list_metrics(project: Project, dataset: str) -> list[str]:
    """Lists the metrics of all runs that a dataset compares."""
    settings = project.datasets[dataset]
    return [
        f"{name_run(dataset, variant, seed)}/metrics.json"
        for variant in settings.variants
        for seed in settings.seeds
    ]


def list_configured_metrics(project: Project) -> list[str]:
    """Lists the metrics of the datasets that are made where no target is named."""
    return [name_metrics(dataset) for dataset in project.configuration.datasets]


def list_configured_inputs(project: Project) -> list[str]:
    """Lists the inputs of the datasets that are made where no target is named."""
    datasets = project.configuration.datasets
    return [path for dataset in datasets for path in find_inputs(project, dataset).values()]


def list_available(project: Project, pairs: Iterable[tuple[str, str]], file: str) -> list[str]:
    """Lists a file of every run, for each (dataset, variant) whose data is there or can be fetched."""
    return [
        f"{name_run(dataset, variant, seed)}/{file}"
        for dataset, variant in pairs
        if can_be_made(project, dataset)
        for seed in project.datasets[dataset].seeds
    ]


def write_history_title(project: Project, dataset: str, variant: str, seed: str) -> str:
    """Writes the title of a run's curves."""
    simulated = " (simulated data)" if project.datasets[dataset].simulated else ""
    return f"{dataset}{simulated}, {variant}, seed {seed}"
