"""What each stage cost, from the benchmark files that Snakemake leaves beside the logs."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from img.reports.page import Line, Page

_SUFFIX = ".benchmark.tsv"


def survey_runtime(logs: Path, dataset: str) -> Page:
    """Adds up the last run of every job of a dataset, rule by rule, and extractor by extractor.

    Args:
        logs: the folder of logs, `{rule}/{dataset}/…` or `{rule}/{dataset}.…`.
        dataset: whose jobs to count.

    Raises:
        ValueError: where there are no benchmarks of the dataset.
    """
    tables = [
        pd.read_csv(path, sep="\t").assign(rule=_name_stage(path.relative_to(logs)))
        for path in sorted(logs.rglob(f"*{_SUFFIX}"))
        if _is_of(path.relative_to(logs), dataset)
    ]
    if not tables:
        raise ValueError(f"{logs}: expected benchmark files of {dataset}, found none")
    jobs = pd.concat(tables, ignore_index=True)
    for column in ("s", "max_rss", "cpu_time"):
        # Snakemake writes a dash for what a job was too short to be asked.
        jobs[column] = pd.to_numeric(jobs[column], errors="coerce")
    stages = (
        jobs.groupby("rule", sort=True)
        .agg(
            jobs=("s", "size"),
            seconds=("s", "sum"),
            longest=("s", "max"),
            cpu_seconds=("cpu_time", "sum"),
            memory=("max_rss", "max"),
        )
        .reset_index()
    )
    records = stages.astype(object).where(stages.notna(), None).to_dict("records")
    lines = [
        Line(
            [str(record["rule"])],
            [str(record["jobs"]), *(_number(record[name]) for name in list(stages.columns)[2:])],
        )
        for record in records
    ]
    return Page(
        "Time and memory",
        f"Time and memory of each stage of {dataset} at its last run, also where the store gave the result.",
        ["stage"],
        ["jobs", "seconds in all", "longest job (s)", "CPU seconds in all", "most memory of a job (MB)"],
        lines,
        ["Jobs run side by side: seconds in all are not the time that passed."],
        [{str(key): value for key, value in record.items()} for record in records],
    )


def _name_stage(path: Path) -> str:
    """Names a stage after its rule; each extractor is one of its own."""
    rule, _, *rest = path.parts
    return f"{rule} {rest[0]}" if rule == "extract_features" else rule


def _is_of(path: Path, dataset: str) -> bool:
    return len(path.parts) > 1 and path.parts[1].removesuffix(_SUFFIX) == dataset


def _number(value: object) -> str:
    return "–" if value is None else f"{value:.1f}"
