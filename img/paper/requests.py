"""Whether what the configuration wants made of a paper can be made, before any job runs."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from img.config.dataset import Dataset, PaperOptions
from img.paper.recipes import FigureRecipe, Recipes, TimelineRecipe
from img.paper.transcription import Paper

_ACTIVITIES = 8
"""Number of the table that counts activities; beside its columns' split it needs `audiomatter`."""

DURATIONS_FIGURE = "figure9"
"""Name of the figure of durations, which shows whatever splits there are; no recipe says how it is made."""


def check_requests(datasets: Mapping[str, Dataset], paper: Paper, recipes: Recipes) -> None:
    """Checks the tables and figures that datasets want made in their own folders.

    Args:
        datasets: by name.
        paper: the tables there are.
        recipes: the figures there are.

    Raises:
        ValueError: naming the dataset's file and the key: a split, table or figure that there is none of, or
            that shows other data than the dataset stands for.
    """
    for name, dataset in datasets.items():
        if dataset.paper is None:
            continue
        source = f"config/datasets/{name}.yaml: paper"
        for split, own in dataset.paper.splits.items():
            _expect(own, dataset.annotations.splits, f"{source}.splits.{split}")
        for number in dataset.paper.tables:
            _expect(number, paper.tables, f"{source}.tables")
            _check_data(_list_table_data(number, paper), dataset.paper, f"{source}.tables", f"table {number}")
        figures = _list_figure_data(recipes)
        for figure in dataset.paper.figures:
            _expect(figure, figures, f"{source}.figures")
            _check_data(figures[figure], dataset.paper, f"{source}.figures", figure)


Data = list[tuple[str, tuple[str, ...]]]
"""The paper's datasets that a table or figure shows, each with the splits it needs."""


def _list_table_data(number: int, paper: Paper) -> Data:
    columns = paper.tables[number].columns
    more = ("audiomatter",) if number == _ACTIVITIES else ()
    return list(dict.fromkeys((column.dataset, (column.split, *more)) for column in columns))


def _list_figure_data(recipes: Recipes) -> dict[str, Data]:
    named: Mapping[str, FigureRecipe | TimelineRecipe] = {**recipes.figures, **recipes.timelines}
    figures: dict[str, Data] = {name: [(figure.dataset, (figure.split,))] for name, figure in named.items()}
    return {**figures, DURATIONS_FIGURE: [("charades", ())]}


def _check_data(shown: Data, options: PaperOptions, source: str, what: str) -> None:
    """Checks that a dataset stands for some of the data that a table or figure shows."""
    needed = [splits for dataset, splits in shown if dataset == options.stands_for]
    if not needed:
        names = " and ".join(dict.fromkeys(dataset for dataset, _ in shown))
        raise ValueError(
            f"{source}: expected what shows {options.stands_for}, which the dataset stands for, "
            f"found {what}, which shows {names}: leave it out"
        )
    if not any(set(splits) <= set(options.splits) for splits in needed):
        raise ValueError(
            f"{source}: expected the splits {sorted(needed[0])} in paper.splits, which {what} shows, "
            f"found {sorted(options.splits)}: add them, or leave it out"
        )


def _expect(found: object, known: Collection[object], source: str) -> None:
    if found not in known:
        raise ValueError(f"{source}: expected some of {sorted(known, key=str)}, found {found!r}")
