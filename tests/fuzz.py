"""Damaged files: each is read right, or refused in words; never a hang, a crash, a lost row, a wrong answer.

    python -m tests.fuzz --count 1000 --seed 7

Every damaged copy follows from the seed and its number, so that a fault can be made again.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from tests.damage import Report
from tests.fuzz_arrays import fuzz_arrays
from tests.fuzz_media import fuzz_media

FAMILIES: dict[str, Callable[[int, int, Path], Report]] = {"media": fuzz_media, "arrays": fuzz_arrays}
"""(copies, seed, empty folder) -> what came of reading them."""


def main() -> int:
    """Damages as many files of each family as asked for; returns 1 where one is read wrong."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--count", type=int, default=200, help="damaged copies of each family")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    faults = 0
    for name, family in FAMILIES.items():
        with tempfile.TemporaryDirectory() as folder:
            report = family(options.count, options.seed, Path(folder))
        print(f"{name}: {options.count} damaged copies, {len(report.faults)} faults")
        for outcome, times in sorted(report.outcomes.items()):
            print(f"  {outcome}: {times}")
        print("".join(f"FAULT {fault}\n" for fault in report.faults), end="")
        faults += len(report.faults)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
