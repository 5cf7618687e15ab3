"""What is planned for the shipped datasets: their real annotations, and stand-ins for all other files."""

import json
import re

import numpy as np
import pytest
from media import write_video
from project import ROOT, Project, new_project
from test_planning import plan, planned_jobs

from benchmarks.stand_ins import find_annotations, read_settings, write_project

pytestmark = pytest.mark.workflow

# Once for the dataset, and once for each of its three seeds.
FIXED = {"prepare_queries": 1, "report_coverage": 1, "assemble": 1, "summarise": 1}
SEEDS = {"train": 3, "evaluate": 3}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "videos", "shards", "selections"), [("charades", 6_672, 105, 2), ("activitynet", 14_926, 233, 1)]
)
def test_everything_is_planned_shard_by_shard(tmp_path, name, videos, shards, selections):
    if find_annotations(name) is None:
        pytest.skip(f"the real annotations of {name} are absent")
    folder = tmp_path / "project"
    assert len(write_project(folder, name, read_settings(name))) == videos
    project = Project(folder)
    project.make(f"results/{name}/videos.tsv")
    table = project.path(f"results/{name}/videos.tsv").read_text().splitlines()[1:]
    assert sum(bool(line.split("\t")[2]) for line in table) == videos
    jobs = planned_jobs(plan(project, f"results/{name}/metrics.json"))
    # Charades gives its runs weights for AudioMatter too.
    assert jobs == {**FIXED, **SEEDS, "extract_features": 2 * shards, "best_weights": 3 * selections}


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


def blocks_of(page: str) -> dict[str, str]:
    """The files of a page: those whose name stands in a line of its own before a block."""
    return dict(re.findall(r"^`([\w/.]+)`:\n\n```\w+\n(.*?)^```$", page, re.MULTILINE | re.DOTALL))


@pytest.mark.slow
def test_the_documented_dataset_of_ones_own_runs_as_it_is_written(tmp_path):
    files = blocks_of((ROOT / "docs" / "datasets.md").read_text())
    assert set(files) == {"data/mine/train.csv", "data/mine/test.csv", "config/datasets/mine.yaml"}
    project = new_project(tmp_path / "project")
    videos = project.path("data/mine/videos")
    videos.mkdir(parents=True)
    for name, text in files.items():
        project.path(name).write_text(text)
    sound = 0.1 * np.random.default_rng(0).standard_normal(6 * 16_000)
    write_video(videos / "kitchen_1.mkv", np.arange(48) / 8, sound=sound)
    write_video(videos / "kitchen_2.mp4", np.arange(48) / 8, sound=sound)
    project.make("results/mine/metrics.json")
    coverage = json.loads(project.path("results/mine/metrics.json").read_text())["coverage"]
    assert {split: (count["queries"], count["used"]) for split, count in coverage.items()} == {
        "train": (2, 2),
        "test": (1, 1),
    }
