"""The pages and pictures of a dataset, and what its report shows."""

from __future__ import annotations

from planning.paths import name_dataset_folder
from planning.project import Project


def list_pages(project: Project, dataset: str) -> list[str]:
    """Lists the pages and curves of a dataset, of each variant those of the first seed."""
    folder = name_dataset_folder(dataset)
    return [
        f"{folder}/coverage.tsv",
        f"{folder}/provenance.md",
        f"{folder}/metrics.json",
        f"{folder}/runtime.md",
        *_list_pictures(project, dataset, "history"),
    ]


def list_report(project: Project, dataset: str) -> list[str]:
    """Lists what a report of the dataset alone links: its pages and curves, and queries to look at."""
    return [*list_pages(project, dataset), *_list_pictures(project, dataset, "timelines")]


def _list_pictures(project: Project, dataset: str, kind: str) -> list[str]:
    settings = project.datasets[dataset]
    folder, seed = name_dataset_folder(dataset), settings.seeds[0]
    return [f"{folder}/figures/{kind}_{variant}_seed{seed}.png" for variant in settings.variants]


def write_simulated_option(project: Project, dataset: str) -> str:
    """Writes the option that says so where a dataset's data is made up."""
    return "--simulated" if project.datasets[dataset].simulated else ""
