"""What the figures need that follow single queries along their video's time."""

from __future__ import annotations

import shlex

from planning import queries, runs
from planning.paper import find_paper, find_stand_in
from planning.paths import name_queries, name_run, name_video_table
from planning.project import Project


def _find_dataset(project: Project, scope: str, figure: str) -> str:
    return find_stand_in(project, scope, find_paper(project, scope).recipes.timelines[figure].dataset).dataset


def _find_run(project: Project, scope: str, figure: str) -> str:
    """Names the run of the first seed, which answers."""
    dataset = _find_dataset(project, scope, figure)
    seed = project.datasets[dataset].seeds[0]
    return name_run(dataset, find_paper(project, scope).recipes.timelines[figure].variant, seed)


def find_predictions(project: Project, scope: str, figure: str) -> str:
    """Names the answers that queries are chosen by."""
    return f"{_find_run(project, scope, figure)}/predictions.parquet"


def find_checkpoint(project: Project, scope: str, figure: str) -> str:
    """Names the weights that answer."""
    return f"{_find_run(project, scope, figure)}/last.safetensors"


def find_videos(project: Project, scope: str, figure: str) -> str:
    """Names the table of videos that are shown."""
    return name_video_table(_find_dataset(project, scope, figure))


def find_queries(project: Project, scope: str, figure: str) -> str:
    """Names the table of queries that are answered."""
    return name_queries(_find_dataset(project, scope, figure))


def find_inputs(project: Project, scope: str, figure: str) -> dict[str, str]:
    """Finds the inputs of the videos that are shown."""
    return runs.find_inputs(project, _find_dataset(project, scope, figure))


def find_query_features(project: Project, scope: str, figure: str) -> dict[str, str]:
    """Finds the assembled query features, where the dataset's queries are given as such."""
    return queries.find_features(project, _find_dataset(project, scope, figure))


def write_query_features_option(project: Project, scope: str, figure: str) -> str:
    """Writes the option that names the folder of assembled query features, where there is one."""
    return queries.write_features_option(project, _find_dataset(project, scope, figure))


def find_split(project: Project, scope: str, figure: str) -> str:
    """Names the split whose queries are shown."""
    recipe = find_paper(project, scope).recipes.timelines[figure]
    return find_stand_in(project, scope, recipe.dataset).splits[recipe.split]


def write_choice(project: Project, scope: str, figure: str) -> str:
    """Writes the options that choose the queries."""
    recipe = find_paper(project, scope).recipes.timelines[figure]
    wanted = f" --queries {shlex.join(recipe.queries)}" if recipe.queries else ""
    return f"--best {recipe.best} --worst {recipe.worst}{wanted}"


def find_caption(project: Project, scope: str, figure: str) -> str:
    """Says what a figure shows."""
    return find_paper(project, scope).recipes.timelines[figure].caption
