"""Planning: how long Snakemake takes to see what there is to do. `python -m benchmarks.planning --help`.

The shipped datasets are planned with their real annotations, where those are at hand, a larger one with
made-up ones. Videos are names of one small file; all other files, and all results, are stand-ins that
Snakemake takes for its own.
"""

from __future__ import annotations

import argparse
import itertools
import os
import re
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.report import print_report
from benchmarks.stand_ins import (
    find_annotations,
    make_command,
    read_settings,
    write_made_up_annotations,
    write_project,
    write_results,
)

SHIPPED = ("charades", "activitynet")
MADE_UP = "made_up"


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
    command = make_command(folder, *arguments)
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


def made_up_settings(folder: Path, videos: int, shards: int) -> dict[str, Any]:
    """Gives the settings of Charades-STA with made-up annotations, which it writes, and as many shards."""
    annotations = write_made_up_annotations(folder / "data", videos)
    return {**read_settings("charades"), "annotations": annotations, "shards": shards}


def measure(folder: Path, name: str, settings: dict[str, Any], video: Path) -> Iterator[tuple[str, Run]]:
    """Takes a project from nothing to finished; yields what was planned, and how it went.

    Args:
        folder: the project's.
        name: the dataset's.
        settings: the dataset's.
        video: a file that is changed at the end.
    """
    target = f"results/{name}/metrics.json"
    snakemake(folder, f"results/{name}/videos.tsv")
    yield "everything to do, dry run", snakemake(folder, "--dry-run", target)

    write_results(folder, name, settings, target)
    yield "nothing to do, dry run", snakemake(folder, "--dry-run", target)
    yield "nothing to do, run", snakemake(folder, target)

    with video.open("ab") as file:
        file.write(b"\0")
    yield "one video changed, dry run", snakemake(folder, "--dry-run", target)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--dataset",
        action="append",
        choices=SHIPPED,
        help="a shipped dataset; repeatable (default: both, where their annotations are at hand)",
    )
    parser.add_argument(
        "--size",
        action="append",
        nargs=2,
        type=int,
        metavar=("VIDEOS", "SHARDS"),
        help="size of a made-up dataset; repeatable (default: 20000 300 where no --dataset is given)",
    )
    parser.add_argument(
        "--first",
        action="store_true",
        help="only the first case, with everything to do: no array is made, so a large project takes minutes",
    )
    options = parser.parse_args()
    if not (options.dataset or options.size):
        options.dataset = [name for name in SHIPPED if find_annotations(name)]
        options.size = [(20000, 300)]
    rows = []
    for case in [*(options.dataset or []), *(options.size or [])]:
        with tempfile.TemporaryDirectory() as temporary:
            folder = Path(temporary)
            if isinstance(case, str):
                name, settings = case, read_settings(case)
            else:
                name, settings = MADE_UP, made_up_settings(folder, *case)
            videos = write_project(folder, name, settings)
            size = f"{name}, {len(videos):,} / {settings['shards']}"
            cases = measure(folder, name, settings, folder / settings["videos"] / f"{videos[0]}.mp4")
            for what, run in itertools.islice(cases, 1 if options.first else None):
                figures = f"{run.seconds:.1f}", f"{run.processor_seconds:.1f}", f"{run.megabytes:.0f}"
                rows.append([size, what, *figures, run.outcome])
    columns = ["dataset, videos / shards", "case", "seconds", "CPU seconds", "peak MB", "jobs"]
    print_report("Planning", columns, rows)


if __name__ == "__main__":
    main()
