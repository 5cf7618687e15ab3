# The checked configuration, and every rule's input and parameter functions, named after what they give.
import csv
import functools
import json
import os
import re
import shlex
import sys

from pathlib import Path
from snakemake.exceptions import WorkflowError
from snakemake.logging import logger
from snakemake.settings.types import DeploymentMethod

from extractors import registry
from extractors.importing.arrays import SUFFIXES
from extractors.storage.manifest import read_manifest
from extractors.importing.folders import open_place, video_names
from img.config.base import check, read_yaml, to_json
from img.config.dataset import (
    COVERAGE_VERSION,
    INPUTS_VERSION,
    QUERIES_VERSION,
    read_datasets,
)
from img.config.project import Configuration, check_together
from img.config.runs import EVALUATION_VERSION, TRAINING_VERSION
from img.config.variants import read_variants, resolve, resolve_inference
from img.config.protocols import best_on, checkpoint_of
from img.paper import recipes as paper_recipes
from img.paper.requests import check_requests
from img.paper.transcription import read_paper
from img.resources.listing import read_resources
from img.data.videos import is_current, read_duplicates, walk_folders

RUNS = "results/{dataset}/runs/{variant}/seed{seed}"
MANIFEST = "results/{dataset}/features/{extractor}/shards/{shard}.tsv"
INPUTS = "results/{dataset}/inputs/{visual}+{audio}"
QUERY_FEATURES = "results/{dataset}/query_features"
PUBLISHED = "docs/imported_features.md says where published features belong"
MEASURED_TABLES = {"8", "12", "16"}
DURATIONS_FIGURE = "figure9"
SIMULATED = Path("resources/charades_simulated")


def read_configuration():
    """Checks every configuration file; a fault ends the run before any job."""
    try:
        # Snakemake has read them, but takes the last of a key given twice.
        for file in workflow.configfiles:
            read_yaml(Path(file))
        configuration = check(Configuration, config, "config/config.yaml")
        datasets = read_datasets(Path("config/datasets"))
        variants = read_variants(Path("config/papers/img/variants.yaml"))
        check_together(configuration, datasets, variants)
        paper = read_paper(Path("config/papers/img/paper.yaml"))
        recipes = paper_recipes.read_recipes(
            Path("config/papers/img/tables.yaml"), paper
        )
        paper_recipes.check_variants(recipes, variants)
        check_requests(datasets, paper, recipes)
        shipped = Path(workflow.basedir).parent / "resources" / "manifest.yaml"
        resources = read_resources(configuration.manifest or shipped)
        local = {name: entry.path for name, entry in configuration.resources.items()}
        resources.check_local(local, "config/config.yaml: resources")
    except ValueError as error:
        raise WorkflowError(f"The configuration is refused.\n{error}") from None
    return configuration, datasets, variants, paper, recipes, resources


CONFIG, DATASETS, VARIANTS, PAPER, RECIPES, RESOURCES = read_configuration()

# Unless conda or a container provides one, jobs run with the interpreter that runs Snakemake, activated or not.
if not workflow.deployment_settings.deployment_method & {
    DeploymentMethod.CONDA,
    DeploymentMethod.APPTAINER,
}:
    interpreters = shlex.quote(str(Path(sys.executable).parent))
    shell.prefix(f"export PATH={interpreters}:$PATH; set -euo pipefail; ")


def match_any(names):
    """Gives the pattern of some names, or one that nothing matches."""
    return "|".join(re.escape(name) for name in sorted(names)) or "(?!)"


def name_extractors(modality):
    """Gives the pattern of all extractors' names that read one modality."""
    names = {
        name
        for dataset in DATASETS.values()
        for name, values in dataset.extractors.items()
        if registry.parse(values)[0].modality == modality
    }
    return match_any(names)


wildcard_constraints:
    dataset=match_any(DATASETS),
    variant=match_any(VARIANTS),
    extractor=f"{name_extractors('visual')}|{name_extractors('audio')}",
    visual=name_extractors("visual"),
    audio=name_extractors("audio"),
    shard=r"\d+",
    seed=r"\d+",
    split=match_any(
        {split for dataset in DATASETS.values() for split in dataset.selection_splits}
    ),
    number=match_any(str(number) for number in PAPER.tables),
    curves=match_any(name for name, figure in RECIPES.figures.items() if figure.curves),
    timelines=match_any(RECIPES.timelines),
    comparison=match_any(
        name for name, figure in RECIPES.figures.items() if figure.variants
    ),
    # Empty for the paper's own datasets, a dataset's folder for one that stands for them.
    scope=f"(({match_any(name for name in DATASETS if DATASETS[name].paper)})/)?",


# Resources that grow with each retry


def grow(mem_mb):
    """Gives a memory function: the first attempt's megabytes, times the attempt."""
    return lambda wildcards, attempt: mem_mb * attempt


def count_gpus(wildcards):
    return 1 if CONFIG.device == "cuda" else 0


def count_extraction_gpus(wildcards):
    is_imported = (
        parse_extractor(wildcards.dataset, wildcards.extractor)[0].name == "imported"
    )
    return 0 if is_imported else count_gpus(wildcards)


# Input and parameter functions, by topic


include: "common/resources.smk"
include: "common/videos.smk"
include: "common/features.smk"
include: "common/queries.smk"
include: "common/training.smk"
include: "common/paper.smk"
include: "common/figures.smk"
