"""What dies on a cluster, made to die on a real Slurm: nothing finished is lost, no number changes."""

import signal

import pytest
from cluster import Job, Slurm, run, wait_until
from project import TEST_VIDEOS, TRAIN_VIDEOS, Project
from submission import (
    METRICS,
    Submission,
    counts,
    edited_profile,
    entries,
    forget,
    forget_visual_features,
    results,
    submit,
)

from extractors.storage.manifest import read_manifest
from extractors.storage.store import Store

pytestmark = [pytest.mark.slurm, pytest.mark.slow]

VIDEOS = TRAIN_VIDEOS + TEST_VIDEOS
FEATURES = "results/small/features/i3d"
SHARDS = ("000", "001")


def videos_of(project: Project, shard: str) -> set[str]:
    return {row.video for row in read_manifest(project.path(f"{FEATURES}/shards/{shard}.tsv"))}


def larger_shard(project: Project) -> tuple[str, set[str]]:
    """The shard that has most of the videos, and these."""
    shard = max(SHARDS, key=lambda name: len(videos_of(project, name)))
    return shard, videos_of(project, shard)


def finished(project: Project, videos: set[str]) -> set[str]:
    """Those of some videos that have an array."""
    return {path.stem for path in project.path(FEATURES).glob("*.npy")} & videos


def shard_log(project: Project, shard: str) -> str:
    return project.log(f"extract_features/small/i3d/{shard}.log")


def wait_while_it_runs(submission: Submission, ready, what: str) -> None:
    """Waits for something that must happen before Snakemake ends."""

    def is_over() -> bool:
        assert submission.process.poll() is None, submission.printed.read_text()
        return bool(ready())

    wait_until(is_over, what)


def test_a_cancelled_shard_computes_only_what_was_in_hand_again(slurm, project, undisturbed):
    shard, videos = larger_shard(project)
    forget_visual_features(project)
    submission = submit(project, "--", METRICS)
    wait_while_it_runs(submission, lambda: len(finished(project, videos)) >= 2, "two arrays of a shard")
    running = slurm.running(f"extract_features_wildcards_small_i3d_{shard}", project.folder)
    slurm.signal(running, signal.SIGSTOP)
    kept = len(finished(project, videos))
    run("scancel", *(job.number for job in running))
    wait_until(lambda: not slurm.processes(running), "the end of every process of the cancelled job", 60)
    assert 2 <= kept < len(videos)
    outcome = submission.wait()
    assert outcome.status == 0, outcome.output
    assert counts(shard_log(project, shard)) == [(len(videos) - kept, kept)]
    first, second = slurm.jobs(f"extract_features_wildcards_small_i3d_{shard}", project.folder)
    assert (second.megabytes, second.minutes) == (2 * first.megabytes, 2 * first.minutes)
    assert results(project) == results(undisturbed)


def test_a_killed_snakemake_starts_again_beside_its_own_jobs(slurm, project, undisturbed):
    shard, videos = larger_shard(project)
    forget_visual_features(project)
    submission = submit(project, "--", METRICS)
    wait_while_it_runs(submission, lambda: len(finished(project, videos)) >= 2, "two arrays of a shard")
    orphans = slurm.running("extract_features", project.folder)
    slurm.signal(orphans, signal.SIGSTOP)
    submission.kill()
    assert 2 <= len(finished(project, videos)) < len(videos)
    project.path("logs/extract_features/small/i3d").rename(project.path("logs/orphans"))

    assert "--unlock" in submit(project, "--", METRICS).wait().output
    assert submit(project, "--unlock").wait().status == 0
    submission = submit(project, "--", METRICS)
    # The stopped job has a video in hand: its successor does the others, then waits.
    wait_while_it_runs(submission, lambda: "; waiting" in shard_log(project, shard), "the successor")
    slurm.signal(orphans, signal.SIGCONT)
    outcome = submission.wait()
    assert outcome.status == 0, outcome.output
    assert not slurm.running(folder=project.folder)
    told = counts(project.log("orphans/**/*.log")) + counts(project.log("extract_features/small/i3d/*.log"))
    assert sum(computed for computed, _ in told) == VIDEOS
    assert results(project) == results(undisturbed)


