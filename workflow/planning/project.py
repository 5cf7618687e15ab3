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
from img.config.variants import Variant
from img.paper.folders import PaperFolder, check_names, read_papers
from img.paper.requests import check_requests
from img.resources.listing import Manifest, read_resources


@dataclass(frozen=True, eq=False)
class Project:
    """What is configured.

    Attributes:
        root: the folder that holds workflow/, extractors/ and img/.
        configuration: what holds for every dataset.
        datasets: by name.
        variants: by name.
        papers: by name, the first one first.
        resources: the public files.
        extractors: kind and parameters by the dataset's and the extractor's name.
    """

    root: Path
    configuration: Configuration
    datasets: Mapping[str, Dataset]
    variants: Mapping[str, Variant]
    papers: Mapping[str, PaperFolder]
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
    papers, variants = read_papers([Path("config/papers"), root / "config" / "papers"])
    check_names(papers, datasets)
    check_together(configuration, datasets, variants)
    check_requests(datasets, papers)
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
        papers,
        resources,
        extractors,
    )


def _find(name: str, root: Path) -> Path:
    own = Path(name)
    return own if own.exists() else root / own
