"""Which values the wildcards of file names may have, as regular expressions."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from img.paper.folders import FIRST
from img.paper.recipes import FigureRecipe
from planning.project import Project

SHARD = r"\d+"
SEED = r"\d+"


def match_any(names: Iterable[object]) -> str:
    """Gives the pattern of some names, or one that nothing matches."""
    return "|".join(sorted(re.escape(str(name)) for name in names)) or "(?!)"


def match_extractors(project: Project) -> str:
    """Gives the pattern of all extractors' names."""
    return match_any({name for _, name in project.extractors})


def match_streams(project: Project) -> str:
    """Gives the pattern of what inputs are called after."""
    return match_any({dataset.inputs_label for dataset in project.datasets.values()})


def match_splits(project: Project) -> str:
    """Gives the pattern of the splits that runs choose an epoch on."""
    datasets = project.datasets.values()
    return match_any({split for dataset in datasets for split in dataset.selection_splits})


def match_curves(project: Project) -> str:
    """Gives the pattern of the figures that are lines."""
    return match_any({name for name, figure in _list_figures(project) if figure.curves})


def match_comparisons(project: Project) -> str:
    """Gives the pattern of the figures that compare variants."""
    return match_any({name for name, figure in _list_figures(project) if figure.variants})


def match_timelines(project: Project) -> str:
    """Gives the pattern of the figures that follow single queries, the paper's and those of any run."""
    paper = {name for folder in project.papers.values() for name in folder.recipes.timelines}
    return f"{match_any(paper)}|timelines_({match_any(project.variants)})_seed{SEED}"


def match_timeline_scope(project: Project) -> str:
    """Gives the pattern of where such figures lie: in results/ itself, or in the folder of any dataset."""
    return f"(({match_any(project.datasets)})/)?"


def match_scope(project: Project) -> str:
    """Gives the pattern of scopes: nothing, or the folder of another paper or of a dataset of a paper's."""
    datasets = {name for name, dataset in project.datasets.items() if dataset.paper}
    return f"(({match_any(datasets | (set(project.papers) - {FIRST}))})/)?"


def match_numbers(project: Project) -> str:
    """Gives the pattern of the numbers of all papers' tables."""
    return match_any({number for folder in project.papers.values() for number in folder.paper.tables})


def _list_figures(project: Project) -> Iterator[tuple[str, FigureRecipe]]:
    """Yields the figures of runs of all papers, by name."""
    for folder in project.papers.values():
        yield from folder.recipes.figures.items()


def match_files(project: Project) -> str:
    """Gives the pattern of the manifest's files, as they are called below resources/."""
    resources = project.resources.resources.values()
    return match_any(resource.path.relative_to("resources") for resource in resources)


def match_archive_folders(project: Project) -> str:
    """Gives the pattern of the folders that archives are unpacked to, as they are called below resources/."""
    folders = (resource.unpacked_to for resource in project.resources.resources.values())
    return match_any(folder.relative_to("resources") for folder in folders if folder)