def test_two_snakemakes_on_one_store_compute_every_array_and_train_every_run_once(
    slurm, project, undisturbed, tmp_path
):
    for entry in entries(project, "training"):
        Store(project.path("results/store")).remove(entry)
    forget_visual_features(project)
    other = project.copy(tmp_path / "other")
    for user in (project, other):
        configuration = user.path("config/config.yaml")
        shared = configuration.read_text().replace("results/store", str(project.path("results/store")))
        configuration.write_text(shared)
    submissions = [submit(user, "--", METRICS) for user in (project, other)]
    for submission in submissions:
        outcome = submission.wait()
        assert outcome.status == 0, outcome.output
    told = [
        count for user in (project, other) for count in counts(user.log("extract_features/small/i3d/*.log"))
    ]
    assert sum(computed for computed, _ in told) == VIDEOS
    assert sum(restored for _, restored in told) == VIDEOS
    logs = [user.log("train/**/*.log") for user in (project, other)]
    assert sorted(": trained;" in log for log in logs) == [False, True]
    assert sorted("restored from the store" in log for log in logs) == [False, True]
    assert results(project) == results(other) == results(undisturbed)


def test_a_training_survives_too_little_memory_a_cancelling_a_lost_node_and_its_time_limit(
    slurm, project, undisturbed, tmp_path
):
    forget(project, "training")
    # As the profile's comment tells a user to; too little for the first attempt.
    profile = edited_profile(
        tmp_path / "site", {"\n  train: *heavy": "\n  train: {<<: *heavy, mem_mb: 3500 * attempt - 3100}"}
    )
    submission = submit(project, "--", METRICS, profile=profile)
    progress = Progress(slurm, project, submission)

    progress.wait_for_attempt(2)
    assert "exceeded memory limit" in project.log("slurm/rule_train/small_img_0/*.log")

    run("scancel", progress.catch().number)

    progress.wait_for_attempt(3)
    job = progress.catch()
    node = job.facts["NodeList"]
    slurm.lose_node(node)
    wait_while_it_runs(submission, lambda: progress.restarts(job) == 1, "Slurm to repeat the job")
    assert progress.catch().facts["NodeList"] != node
    slurm.start_node(node)

    run("scontrol", "update", f"JobId={job.number}", "EndTime=now+1")
    outcome = submission.wait()
    assert outcome.status == 0, outcome.output
    attempts = slurm.jobs("train", project.folder)
    assert [attempt.state for attempt in attempts[1:]] == ["CANCELLED", "TIMEOUT", "COMPLETED"]
    assert [attempt.megabytes for attempt in attempts] == [400, 3900, 7400, 10900]
    limits = [attempt.minutes for attempt in attempts]
    assert (limits[0], limits[1], limits[3]) == (1440, 2 * 1440, 4 * 1440)
    assert "resuming after epoch" in project.log("train/**/*.log")
    assert results(project) == results(undisturbed)


class Progress:
    """What a training job has done so far, attempt by attempt."""

    def __init__(self, slurm: Slurm, project: Project, submission: Submission) -> None:
        self._slurm = slurm
        self._project = project
        self._submission = submission

    def catch(self) -> Job:
        """Lets the running job go on for an epoch at least, then makes it hang; gives the job."""
        before = self._saved()
        wait_while_it_runs(self._submission, lambda: self._saved() > before, "an epoch")
        (job,) = self._slurm.running("train", self._project.folder)
        self._slurm.signal([job], signal.SIGSTOP)
        return job

    def restarts(self, job: Job) -> int:
        return int(self._slurm.job(job.number).facts["Restarts"])

    def wait_for_attempt(self, number: int) -> None:
        wait_while_it_runs(
            self._submission,
            lambda: len(self._slurm.jobs("train", self._project.folder)) == number,
            f"attempt {number}",
        )

    def _saved(self) -> float:
        files = list(self._project.path("results/store/partial").glob("*/resume.pt"))
        return max((file.stat().st_mtime for file in files), default=0.0)
