"""What is planned for the shipped datasets: their real annotations, and stand-ins for all other files."""

import shutil

import pytest
import yaml
from project import ROOT, Project, new_project
from test_planning import plan, planned_jobs

from benchmarks.stand_ins import find_annotations, read_settings, write_project

pytestmark = pytest.mark.workflow

# Once for the dataset, and once for each of its three seeds.
FIXED = {"prepare_queries": 1, "report_coverage": 1, "assemble": 1, "summarise": 1}
SEEDS = {"train": 3, "evaluate": 3}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "videos", "shards"), [("charades", 6_672, 105), ("activitynet", 14_926, 233)]
)
def test_everything_is_planned_shard_by_shard(tmp_path, name, videos, shards):
    if find_annotations(name) is None:
        pytest.skip(f"the real annotations of {name} are absent")
    folder = tmp_path / "project"
    assert len(write_project(folder, name, read_settings(name))) == videos
    project = Project(folder)
    project.make(f"results/{name}/videos.tsv")
    table = project.path(f"results/{name}/videos.tsv").read_text().splitlines()[1:]
    assert sum(bool(line.split("\t")[2]) for line in table) == videos
    jobs = planned_jobs(plan(project, f"results/{name}/metrics.json"))
    assert jobs == {**FIXED, **SEEDS, "extract_visual": shards, "extract_audio": shards}


def test_activitynet_without_its_videos_says_how_to_get_them(tmp_path):
    project = new_project(tmp_path / "project")
    outcome = project.snakemake("--dry-run", "--", "results/activitynet/metrics.json")
    assert outcome.status == 1
    assert not outcome.jobs
    message = "config/datasets/activitynet.yaml: videos: expected a file or folder, found nothing at "
    assert (
        f"error: {message}resources/activitynet/videos; there is no public archive of them" in outcome.output
    )
    assert "docs/datasets.md" in outcome.output
    assert "Traceback" not in outcome.output


def test_who_wants_the_demo_alone_needs_no_file_of_the_shipped_datasets(tmp_path):
    project = new_project(tmp_path / "project")
    assert not project.path("resources").exists()
    outcome = project.snakemake("--dry-run", "--config", "datasets=[demo]")
    assert outcome.status == 0, outcome.output
    assert "charades" not in outcome.output
    assert "activitynet" not in outcome.output


def test_the_documented_dataset_of_ones_own_is_planned(tmp_path):
    """The worked example of docs/datasets.md, word for word."""
    page = (ROOT / "docs" / "datasets.md").read_text()
    block = page.partition("# config/datasets/mine.yaml\n")[2].partition("```")[0]
    project = new_project(tmp_path / "project", yaml.safe_load(block), "mine")
    shutil.rmtree(project.path("data"), ignore_errors=True)
