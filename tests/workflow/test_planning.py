"""What Snakemake plans, with the shipped profiles and configuration, before anything is made."""

import re
import subprocess
import sys

import pytest
import yaml
from project import ROOT, SMALL_DATASET, Outcome, Project, environment, new_project

pytestmark = pytest.mark.workflow

DEMO = "results/demo/metrics.json"


def plan(project: Project, *arguments: str) -> Outcome:
    """Asks for a dry run, with no more options than given."""
    snakefile = str(ROOT / "workflow" / "Snakefile")
    command = [sys.executable, "-m", "snakemake", "--dry-run", "--snakefile", snakefile, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, env=environment(), cwd=project.folder)
    return Outcome(done.returncode, done.stdout + done.stderr)


def planned_jobs(outcome: Outcome) -> dict[str, int]:
    """The table of jobs that a dry run ends with."""
    assert outcome.status == 0, outcome.output
    table = outcome.output.partition("Job stats:")[2].partition("total")[0]
    return {rule: int(count) for rule, count in re.findall(r"^(\w+) +(\d+)$", table, re.MULTILINE)}


@pytest.fixture
def empty(tmp_path) -> Project:
    """A project with the shipped configuration and one dataset more, and nothing else."""
    return new_project(tmp_path / "project")


def add_small_data(project: Project) -> None:
    """Files that a plan asks after; their content is the jobs' business."""
    project.path("data/videos").mkdir(parents=True)
    project.path("data/annotations").mkdir()
    for name in ("train.txt", "test.txt", "durations.json"):
        project.path(f"data/annotations/{name}").touch()


def test_the_demo_is_planned_from_nothing_to_metrics(empty):
    jobs = planned_jobs(plan(empty, DEMO))
    # One training and one evaluation for each of the demo's three variants.
    assert jobs["synthesise_demo"] == jobs["list_videos"] == jobs["prepare_queries"] == jobs["assemble"] == 1
    assert jobs["train"] == jobs["evaluate"] == 3
    assert jobs["summarise"] == jobs["report_coverage"] == 1
    assert not empty.path("results").exists()


def test_the_default_profile_is_taken_by_itself(empty):
    outcome = plan(empty, DEMO)
    assert outcome.status == 0, outcome.output
    assert f"Using workflow specific profile {ROOT / 'workflow/profiles/default'}" in outcome.output


def test_the_slurm_profile_is_accepted_by_its_executor_and_plans_the_same_jobs(empty):
    slurm = plan(empty, "--profile", str(ROOT / "workflow/profiles/slurm"), DEMO)
    assert "profiles/slurm" in slurm.output
    assert planned_jobs(slurm) == planned_jobs(plan(empty, DEMO))


@pytest.mark.parametrize("profile", ["default", "slurm"])
def test_a_dataset_added_by_one_file_is_planned(empty, profile):
    add_small_data(empty)
    outcome = plan(
        empty, "--profile", str(ROOT / f"workflow/profiles/{profile}"), "results/small/metrics.json"
    )
    jobs = planned_jobs(outcome)
    assert jobs["extract_features"] == 2 * SMALL_DATASET["shards"]
    assert jobs["train"] == jobs["evaluate"] == 1
    assert "synthesise_demo" not in jobs


def test_a_plan_without_target_holds_the_datasets_that_the_configuration_names(empty):
    assert planned_jobs(plan(empty)) == {"all": 1}
    jobs = planned_jobs(plan(empty, "--config", "datasets=[demo]"))
    assert jobs["train"] == 3
    assert jobs["synthesise_demo"] == 1


def test_features_alone_can_be_planned(empty):
    jobs = planned_jobs(plan(empty, "--config", "datasets=[demo]", "--", "features"))
    assert jobs["assemble"] == 1
    assert "train" not in jobs


@pytest.mark.parametrize("dataset", ["charades_clip", "charades_internvideo2"])
def test_published_features_that_are_not_there_are_told_of_with_the_page_that_says_where_to_put_them(
    empty, dataset
):
    annotations = empty.path("resources/charades")
    annotations.mkdir(parents=True)
    for name in ("sta_train_qid.txt", "sta_test_qid.txt", "audiomatter_qid.txt"):
        (annotations / f"charades_{name}").touch()
    (annotations / "charades.json").touch()
    outcome = plan(empty, f"results/{dataset}/metrics.json")
    assert outcome.status == 1
    assert f"error: config/datasets/{dataset}.yaml: " in outcome.output
    assert "found nothing at resources/charades/features/" in outcome.output
    assert "; docs/imported_features.md says where published features belong" in outcome.output
    assert "Traceback" not in outcome.output


def test_clip_and_slowfast_and_their_rows_of_table_6_are_planned_from_raw_videos(empty):
    path = empty.path("config/datasets/charades_clip.yaml")
    path.parent.mkdir(parents=True, exist_ok=True)
    settings = yaml.safe_load((ROOT / "config/datasets/charades_clip.yaml").read_text())
    # Without the published text features the queries are words.
    settings |= {"features": "extracted", "queries": {"embedding": "random"}}
    path.write_text(yaml.safe_dump(settings, sort_keys=False))
    jobs = planned_jobs(plan(empty, "results/charades_clip/metrics.json", "results/tables/table6.md"))
    assert jobs["extract_features"] == 3 * settings["shards"]
    assert jobs["unpack_videos"] == jobs["assemble"] == 1
    assert jobs["train"] > 3


def test_a_folder_without_configuration_is_planned_by_the_shipped_one(tmp_path):
    jobs = planned_jobs(plan(Project(tmp_path), DEMO))
    assert jobs["synthesise_demo"] == 1
    assert jobs["extract_features"] == 8
    assert {path.name for path in tmp_path.iterdir()} == {".snakemake"}


def test_another_workflow_plans_a_dataset_of_its_own_through_this_one_as_a_module(tmp_path):
    datasets = tmp_path / "config" / "datasets"
    datasets.mkdir(parents=True)
    (datasets / "small.yaml").write_text(yaml.safe_dump(SMALL_DATASET, sort_keys=False))
    add_small_data(Project(tmp_path))
    (tmp_path / "Snakefile").write_text(
        f"""
module pipeline:
    snakefile: "{ROOT / "workflow" / "Snakefile"}"
    config: {{"extraction_threads": 2}}

use rule * from pipeline as pipeline_*

rule everything:
    default_target: True
    input:
        "results/small/metrics.json",
"""
    )
    command = [sys.executable, "-m", "snakemake", "--dry-run", "--cores", "2"]
    done = subprocess.run(command, capture_output=True, text=True, env=environment(), cwd=tmp_path)
    jobs = planned_jobs(Outcome(done.returncode, done.stdout + done.stderr))
    assert jobs["pipeline_extract_features"] == 2 * SMALL_DATASET["shards"]
    assert jobs["pipeline_train"] == jobs["everything"] == 1
