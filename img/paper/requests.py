"""Whether what the configuration wants made of a paper can be made, before any job runs."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from img.config.dataset import Dataset, PaperOptions
from img.paper.folders import FIRST, PaperFolder
from img.paper.recipes import FigureRecipe, TimelineRecipe

_ACTIVITIES = 8
"""The first paper's table that counts activities; beside its columns' split it needs `audiomatter`."""

DURATIONS_FIGURE = "figure9"
"""Name of the figure of durations, which shows whatever splits there are; no recipe says how it is made."""


def check_requests(datasets: Mapping[str, Dataset], papers: Mapping[str, PaperFolder]) -> None:
    """Checks the tables and figures that datasets want made in their own folders.

    Args:
        datasets: by name.
        papers: the papers there are, by name.

    Raises:
        ValueError: naming the dataset's file and the key: a paper, dataset, split, table or figure that there
            is none of, or that shows other data than the dataset stands for.
    """
    for name, dataset in datasets.items():
        if dataset.paper is None:
            continue
        source = f"config/datasets/{name}.yaml: paper"
        _expect(dataset.paper.paper, papers, f"{source}.paper")
        folder = papers[dataset.paper.paper]
        _expect(dataset.paper.stands_for, folder.recipes.datasets, f"{source}.stands_for")
        for split, own in dataset.paper.splits.items():
            known = folder.recipes.datasets[dataset.paper.stands_for].splits
            _expect(split, known, f"{source}.splits")
            _expect(own, dataset.annotations.splits, f"{source}.splits.{split}")
        for number in dataset.paper.tables:
            _expect(number, folder.paper.tables, f"{source}.tables")
            _check_data(
                _list_table_data(number, folder), dataset.paper, f"{source}.tables", f"table {number}"
            )
        figures = _list_figure_data(folder)
        for figure in dataset.paper.figures:
            _expect(figure, figures, f"{source}.figures")
            _check_data(figures[figure], dataset.paper, f"{source}.figures", figure)


Data = list[tuple[str, tuple[str, ...]]]
"""The paper's datasets that a table or figure shows, each with the splits it needs."""


def _list_table_data(number: int, folder: PaperFolder) -> Data:
    columns = folder.paper.tables[number].columns
    more = ("audiomatter",) if folder.name == FIRST and number == _ACTIVITIES else ()
    return list(dict.fromkeys((column.dataset, (column.split, *more)) for column in columns))


def _list_figure_data(folder: PaperFolder) -> dict[str, Data]:
    named: Mapping[str, FigureRecipe | TimelineRecipe] = {
        **folder.recipes.figures,
        **folder.recipes.timelines,
    }
    figures: dict[str, Data] = {name: [(figure.dataset, (figure.split,))] for name, figure in named.items()}
    own: dict[str, Data] = {DURATIONS_FIGURE: [("charades", ())]} if folder.name == FIRST else {}
    return {**figures, **own}


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
