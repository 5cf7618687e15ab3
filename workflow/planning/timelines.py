"""What pictures need that follow single queries along their video's time.

There are those of the paper, named in its recipes, and two names for any dataset's run:
`results/{dataset}/figures/timelines_{variant}_seed{seed}.png`.
"""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass
from pathlib import Path

from img.config.timelines import TimelineChoice
from planning import queries, runs
from planning.paper import find_paper, find_stand_in
from planning.paths import name_queries, name_run, name_video_table
from planning.project import Project

OWN = r"timelines_(?P<variant>.+)_seed(?P<seed>[0-9]+)"
"""What a picture of a dataset's run is called."""


@dataclass(frozen=True)
class Shown:
    """What a picture shows.

    Attributes:
        dataset: whose queries.
        split: of which split.
        run: folder of the run that answers.
        choice: which queries.
        caption: what is shown, in words.
    """

    dataset: str
    split: str
    run: str
    choice: TimelineChoice
    caption: str


def find_shown(project: Project, scope: str, figure: str) -> Shown:
    """Tells what a picture shows.

    Args:
        project: the project.
        scope: the dataset in whose folder it lies, as `mine/`; empty for the paper's own.
        figure: its name.

    Raises:
        ValueError: where nothing stands for the paper's dataset, or a dataset's picture is to lie elsewhere.
    """
    known = find_paper(project, scope).recipes.timelines
    if (recipe := known.get(figure)) is not None:
        stand_in = find_stand_in(project, scope, recipe.dataset)
        dataset, split = stand_in.dataset, stand_in.splits[recipe.split]
        run = name_run(dataset, recipe.variant, project.datasets[dataset].seeds[0])
        return Shown(dataset, split, run, recipe, recipe.caption)
    dataset, match = Path(scope).name, re.fullmatch(OWN, figure)
    if match is None or not dataset:
        raise ValueError(
            f"results/{scope}figures/{figure}.png: expected one of {', '.join(known)}, "
            "or timelines_{variant}_seed{seed}.png in a dataset's folder"
        )
    settings = project.datasets[dataset]
    caption = (
        f"{dataset}, {match['variant']}, seed {match['seed']}: what each branch answers to queries of "
        f"{settings.selection_split}"
    )
    run = name_run(dataset, match["variant"], match["seed"])
    return Shown(dataset, settings.selection_split, run, settings.timelines, caption)


def find_predictions(project: Project, scope: str, figure: str) -> str:
    """Names the answers that queries are chosen by."""
    return f"{find_shown(project, scope, figure).run}/predictions.parquet"


def find_checkpoint(project: Project, scope: str, figure: str) -> str:
    """Names the weights that answer."""
    return f"{find_shown(project, scope, figure).run}/last.safetensors"


def find_videos(project: Project, scope: str, figure: str) -> str:
    """Names the table of videos that are shown."""
    return name_video_table(find_shown(project, scope, figure).dataset)


def find_queries(project: Project, scope: str, figure: str) -> str:
    """Names the table of queries that are answered."""
    return name_queries(find_shown(project, scope, figure).dataset)


def find_inputs(project: Project, scope: str, figure: str) -> dict[str, str]:
    """Finds the inputs of the videos that are shown."""
    return runs.find_inputs(project, find_shown(project, scope, figure).dataset)


def find_query_features(project: Project, scope: str, figure: str) -> dict[str, str]:
    """Finds the assembled query features, where the dataset's queries are given as such."""
    return queries.find_features(project, find_shown(project, scope, figure).dataset)


def write_query_features_option(project: Project, scope: str, figure: str) -> str:
    """Writes the option that names the folder of assembled query features, where there is one."""
    return queries.write_features_option(project, find_shown(project, scope, figure).dataset)


def find_split(project: Project, scope: str, figure: str) -> str:
    """Names the split whose queries are shown."""
    return find_shown(project, scope, figure).split


def write_choice(project: Project, scope: str, figure: str) -> str:
    """Writes the options that choose the queries."""
    choice = find_shown(project, scope, figure).choice
    wanted = f" --queries {shlex.join(choice.queries)}" if choice.queries else ""
    return f"--best {choice.best} --worst {choice.worst}{wanted}"


def find_caption(project: Project, scope: str, figure: str) -> str:
    """Says what a picture shows."""
    return find_shown(project, scope, figure).caption


def write_simulated_option(project: Project, scope: str, figure: str) -> str:
    """Writes the option that names the dataset where its data is made up, for the title."""
    dataset = find_shown(project, scope, figure).dataset
    return f"--simulated {shlex.quote(dataset)}" if project.datasets[dataset].simulated else ""
