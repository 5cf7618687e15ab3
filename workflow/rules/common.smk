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

# The code lies beside this file, wherever Snakemake was started and whichever workflow uses this one as a module.
ROOT = Path(
    workflow.current_basedir.join("../..").get_path_or_uri(secret_free=False)
).resolve()
sys.path[:0] = [str(ROOT), str(ROOT / "workflow")]

from extractors import registry
from extractors.importing.arrays import SUFFIXES
from extractors.storage.manifest import read_manifest
from extractors.importing.folders import open_place, video_names
from img.config.base import to_json
from img.config.dataset import (
    COVERAGE_VERSION,
    INPUTS_VERSION,
    QUERIES_VERSION,
)
from img.config.runs import EVALUATION_VERSION, TRAINING_VERSION
from img.config.variants import resolve, resolve_inference
from img.config.protocols import best_on, checkpoint_of
from img.paper import recipes as paper_recipes
from planning.project import read_project
from img.data.videos import is_current, read_duplicates, walk_folders

RUNS = "results/{dataset}/runs/{variant}/seed{seed}"
MANIFEST = "results/{dataset}/features/{extractor}/shards/{shard}.tsv"
INPUTS = "results/{dataset}/inputs/{visual}+{audio}"
QUERY_FEATURES = "results/{dataset}/query_features"
PUBLISHED = "docs/imported_features.md says where published features belong"
MEASURED_TABLES = {"8", "12", "16"}
DURATIONS_FIGURE = "figure9"
SIMULATED = Path("resources/charades_simulated")


def read_checked_project():
    """Reads every configuration file; a fault ends the run before any job."""
    try:
        return read_project(ROOT, config, map(Path, workflow.configfiles))
    except ValueError as error:
        raise WorkflowError(f"The configuration is refused.\n{error}") from None


PROJECT = read_checked_project()
CONFIG, DATASETS, VARIANTS = PROJECT.configuration, PROJECT.datasets, PROJECT.variants
PAPER, RECIPES, RESOURCES = PROJECT.paper, PROJECT.recipes, PROJECT.resources


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
