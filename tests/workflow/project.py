"""A user's project folder for the tests: the shipped configuration, a small dataset, and Snakemake on it."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]
SHARED = ROOT.parent / "shared"
TINY_NETWORKS = Path(__file__).parent / "tiny_networks"

TRAIN_VIDEOS, TEST_VIDEOS = 6, 3

SMALL_DATASET: dict[str, Any] = {
    "simulated": True,
    "annotations": {
        "format": "charades_sta",
        "durations": "data/annotations/durations.json",
        "splits": {"train": "data/annotations/train.txt", "test": "data/annotations/test.txt"},
    },
    "videos": "data/videos",
    "shards": 2,
    "extractors": {
        "i3d": {"kind": "i3d", "weights": "random", "frame_rate": 12, "shorter_side": 64, "crop": 64},
        "pann": {"kind": "pann", "weights": "random", "hop_seconds": 1.5},
    },
    "streams": {"visual": "i3d", "audio": "pann"},
    "inputs": {"standardise": True},
    "model": {"width": 16, "heads": 2},
    "training": {"epochs": 3},
    "variants": ["img"],
    "seeds": [0],
}

SMALL_VIDEOS: dict[str, Any] = {
    "videos": "data/videos",
    "extractors": {
        "i3d": {"kind": "i3d", "weights": "random", "frame_rate": 8, "shorter_side": 32, "crop": 32},
        "pann": {"kind": "pann", "weights": "random"},
    },
    "streams": {"visual": "i3d", "audio": "pann"},
    "model": {"width": 16, "heads": 2},
    "training": {"epochs": 1},
    "seeds": [0],
}
"""A dataset in the smallest settings, but for its annotations."""

AS_ANNOTATED = {"partly_heard": 0, "on_shorter_videos": 0, "on_longer_videos": 0, "moments_cut": 0}
"""What metrics.json counts of videos that are as long as annotated, and heard to their end or not at all."""


@dataclass(frozen=True)
class Outcome:
    """What one call of Snakemake did."""

    status: int
    output: str

    @property
    def jobs(self) -> dict[str, int]:
        """How many jobs of each rule finished."""
        return dict(Counter(re.findall(r"Finished jobid: \d+ \(Rule: (\w+)\)", self.output)))

    @property
    def did_nothing(self) -> bool:
        return self.status == 0 and "Nothing to be done" in self.output and not self.jobs


@dataclass(frozen=True)
class Project:
    """A folder with config/, data/ and, once run, results/ and logs/.

    Attributes:
        folder: where it is.
        tiny: I3D and CNN14 are stood in for by networks of a few hundred weights.
    """

    folder: Path
    tiny: bool = True

    def command(self, *arguments: str) -> list[str]:
        snakefile = ROOT / "workflow" / "Snakefile"
        options = ["--snakefile", str(snakefile), "--directory", str(self.folder), "--cores", "2"]
        return [sys.executable, "-m", "snakemake", *options, *arguments]

    def snakemake(self, *arguments: str) -> Outcome:
        """Runs Snakemake in the folder."""
        done = subprocess.run(
            self.command(*arguments),
            capture_output=True,
            text=True,
            env=environment(self.tiny),
            cwd=self.folder,
        )
        return Outcome(done.returncode, done.stdout + done.stderr)

    def make(self, target: str = "results/small/metrics.json", *arguments: str) -> Outcome:
        """Runs Snakemake on a target and expects it to succeed."""
        outcome = self.snakemake(*arguments, "--", target)
        assert outcome.status == 0, outcome.output
        return outcome

    def path(self, name: str) -> Path:
        return self.folder / name

    def log(self, pattern: str) -> str:
        """The text of all logs that match a pattern."""
        return "\n".join(path.read_text() for path in sorted((self.folder / "logs").glob(pattern)))

    def computed(self, extractor: str) -> tuple[int, int]:
        """How many arrays the jobs of an extractor computed and restored at their last run."""
        logs = self.log(f"extract_features/small/{extractor}/*.log")
        counts = re.findall(r"(\d+) computed, (\d+) restored", logs)
        return sum(int(made) for made, _ in counts), sum(int(found) for _, found in counts)

    def edit(self, changes: dict[str, Any], dataset: str = "small") -> None:
        """Changes keys of a dataset's file; a dotted key reaches into mappings, None removes it."""
        path = self.folder / "config" / "datasets" / f"{dataset}.yaml"
        settings = yaml.safe_load(path.read_text())
        for key, value in changes.items():
            *parents, last = key.split(".")
            target = settings
            for parent in parents:
                target = target.setdefault(parent, {})
            if value is None:
                target.pop(last)
            else:
                target[last] = value
        path.write_text(yaml.safe_dump(settings, sort_keys=False))

    def copy(self, folder: Path) -> Project:
        """A second project in the same state, times and links included."""
        subprocess.run(["cp", "-a", str(self.folder), str(folder)], check=True)
        return replace(self, folder=folder)


def environment(tiny: bool = True) -> dict[str, str]:
    """The tests' environment, with one thread for each of the two jobs that run at a time."""
    folders = [str(TINY_NETWORKS)] * tiny + [str(ROOT)]
    given = [os.environ["PYTHONPATH"]] if "PYTHONPATH" in os.environ else []
    return {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": os.pathsep.join(folders + given)}


def new_project(folder: Path, dataset: dict[str, Any] | None = None, name: str = "small") -> Project:
    """Makes a project folder with the shipped configuration and one more dataset."""
    shutil.copytree(ROOT / "config", folder / "config")
    path = folder / "config" / "datasets" / f"{name}.yaml"
    path.write_text(yaml.safe_dump(dataset or SMALL_DATASET, sort_keys=False))
    return Project(folder)


def write_small_data(folder: Path) -> None:
    """Synthesises a few videos with sound and their queries."""
    script = ROOT / "workflow" / "scripts" / "synthesise_demo.py"
    counts = ["--train-videos", str(TRAIN_VIDEOS), "--test-videos", str(TEST_VIDEOS)]
    subprocess.run(
        [sys.executable, str(script), "--out", str(folder), *counts], check=True, capture_output=True
    )
