# The checked configuration, the wildcards, and what rules of several files take. What is computed from the
# configuration is in workflow/planning/; the input functions of the other files only hand wildcards to it.
import functools
import inspect
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

from img.config.dataset import COVERAGE_VERSION, INPUTS_VERSION, QUERIES_VERSION
from img.config.runs import EVALUATION_VERSION, TRAINING_VERSION
from planning import (
    features,
    figures,
    lost,
    pages,
    paper,
    paths,
    patterns,
    queries,
    resources,
    runs,
    shards,
    targets,
    timelines,
    videos,
)
from planning.project import read_project


def read_checked_project():
    """Reads every configuration file; a fault ends the run before any job."""
    try:
        return read_project(ROOT, config, map(Path, workflow.configfiles))
    except ValueError as error:
        raise WorkflowError(f"The configuration is refused.\n{error}") from None


PROJECT = read_checked_project()
CONFIG = PROJECT.configuration

# Another workflow that uses this one as a module has targets of its own. Snakemake tells a workflow its targets only
# after it was read.
if Path(str(workflow.main_snakefile)).resolve() == ROOT / "workflow" / "Snakefile":
    if unknown := targets.find_unknown(PROJECT, sys.argv[1:]):
        raise WorkflowError("\n".join(unknown))

# Jobs find the code where this file does. Unless conda or a container provides an interpreter, they run with the one
# that runs Snakemake, activated or not.
prefix = (
    f"export PYTHONPATH={shlex.quote(str(ROOT))}${{{{PYTHONPATH:+:$PYTHONPATH}}}}; "
)
if not workflow.deployment_settings.deployment_method & {
    DeploymentMethod.CONDA,
    DeploymentMethod.APPTAINER,
}:
    prefix += f"export PATH={shlex.quote(str(Path(sys.executable).parent))}:$PATH; "
shell.prefix(f"{prefix}set -euo pipefail; ")


wildcard_constraints:
    dataset=patterns.match_any(PROJECT.datasets),
    variant=patterns.match_any(PROJECT.variants),
    extractor=patterns.match_extractors(PROJECT),
    streams=patterns.match_streams(PROJECT),
    shard=patterns.SHARD,
    seed=patterns.SEED,
    split=patterns.match_splits(PROJECT),
    number=patterns.match_numbers(PROJECT),
    scope=patterns.match_scope(PROJECT),


# Resources that grow with each retry


def grow(mem_mb):
    """Gives a memory function: the first attempt's megabytes, times the attempt."""
    return lambda wildcards, attempt: mem_mb * attempt


# Input and parameter functions


def plan(function):
    """Makes an input function of one in workflow/planning/: it is handed the project, and wildcards by their names."""
    names = list(inspect.signature(function).parameters)
    return lambda wildcards: function(
        **{name: PROJECT if name == "project" else wildcards[name] for name in names}
    )


def get_configured_metrics(wildcards):
    """The metrics of the datasets that config/config.yaml names; where it names none, says what can be asked for."""
    metrics = runs.list_configured_metrics(PROJECT)
    if not metrics and workflow.is_main_process:
        warn(targets.describe_choice(PROJECT))
    return metrics


def get_local_option(wildcards, input):
    return resources.write_local_option(str(input.local))


def get_video_folders(wildcards):
    watched = videos.watch_folders(PROJECT, wildcards.dataset)
    if watched.is_current:
        return [ancient(path) for path in watched.paths]
    return watched.paths


def get_video_table(wildcards):
    """The table of videos as it is: a new one alone changes nothing, see videos.list_duplicates."""
    return ancient(checkpoints.list_videos.get(dataset=wildcards.dataset).output.table)


def get_unpacked(wildcards):
    return [
        ancient(record) for record in videos.list_unpacked(PROJECT, wildcards.dataset)
    ]


def get_shard_sources(wildcards):
    """The files that a shard's features are made from, once it is known which videos there are."""
    shards.check_shard(PROJECT, **wildcards)
    table = Path(checkpoints.list_videos.get(dataset=wildcards.dataset).output.table)
    return shards.list_sources(PROJECT, **wildcards, table=table)


def get_loss_record(wildcards):
    losses = lost.find_losses(**wildcards).describe()
    if losses and workflow.is_main_process:
        warn(f"{paths.name_manifest(**wildcards)}: {losses}")
    return lost.list_loss_records(**wildcards)


@functools.cache
def warn(message):
    """Says a thing once, however often Snakemake asks for the inputs that it is about."""
    logger.warning(message)


def get_feature_folder(wildcards):
    """The folder of a shard's arrays, which is newer than the note of the last losses where there are more."""
    folder = paths.name_feature_folder(wildcards.dataset, wildcards.extractor)
    return folder if lost.find_losses(**wildcards).videos else ancient(folder)


def get_losses(wildcards, input):
    return lost.find_losses(**wildcards).describe()


def get_run_folders(wildcards, input):
    return [Path(file).parent for file in input.runs]


def get_measurements_option(wildcards, input):
    return paper.write_measurements_option(str(input.measurements))


def get_checkpoint_option(wildcards, input):
    return paper.write_checkpoint_option(str(input.checkpoint))
