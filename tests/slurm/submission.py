"""A project that is worked on through the Slurm profile, as a user would from a login node."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from project import ROOT, SMALL_DATASET, Outcome, Project, environment

from extractors.storage.store import Entry, Store

PROFILES = ROOT / "workflow" / "profiles"
METRICS = "results/small/metrics.json"
RUN = "results/small/runs/img/seed0"
# Light, as every job begins with two starts of Snakemake; with epochs enough to be interrupted in several.
DATASET: dict[str, Any] = {
    **SMALL_DATASET,
    "extractors": {
        "i3d": {"kind": "i3d", "weights": "random", "frame_rate": 8, "shorter_side": 32, "crop": 32},
        "pann": {"kind": "pann", "weights": "random", "hop_seconds": 4.0},
    },
    "training": {"epochs": 20},
}


@dataclass(frozen=True)
class Submission:
    """A running Snakemake."""

    process: subprocess.Popen[bytes]
    printed: Path

    def wait(self) -> Outcome:
        """Waits for its end."""
        status = self.process.wait(timeout=900)
        return Outcome(status, self.printed.read_text())

    def kill(self) -> None:
        """Ends it as a login node's restart does; its jobs run on."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


def submit(project: Project, *arguments: str, profile: Path = PROFILES / "slurm") -> Submission:
    """Starts Snakemake with a profile, made a little less patient."""
    command = [sys.executable, "-m", "snakemake", "--snakefile", str(ROOT / "workflow" / "Snakefile")]
    command += ["--profile", str(profile), "--slurm-init-seconds-before-status-checks", "2"]
    return start(project, [*command, *arguments])


def start(project: Project, command: list[str]) -> Submission:
    """Starts Snakemake in a project's folder; what it prints goes to a file there."""
    printed = project.folder / f"{len(list(project.folder.glob('*.printed')))}.printed"
    with printed.open("wb") as file:
        process = subprocess.Popen(
            command,
            stdout=file,
            stderr=subprocess.STDOUT,
            cwd=project.folder,
            env=environment(project.tiny),
            start_new_session=True,
        )
    return Submission(process, printed)


def make(project: Project, target: str = METRICS, *arguments: str) -> Outcome:
    """Makes a target, and expects that to succeed."""
    outcome = submit(project, *arguments, "--", target).wait()
    assert outcome.status == 0, outcome.output
    return outcome


def edited_profile(folder: Path, changes: dict[str, str]) -> Path:
    """Gives a copy of the Slurm profile in which some text is another, each once."""
    shutil.copytree(PROFILES / "slurm", folder)
    path = folder / "config.yaml"
    text = path.read_text()
    for old, new in changes.items():
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    path.write_text(text)
    return folder


def entries(project: Project, kind: str) -> list[Entry]:
    """The store's entries of a kind."""
    store = Store(project.path("results/store"))
    return [entry for entry in store.entries() if entry.description["kind"] == kind]


def forget(project: Project, kind: str, *names: str) -> None:
    """Makes results of a kind be still to do, and with them what follows: names in results/small."""
    for entry in entries(project, kind):
        Store(project.path("results/store")).remove(entry)
    for name in (*names, "runs", "metrics.json"):
        path = project.path("results/small") / name
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink()


def forget_visual_features(project: Project) -> None:
    forget(project, "i3d", "features/i3d", "inputs", "coverage.tsv")


def counts(log: str) -> list[tuple[int, int]]:
    """How many arrays extraction logs say were computed, and how many restored, job by job."""
    found = re.findall(r"(\d+) computed, (\d+) restored", log)
    return [(int(computed), int(restored)) for computed, restored in found]


def results(project: Project) -> dict[str, bytes]:
    """What must not depend on how often a run was disturbed."""
    names = (METRICS, f"{RUN}/last.safetensors", f"{RUN}/best_on_test.safetensors", f"{RUN}/history.csv")
    return {name: project.path(name).read_bytes() for name in names}
