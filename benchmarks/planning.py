"""Planning time: how long Snakemake takes to see what there is to do. `python -m benchmarks.planning --help`.

The project it plans is whole: every video is a name of one tiny file, every feature was extracted, and the
rest of the workflow has run, with a small model.
"""

from __future__ import annotations

import argparse
import contextlib
import csv
import io
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from benchmarks.media import write_video
from benchmarks.report import print_report
from extractors.registry import parse
from extractors.shard import Runtime, Source, extract_shard
from extractors.store import Store

ROOT = Path(__file__).parents[1]
DATASET = "benchmark"
TARGET = f"results/{DATASET}/metrics.json"
SECONDS = 1.0
TRAINING_SHARE = 0.8
EXTRACTORS: dict[str, dict[str, Any]] = {
    "i3d": {"kind": "i3d", "weights": "random", "frame_rate": 16, "shorter_side": 32, "crop": 32},
    "pann": {"kind": "pann", "weights": "random"},
}


@dataclass(frozen=True)
class Run:
    """One call of Snakemake.

    Attributes:
        seconds: from start to end.
        processor_seconds: how long it kept a core busy, which other work on the machine hardly changes.
        megabytes: the most memory it held at a time.
        output: what it printed.
    """

    seconds: float
    processor_seconds: float
    megabytes: float
    output: str

    @property
    def outcome(self) -> str:
        """The jobs it plans, as `rule count`, or that there are none."""
        if "Nothing to be done" in self.output:
            return "nothing to do"
        # The table of jobs is printed at the beginning and, of a dry run, again at the end.
        table = self.output.rpartition("Job stats:")[2]
        jobs = dict(re.findall(r"^(\w+) +(\d+)$", table, re.MULTILINE))
        jobs.pop("total", None)
        return ", ".join(f"{rule} {count}" for rule, count in jobs.items())


def snakemake(folder: Path, *arguments: str) -> Run:
    """Runs Snakemake in a project folder; its failure ends the benchmark."""
    command = [sys.executable, "-m", "snakemake", "--snakefile", str(ROOT / "workflow" / "Snakefile")]
    command += ["--directory", str(folder), "--cores", "2", *arguments]
    with tempfile.TemporaryFile("w+") as output:
        started = time.perf_counter()
        process = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT, cwd=folder)
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - started
        process.returncode = os.waitstatus_to_exitcode(status)
        output.seek(0)
        text = output.read()
    if process.returncode != 0:
        raise RuntimeError(f"{' '.join(command)} failed:\n{text[-3000:]}")
    return Run(seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024, text)


def write_project(folder: Path, videos: int, shards: int) -> list[str]:
    """Writes configuration, annotations (a query for each video) and videos; returns the videos' ids."""
    names = [f"V{number:05d}" for number in range(videos)]
    data = folder / "data"
    (data / "videos").mkdir(parents=True)
    tiny = write_video(data / "tiny.mp4", SECONDS, (32, 32), frame_rate=20)
    # The first is a file of its own, so that it alone can be changed.
    shutil.copyfile(tiny, data / "videos" / f"{names[0]}.mp4")
    for name in names[1:]:
        (data / "videos" / f"{name}.mp4").hardlink_to(tiny)
    training = round(TRAINING_SHARE * videos)
    for split, chosen in (("train", names[:training]), ("test", names[training:])):
        (data / f"{split}.txt").write_text(
            "".join(f"{name} 0.0 0.5##a person opens a door.\n" for name in chosen)
        )
    (data / "durations.json").write_text(json.dumps({name: {"duration": SECONDS} for name in names}))
    dataset = {
        "simulated": True,
        "annotations": {
            "format": "charades_sta",
            "durations": "data/durations.json",
            "splits": {"train": "data/train.txt", "test": "data/test.txt"},
        },
        "videos": "data/videos",
        "shards": shards,
        "extractors": EXTRACTORS,
        "visual": "i3d",
        "audio": "pann",
        "model": {"width": 16, "heads": 2},
        "training": {"epochs": 1, "batch_size": 256},
        "seeds": [0],
    }
    shutil.copytree(ROOT / "config", folder / "config")
    (folder / "config" / "datasets" / f"{DATASET}.yaml").write_text(yaml.safe_dump(dataset))
    return names


def extract_features(folder: Path) -> None:
    """Does every shard job's work in this process, where one computed array serves all videos.

    The networks run in a process of their own: Snakemake's memory is counted from that of its parent.
    """
    with (folder / f"results/{DATASET}/videos.tsv").open(newline="") as file:
        table = list(csv.DictReader(file, delimiter="\t"))
    store = Store(folder / "results" / "store")
    for name, settings in EXTRACTORS.items():
        kind, parameters = parse(settings)
        chosen = [f"--set={key}={value}" for key, value in settings.items() if key != "kind"]
        command = [
            sys.executable,
            "-m",
            "extractors",
            "extract",
            kind.name,
            str(folder / "data" / "tiny.mp4"),
        ]
        command += ["--out", str(folder / "tiny" / name), "--store", str(store.root), *chosen]
        subprocess.run(command, check=True, capture_output=True)
        out = folder / "results" / DATASET / "features" / name
        for shard in sorted({row["shard"] for row in table}):
            sources = [Source(row["video"], folder / row["path"]) for row in table if row["shard"] == shard]
            manifest = out / "shards" / f"{shard}.tsv"
            with contextlib.redirect_stderr(io.StringIO()):
                extract_shard(
                    kind, parameters, sources, store=store, out=out, manifest=manifest, runtime=Runtime()
                )


def measure(folder: Path, videos: int, shards: int) -> Iterator[tuple[str, Run]]:
    """Takes a project from nothing to finished; yields what was planned, and how it went."""
    names = write_project(folder, videos, shards)
    snakemake(folder, f"results/{DATASET}/videos.tsv")
    yield "everything to do, dry run", snakemake(folder, "--dry-run", TARGET)

    extract_features(folder)
    manifests = sorted(
        str(path.relative_to(folder)) for path in folder.glob("results/*/features/*/shards/*.tsv")
    )
    snakemake(folder, "--touch", "--force", *manifests)
    snakemake(folder, TARGET)
    yield "nothing to do, dry run", snakemake(folder, "--dry-run", TARGET)
    yield "nothing to do, run", snakemake(folder, TARGET)

    changed = folder / "data" / "videos" / f"{names[0]}.mp4"
    with changed.open("ab") as file:
        file.write(b"\0")
    yield "one video changed, dry run", snakemake(folder, "--dry-run", TARGET)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--size",
        action="append",
        nargs=2,
        type=int,
        metavar=("VIDEOS", "SHARDS"),
        help="a project's size; repeatable (default: 6672 105 and 20000 300)",
    )
    options = parser.parse_args()
    rows = []
    for videos, shards in options.size or [(6672, 105), (20000, 300)]:
        with tempfile.TemporaryDirectory() as folder:
            for what, run in measure(Path(folder), videos, shards):
                size = f"{videos:,} / {shards}"
                figures = f"{run.seconds:.1f}", f"{run.processor_seconds:.1f}", f"{run.megabytes:.0f}"
                rows.append([size, what, *figures, run.outcome])
    columns = ["videos / shards", "case", "seconds", "CPU seconds", "peak MB", "jobs"]
    print_report("Planning", columns, rows)


if __name__ == "__main__":
    main()
