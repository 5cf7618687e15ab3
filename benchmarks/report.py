"""What every benchmark prints: the machine, and one Markdown table."""

from __future__ import annotations

import importlib.metadata
import os
import platform
from collections.abc import Sequence
from pathlib import Path


def describe_machine() -> str:
    """Names the processor, the cores this process may use, and the versions that speed depends on."""
    versions = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in ("torch", "snakemake"))
    cores = len(os.sched_getaffinity(0))
    return f"{_processor()}, {cores} core{'s' * (cores > 1)}, Python {platform.python_version()}, {versions}"


def print_report(title: str, columns: Sequence[str], rows: Sequence[Sequence[str]], note: str = "") -> None:
    """Prints a title, the machine, a Markdown table, and a note below it."""
    print(f"### {title}\n\n{describe_machine()}\n")
    widths = [max(len(row[place]) for row in (columns, *rows)) for place in range(len(columns))]
    rule = ["-" * width for width in widths]
    for row in (columns, rule, *rows):
        print("| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |")
    if note:
        print(f"\n{note}")


def _processor() -> str:
    described = Path("/proc/cpuinfo")
    if described.is_file():
        for line in described.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
