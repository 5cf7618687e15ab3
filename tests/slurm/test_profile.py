"""The Slurm profile on a real Slurm: what it submits, and what comes out."""

import json
import shutil
import sys

import pytest
from cluster import run, wait_until
from project import ROOT
from submission import METRICS, PROFILES, edited_profile, make, start, submit

pytestmark = [pytest.mark.slurm, pytest.mark.slow]

SUBMITTED = {
    "prepare_queries": 1,
    "extract_features": 4,
    "assemble": 1,
    "train": 1,
    "evaluate": 1,
}
TARGETS = ("results/small/features/i3d/shards/000.tsv", "results/small/queries/queries.parquet")
LOCAL = {"list_videos": 1, "report_coverage": 1, "summarise": 1}


def test_the_whole_dag_runs_through_the_profile_and_light_rules_stay_local(slurm, undisturbed):
    metrics = json.loads(undisturbed.path(METRICS).read_text())
    assert metrics["coverage"]["test"]["used"] == metrics["coverage"]["test"]["queries"] > 0
    jobs = slurm.jobs(folder=undisturbed.folder)
    submitted = [job.rule for job in jobs]
    assert {rule: submitted.count(rule) for rule in submitted} == SUBMITTED
    assert {job.state for job in jobs} == {"COMPLETED"}
    assert {rule for rule in LOCAL if list(undisturbed.path(f"logs/{rule}").rglob("*.log"))} == set(LOCAL)
    assert {job.facts["NodeList"] for job in jobs} == {"node1", "node2"}


def test_jobs_ask_for_what_their_rules_say_and_bear_a_name_to_find_them_by(slurm, undisturbed):
    by_rule = {job.rule: job for job in slurm.jobs(folder=undisturbed.folder)}
    assert {rule: (job.megabytes, job.minutes, job.cores) for rule, job in by_rule.items()} == {
        "prepare_queries": (2000, 30, 1),
        "extract_features": (6000, 240, 1),
        "assemble": (2000, 60, 1),
        "train": (8000, 1440, 1),
        "evaluate": (8000, 60, 2),
    }
    assert len({job.facts["JobName"] for job in by_rule.values()}) == 1
    assert by_rule["train"].facts["JobName"].startswith("img_")
    assert by_rule["train"].facts["Comment"] == "rule_train_wildcards_small_img_0"


def test_a_second_call_submits_nothing(slurm, project):
    assert make(project).did_nothing
    assert slurm.jobs(folder=project.folder) == []


@pytest.fixture(scope="module")
def on_gpus(slurm, blank, tmp_path_factory):
    """What Snakemake printed where a user set GPU partition and type, and the project."""
    folder = tmp_path_factory.mktemp("gpus")
    site = {
        '\n  partition: ""': "\n  partition: main",
        'gpu_partition: ""': "gpu_partition: gpu",
        'gpu_type: ""': "gpu_type: simulated",
    }
    project = blank.copy(folder / "project")
    options = ("--config", "device=cuda", "--retries", "0")
    submission = submit(project, *options, "--", *TARGETS, profile=edited_profile(folder / "site", site))
    return submission.wait(), project


def test_gpu_type_and_partition_are_set_in_one_place_and_asked_for_by_the_heavy_rules_alone(slurm, on_gpus):
    _, project = on_gpus
    (light,) = slurm.jobs("prepare_queries", project.folder)
    assert light.facts["Partition"] == "main"
    assert "TresPerJob" not in light.facts
    (heavy,) = slurm.jobs("extract_features", project.folder)
    assert heavy.facts["Partition"] == "gpu"
    assert heavy.facts["TresPerJob"] == "gres:gpu:simulated:1"


def test_a_failed_job_s_logs_are_where_the_manual_says_and_printed(slurm, on_gpus):
    outcome, project = on_gpus
    if outcome.status == 0:
        pytest.skip("this machine has a GPU: the job did not fail")
    (job,) = slurm.jobs("extract_features", project.folder)
    of_slurm = project.path(f"logs/slurm/rule_extract_features/small_i3d_000/{job.number}.log").read_text()
    assert "log: logs/extract_features/small/i3d/000.log (check log file(s) for error details)" in of_slurm
    reason = "error: device: expected a CUDA device, found none; use cpu"
    assert reason in project.log("extract_features/small/i3d/000.log")
    assert reason in outcome.output


def test_shards_are_submitted_as_an_array_where_that_is_asked_for(slurm, blank, tmp_path):
    project = blank.copy(tmp_path / "project")
    shards = [f"results/small/features/i3d/shards/{number}.tsv" for number in ("000", "001")]
    submission = submit(project, "--slurm-array-jobs", "extract_features", "--", *shards)
    outcome = submission.wait()
    assert outcome.status == 0, outcome.output
    first, second = slurm.jobs("extract_features", project.folder)
    assert first.facts["ArrayJobId"] == second.facts["ArrayJobId"]
    assert all(project.path(shard).is_file() for shard in shards)


def test_the_generic_profile_submits_and_notices_what_was_killed(slurm, blank, tmp_path):
    project = blank.copy(tmp_path / "project")
    profile = tmp_path / "site"
    shutil.copytree(PROFILES / "generic", profile)
    path = profile / "config.yaml"
    path.write_text(path.read_text().replace("scheduler: pbs", "scheduler: slurm"))
    # As in a clone of the project, where Snakemake is called: the status command is named from there.
    project.path("workflow").symlink_to(ROOT / "workflow")
    command = [sys.executable, "-m", "snakemake", "--snakefile", str(ROOT / "workflow" / "Snakefile")]
    options = ["--profile", str(profile), "--", "results/small/queries/queries.parquet"]
    submission = start(project, [*command, *options])
    wait_until(lambda: submission.process.poll() or slurm.running(folder=project.folder), "a job", 60)
    run("scancel", slurm.running(folder=project.folder)[0].number)
    outcome = submission.wait()
    assert outcome.status == 0, outcome.output
    first, second = slurm.jobs(folder=project.folder)
    assert (first.state, second.state) == ("CANCELLED", "COMPLETED")
    assert (first.megabytes, second.megabytes) == (2000, 4000)
    assert first.facts["JobName"] == "img_prepare_queries"
