"""What every benchmark prints: the machine, and one Markdown table."""

from __future__ import annotations

import importlib.metadata
import os
import platform
from collections.abc import Sequence
from pathlib import Path


def describe_machine() -> str:
    """Names the processor, the cores this process may use, and the versions that speed depends on."""
    versions = ", ".join(filter(None, map(_version, ("torch", "snakemake"))))
    cores = len(os.sched_getaffinity(0))
    return f"{_processor()}, {cores} core{'s' * (cores > 1)}, Python {platform.python_version()}, {versions}"


def print_report(title: str, columns: Sequence[str], rows: Sequence[Sequence[str]], note: str = "") -> None:
    """Prints a title, the machine, a Markdown table, and a note below it."""
    print(f"### {title}\n\n{describe_machine()}\n")
    print_table(columns, rows)
    if note:
        print(f"\n{note}")


def print_table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Prints a Markdown table."""
    widths = [max(len(row[column]) for row in (columns, *rows)) for column in range(len(columns))]
    rule = ["-" * width for width in widths]
    for row in (columns, rule, *rows):
        print("| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |")


def describe_device(device: str) -> str:
    """Names what computes: the GPU, or the processor."""
    # Not at the top: most benchmarks need no torch.
    import torch

    return torch.cuda.get_device_name() if device == "cuda" else _processor()


def _version(name: str) -> str:
    try:
        return f"{name} {importlib.metadata.version(name)}"
    except importlib.metadata.PackageNotFoundError:
        return ""


def _processor() -> str:
    described = Path("/proc/cpuinfo")
    if described.is_file():
        for line in described.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
