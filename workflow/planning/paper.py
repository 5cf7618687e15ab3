"""What the paper's tables and claims need.

A scope says which paper it is and what is taken for its datasets. It is written as the wildcard `scope`:
nothing for the first paper's own datasets, `quag/` for those of the paper in config/papers/quag, `demo/` for
the dataset demo, which stands for one of a paper's.
"""

from __future__ import annotations

import shlex
from pathlib import Path

from img.config.base import to_json
from img.config.dataset import StandIn
from img.config.variants import resolve
from img.paper.folders import FIRST, PaperFolder
from img.paper.recipes import Scope, build_scope, list_claim_runs, list_table_runs
from img.paper.requests import DURATIONS_FIGURE
from planning import runs
from planning.pages import list_pages
from planning.paths import name_queries
from planning.project import Project
from planning.resources import can_be_made

MEASURED_TABLES = frozenset({"8", "12", "16"})
"""Tables of the first paper that hold more than the metrics of runs."""


def find_paper(project: Project, scope: str) -> PaperFolder:
    """Gives the paper that a scope is of."""
    name = Path(scope).name
    dataset = project.datasets.get(name)
    if dataset is not None and dataset.paper is not None:
        name = dataset.paper.paper
    return project.papers[name if name in project.papers else FIRST]


def find_paper_file(project: Project, scope: str) -> str:
    """Names the file of what the paper reports."""
    return str(find_paper(project, scope).paper_file)


def find_recipes_file(project: Project, scope: str) -> str:
    """Names the file of how the paper's tables and figures are made."""
    return str(find_paper(project, scope).recipes_file)


def find_scope(project: Project, scope: str) -> Scope:
    """Tells what stands for the paper's datasets."""
    name = Path(scope).name
    own = name if name in project.datasets else ""
    return build_scope(find_paper(project, scope).recipes, project.datasets, own)


def find_stand_in(project: Project, scope: str, dataset: str) -> StandIn:
    """Gives what stands for one of the paper's datasets.

    Raises:
        ValueError: where nothing does.
    """
    stand_ins = {str(name): stand_in for name, stand_in in find_scope(project, scope).stand_ins.items()}
    if dataset not in stand_ins:
        raise ValueError(
            f"{name_scope(scope)}: expected a dataset that stands for the paper's {dataset}, "
            f"found those of {sorted(stand_ins)}; this table or figure cannot be made of it"
        )
    return stand_ins[dataset]


def write_scope(project: Project, scope: str) -> str:
    """Writes a scope as JSON."""
    return to_json(find_scope(project, scope))


def name_scope(scope: str) -> str:
    """Names a scope for readers."""
    return Path(scope).name or "paper"


def write_simulated_option(project: Project, scope: str) -> str:
    """Writes the option that names made-up datasets, for titles."""
    simulated = find_scope(project, scope).simulated
    return f"--simulated {shlex.join(simulated)}" if simulated else ""


def list_numbers(project: Project, scope: str) -> list[int]:
    """Lists the numbers of the tables that are made in a scope."""
    dataset = project.datasets.get(Path(scope).name)
    return (
        dataset.paper.tables if dataset and dataset.paper else list(find_paper(project, scope).paper.tables)
    )


def list_table_metrics(project: Project, scope: str, number: str) -> list[str]:
    """Lists the metrics that a table is made of."""
    folder = find_paper(project, scope)
    if int(number) not in folder.paper.tables:
        raise ValueError(
            f"results/{scope}tables/table{number}: expected a table of {folder.paper_file}, "
            f"which has {sorted(folder.paper.tables)}"
        )
    pairs = list_table_runs(int(number), folder.paper, folder.recipes, find_scope(project, scope))
    return runs.list_available(project, pairs, "metrics.json")


def list_claim_predictions(project: Project, scope: str) -> list[str]:
    """Lists the answers that the claims of a scope's tables are put to the test with."""
    numbers = list_numbers(project, scope)
    folder = find_paper(project, scope)
    pairs = list_claim_runs(numbers, folder.paper, folder.recipes, find_scope(project, scope))
    return runs.list_available(project, pairs, "predictions.parquet")


def list_importance_predictions(project: Project, scope: str) -> list[str]:
    """Lists the answers whose importance of the sound Table 16 tells."""
    stand_in = find_stand_in(project, scope, "charades")
    return runs.list_available(project, [(stand_in.dataset, "img")], "predictions.parquet")


def write_cost_options(project: Project, scope: str) -> str:
    """Writes the options of the model whose cost Table 12 tells, as JSON."""
    stand_in = find_stand_in(project, scope, "charades")
    return to_json(resolve(project.datasets, project.variants, stand_in.dataset, "img"))


def list_cost_checkpoints(project: Project, scope: str) -> list[str]:
    """Lists a checkpoint of that model, which tells its dataset's widths; none where the data is absent."""
    stand_in = find_stand_in(project, scope, "charades")
    return runs.list_available(project, [(stand_in.dataset, "img")], "last.safetensors")[:1]


def write_checkpoint_option(checkpoint: str) -> str:
    """Writes the option that names a checkpoint, where there is one."""
    return f"--checkpoint {shlex.quote(checkpoint)}" if checkpoint else ""


def find_activity_queries(project: Project, scope: str) -> str:
    """Names the queries whose activities Table 8 counts."""
    return name_queries(find_stand_in(project, scope, "charades").dataset)


def list_measurements(project: Project, scope: str, number: str) -> list[str]:
    """Lists what a table holds beside the metrics of runs."""
    is_measured = find_paper(project, scope).name == FIRST and number in MEASURED_TABLES
    return [f"results/{scope}statistics/table{number}.json"] if is_measured else []


def write_measurements_option(measurements: str) -> str:
    """Writes the option that names a table's measurements, where it has any."""
    return f"--measurements {shlex.quote(measurements)}" if measurements else ""


def list_contents(project: Project, scope: str) -> list[str]:
    """Lists the tables and figures that are made in a scope, their claims, and the pages of its datasets."""
    dataset = project.datasets.get(Path(scope).name)
    figures = dataset.paper.figures if dataset and dataset.paper else _list_figures(project, scope)
    return [
        *(f"results/{scope}tables/table{number}.md" for number in list_numbers(project, scope)),
        f"results/{scope}tables/claims.md",
        *(f"results/{scope}figures/{figure}.png" for figure in figures),
        *(
            page
            for name in find_scope(project, scope).datasets
            if can_be_made(project, name)
            for page in list_pages(project, name)
        ),
    ]


def _list_figures(project: Project, scope: str) -> list[str]:
    """Lists the paper's figures whose dataset is there or can be fetched; its tables have gaps instead."""
    folder = find_paper(project, scope)
    recipes = folder.recipes
    shown = {
        **{name: figure.dataset for name, figure in recipes.figures.items()},
        **{name: timeline.dataset for name, timeline in recipes.timelines.items()},
    }
    made = [
        name for name, dataset in shown.items() if can_be_made(project, recipes.datasets[dataset].dataset)
    ]
    has_durations = folder.name == FIRST and can_be_made(project, "charades")
    return [*made, *([DURATIONS_FIGURE] if has_durations else [])]
