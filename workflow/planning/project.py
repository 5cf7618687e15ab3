"""A project: every configuration file, checked, and the place of the code."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from extractors.kind import Kind
from extractors.parameters import KindParameters
from img.config.base import check, read_yaml
from img.config.dataset import Dataset, read_datasets
from img.config.project import Configuration, check_together
from img.config.variants import Variant, read_variants
from img.paper.recipes import Recipes, check_variants, read_recipes
from img.paper.requests import check_requests
from img.paper.transcription import Paper, read_paper
from img.resources.listing import Manifest, read_resources


@dataclass(frozen=True, eq=False)
class Project:
    """What is configured.

    Attributes:
        root: the folder that holds workflow/, extractors/ and img/.
        configuration: what holds for every dataset.
        datasets: by name.
        variants: by name.
        paper_file: what the paper reports, as a file.
        paper: what it holds.
        recipes_file: how the paper's tables and figures are made, as a file.
        recipes: what it holds.
        resources: the public files.
        extractors: kind and parameters by the dataset's and the extractor's name.
    """

    root: Path
    configuration: Configuration
    datasets: Mapping[str, Dataset]
    variants: Mapping[str, Variant]
    paper_file: Path
    paper: Paper
    recipes_file: Path
    recipes: Recipes
    resources: Manifest
    extractors: Mapping[tuple[str, str], tuple[Kind, KindParameters]]

    @property
    def gpus(self) -> int:
        """How many GPUs a job takes whose network is large."""
        return 1 if self.configuration.device == "cuda" else 0

    def find_extractor(self, dataset: str, name: str) -> tuple[Kind, KindParameters]:
        """Gives an extractor's kind and parameters.

        Raises:
            ValueError: where the dataset has none of that name.
        """
        if (dataset, name) not in self.extractors:
            raise ValueError(
                f"config/datasets/{dataset}.yaml: extractors: expected {name!r} among "
                f"{sorted(self.datasets[dataset].extractors)}"
            )
        return self.extractors[dataset, name]


def read_project(root: Path, values: Mapping[str, Any], files: Iterable[Path] = ()) -> Project:
    """Reads and checks every configuration file, those of the working directory before the shipped ones.

    Args:
        root: the folder that holds workflow/, extractors/ and img/.
        values: what config/config.yaml and the command line say.
        files: those that `values` come from; Snakemake takes the last of a key given twice, which is refused.

    Raises:
        ValueError: naming the file and the key at fault.
    """
    for file in files:
        read_yaml(file)
    configuration = check(Configuration, values, "config/config.yaml")
    datasets = read_datasets(_find("config/datasets", root))
    variants = read_variants(_find("config/papers/img/variants.yaml", root))
    check_together(configuration, datasets, variants)
    paper_file = _find("config/papers/img/paper.yaml", root)
    recipes_file = _find("config/papers/img/tables.yaml", root)
    paper = read_paper(paper_file)
    recipes = read_recipes(recipes_file, paper)
    check_variants(recipes, variants)
    check_requests(datasets, paper, recipes)
    resources = read_resources(configuration.manifest or root / "resources" / "manifest.yaml")
    local = {name: entry.path for name, entry in configuration.resources.items()}
    resources.check_local(local, "config/config.yaml: resources")
    extractors = {
        (dataset, name): (settings.kind, settings.parameters)
        for dataset, options in datasets.items()
        for name, settings in options.extractors.items()
    }
    return Project(
        root,
        configuration,
        datasets,
        variants,
        paper_file,
        paper,
        recipes_file,
        recipes,
        resources,
        extractors,
    )


def _find(name: str, root: Path) -> Path:
    own = Path(name)
    return own if own.exists() else root / own
