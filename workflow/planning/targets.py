"""What was asked for on the command line: names that nothing has, and what could be asked."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator

from extractors.faults import suggest
from img.config.dataset import RESERVED
from planning.paper import find_paper
from planning.project import Project

_TABLE = re.compile(r"tables/table(?P<number>[^/.]+)\.\w+")
_RUN = re.compile(r"runs/(?P<variant>[^/]+)/")
_FEATURES = re.compile(r"features/(?P<extractor>[^/]+)/")


def find_unknown(project: Project, targets: Iterable[str]) -> list[str]:
    """Finds files below results/ that name a dataset, table, variant or extractor that there is not.

    Returns:
        A sentence for each, with the nearest name and all there are.
    """
    return [fault for target in targets for fault in _check(project, target)]


def describe_choice(project: Project) -> str:
    """Says what can be asked for, where nothing was."""
    first = next(iter(project.datasets))
    return (
        "Nothing was asked for, and config/config.yaml names no datasets. Ask for a file, such as "
        f"results/{first}/metrics.json.\n"
        f"Datasets: {', '.join(project.datasets)}\n"
        f"Tables:   results/tables/table{{{','.join(map(str, find_paper(project, '').paper.tables))}}}.md\n"
        "More:     results/{dataset}/coverage.tsv, results/paper.md; README.md lists them."
    )


def _check(project: Project, target: str) -> Iterator[str]:
    folder, _, rest = target.removeprefix("./").partition("/")
    if folder != "results" or "/" not in rest:
        return
    dataset, _, inner = rest.partition("/")
    table = _TABLE.search(target)
    scope = "" if dataset == "tables" else dataset
    if table and (not scope or scope in {**project.datasets, **project.papers}):
        tables = find_paper(project, scope).paper.tables
        yield from _expect(target, "table", table["number"], [str(number) for number in tables])
    elif dataset in RESERVED or dataset in project.papers:
        return
    elif dataset not in project.datasets:
        yield from _expect(target, "dataset", dataset, project.datasets)
    elif run := _RUN.match(inner):
        yield from _expect(target, "variant", run["variant"], project.variants)
    elif features := _FEATURES.match(inner):
        extractors = project.datasets[dataset].extractors
        yield from _expect(target, f"extractor of {dataset}", features["extractor"], extractors)


def _expect(target: str, what: str, name: str, known: Collection[str]) -> Iterator[str]:
    if name not in known:
        yield f"{target}: there is no {what} {name!r}; {suggest(name, list(known))}"
