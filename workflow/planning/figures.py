"""What the paper's figures of runs need."""

from __future__ import annotations

from planning import runs
from planning.paper import find_paper, find_stand_in
from planning.paths import name_queries
from planning.project import Project


def list_metrics(project: Project, scope: str, figure: str) -> list[str]:
    """Lists the metrics that a figure shows."""
    return _list_runs(project, scope, figure, "metrics.json")


def list_predictions(project: Project, scope: str, figure: str) -> list[str]:
    """Lists the answers that a figure shows."""
    return _list_runs(project, scope, figure, "predictions.parquet")


def _list_runs(project: Project, scope: str, figure: str, file: str) -> list[str]:
    recipe = find_paper(project, scope).recipes.figures[figure]
    dataset = find_stand_in(project, scope, recipe.dataset).dataset
    return runs.list_available(project, [(dataset, variant) for variant in recipe.all_variants], file)


def find_queries(project: Project, scope: str, figure: str) -> str:
    """Names the queries that a figure shows."""
    recipe = find_paper(project, scope).recipes.figures[figure]
    return name_queries(find_stand_in(project, scope, recipe.dataset).dataset)


def find_caption(project: Project, scope: str, figure: str) -> str:
    """Says what a figure shows."""
    return find_paper(project, scope).recipes.figures[figure].caption
