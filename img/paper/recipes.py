"""Which runs make which numbers of a paper: its tables.yaml, typed and checked."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import Field

from extractors.settings import Settings
from img.config.base import Name, check, read_yaml
from img.config.dataset import Dataset, PaperDataset, PaperSplit, StandIn
from img.config.timelines import TimelineChoice
from img.paper.transcription import Claim, Column, Key, Paper


class RowRecipe(Settings):
    """How a row of a table is made."""

    variant: Name | None = Field(default=None, description="The variant whose runs give the row's numbers.")
    variants: dict[Key, Name] = Field(
        default={}, description="Where a column has a variant of its own: column -> variant."
    )
    branch: Name = Field(default="fusion", description="The branch that answers.")
    dataset: Name | None = Field(
        default=None, description="The dataset where it is not the column's: another backbone's features."
    )

    beside: dict[str, Name] = Field(
        default={},
        description="Further rows below it, made as it is but for the variant: label -> variant. Made-up "
        "data has none, for nothing is compared with the paper there.",
    )

    @property
    def all_variants(self) -> list[str]:
        """Every variant the row, and those beside it, need."""
        own = [self.variant] if self.variant else []
        return [*self.variants.values(), *own, *self.beside.values()]

    def rows_beside(self, scope: Scope) -> dict[str, RowRecipe]:
        """Returns the recipes of the rows beside it in a scope, by their labels."""
        if scope.simulated:
            return {}
        return {
            label: self.model_copy(update={"variant": variant, "variants": {}, "beside": {}})
            for label, variant in self.beside.items()
        }

    def variant_of(self, column: str) -> str | None:
        """Returns the variant of a column's cell; none where the row is measured otherwise."""
        return self.variants.get(column, self.variant)


class CurveRecipe(Settings):
    """One line of a figure: a variant for each point."""

    label: str = Field(description="What the line is called.")
    points: dict[float, Name] = Field(description="Place on the horizontal axis -> variant.")


class FigureRecipe(Settings):
    """A figure that is drawn from runs."""

    caption: str = Field(description="What is shown.")
    dataset: PaperDataset = Field(description="The paper's dataset.")
    split: PaperSplit = Field(default="test", description="The paper's split.")
    axis: str = Field(default="", description="What the horizontal axis counts, with its unit.")
    quantities: list[str] = Field(
        min_length=1,
        description="What is plotted: metrics, or `importance`, the mean importance of the sound.",
    )
    curves: list[CurveRecipe] = Field(default=[], description="The lines, where it has any.")
    variants: dict[str, Name] = Field(
        default={}, description="Label -> variant, where variants are compared."
    )

    @property
    def all_variants(self) -> list[str]:
        """Every variant the figure needs, each once."""
        points = [variant for curve in self.curves for variant in curve.points.values()]
        return list(dict.fromkeys([*points, *self.variants.values()]))


class TimelineRecipe(TimelineChoice):
    """A figure that follows single queries along their video's time."""

    caption: str = Field(description="What is shown.")
    dataset: PaperDataset = Field(description="The paper's dataset.")
    split: PaperSplit = Field(default="test", description="The paper's split.")
    variant: Name = Field(default="img", description="The variant whose first seed answers.")


class Recipes(Settings):
    """A file tables.yaml."""

    datasets: dict[PaperDataset, StandIn] = Field(
        description="The dataset, and its splits, that stand for the paper's."
    )
    tables: dict[int, dict[Key, RowRecipe]] = Field(
        description="Table -> row -> how it is made. A row that is not named is quoted from the paper."
    )
    figures: dict[str, FigureRecipe] = Field(default={}, description="Figures drawn from runs, by name.")
    timelines: dict[str, TimelineRecipe] = Field(
        default={}, description="Figures that follow single queries, by name."
    )
    activities: dict[Key, str] = Field(
        default={},
        description="Table 8: row -> a regular expression; a query counts in every row one of whose words it "
        "holds.",
    )


class Scope(Settings):
    """What the paper's datasets are taken to be."""

    stand_ins: dict[PaperDataset, StandIn] = Field(
        description="The paper's dataset -> the one that stands for it."
    )
    is_paper: bool = Field(
        description="Whether these are the paper's own, so that rows with a dataset of their own count too."
    )
    simulated: list[Name] = Field(description="Those whose data is made up.")

    @property
    def datasets(self) -> list[str]:
        """Names of the datasets that stand for the paper's."""
        return [stand_in.dataset for stand_in in self.stand_ins.values()]


@dataclass(frozen=True)
class Origin:
    """Where a cell's number comes from: the mean over a variant's runs."""

    dataset: str
    variant: str
    split: str
    branch: str
    quantity: str


def read_recipes(path: Path, paper: Paper) -> Recipes:
    """Reads and checks the recipes.

    Args:
        path: such as config/papers/img/tables.yaml.
        paper: the tables they make.

    Raises:
        ValueError: where the file is missing or faulty, or names a table, row or column the paper lacks.
    """
    recipes = check(Recipes, read_yaml(path), str(path))
    for number, rows in recipes.tables.items():
        _expect([number], paper.tables, f"{path}: tables")
        table = paper.tables[number]
        known = {row.key for row in table.rows}
        columns = {column.key for column in table.columns}
        for key, recipe in rows.items():
            where = f"{path}: tables.{number}"
            _expect([key], known, where)
            _expect(recipe.variants, columns, f"{where}.{key}.variants")
    _check_data(recipes, paper, path)
    return recipes


def _check_data(recipes: Recipes, paper: Paper, path: Path) -> None:
    """Checks that something stands for every dataset and split of the paper's that is shown."""
    columns = (column for table in paper.tables.values() for column in table.columns)
    shown = {(column.dataset, column.split): "paper.yaml" for column in columns}
    for key, figures in (("figures", recipes.figures), ("timelines", recipes.timelines)):
        shown |= {(figure.dataset, figure.split): f"{key}.{name}" for name, figure in figures.items()}
    for (dataset, split), where in shown.items():
        _expect([dataset], recipes.datasets, f"{path}: {where}: dataset")
        _expect([split], recipes.datasets[dataset].splits, f"{path}: {where}: split of {dataset}")


def check_variants(recipes: Recipes, variants: Collection[str], source: Path) -> None:
    """Checks that there is every variant the recipes name.

    Args:
        recipes: of a paper.
        variants: names of all variants.
        source: the recipes' file, for the message.

    Raises:
        ValueError: naming the table or figure whose variant is missing.
    """
    for number, rows in recipes.tables.items():
        for key, recipe in rows.items():
            _expect(recipe.all_variants, variants, f"{source}: tables.{number}.{key}: variant")
    for name, figure in recipes.figures.items():
        _expect(figure.all_variants, variants, f"{source}: figures.{name}: variant")
    for name, timeline in recipes.timelines.items():
        _expect([timeline.variant], variants, f"{source}: timelines.{name}: variant")


def _expect(found: Iterable[object], known: Collection[object], where: str) -> None:
    unknown = [name for name in found if name not in known]
    if unknown:
        raise ValueError(f"{where}: expected some of {sorted(known, key=str)}, found {unknown}")


def build_scope(recipes: Recipes, datasets: Mapping[str, Dataset], name: str) -> Scope:
    """Tells what stands for the paper's datasets.

    Args:
        recipes: name what stands for them in the paper's own tables.
        datasets: every dataset's settings.
        name: the dataset in whose folder tables are made; empty for the paper's own.

    Raises:
        ValueError: where the dataset does not say what it stands for.
    """
    stand_ins = dict(recipes.datasets)
    if name:
        options = datasets[name].paper
        if options is None:
            raise ValueError(f"config/datasets/{name}.yaml: paper: expected stands_for, found nothing")
        stand_ins = {options.stands_for: StandIn(dataset=name, splits=options.splits)}
    used = [stand_in.dataset for stand_in in stand_ins.values()]
    simulated = [dataset for dataset in used if dataset in datasets and datasets[dataset].simulated]
    return Scope(stand_ins=stand_ins, is_paper=not name, simulated=simulated)


def find_split(column: Column, scope: Scope) -> str | None:
    """Tells which split stands for a column's; none where the scope lacks it."""
    stand_in = scope.stand_ins.get(column.dataset)
    return stand_in.splits.get(column.split) if stand_in else None


def trace(recipe: RowRecipe, column: Column, scope: Scope) -> Origin | None:
    """Tells which runs give a cell's number; none where no run does, or the scope lacks the data.

    Args:
        recipe: the row's.
        column: the paper's column.
        scope: what stands for the paper's datasets.
    """
    variant = recipe.variant_of(column.key)
    stand_in = scope.stand_ins.get(column.dataset)
    split = find_split(column, scope)
    if variant is None or stand_in is None or split is None or (recipe.dataset and not scope.is_paper):
        return None
    return Origin(recipe.dataset or stand_in.dataset, variant, split, recipe.branch, column.quantity)


def list_table_runs(number: int, paper: Paper, recipes: Recipes, scope: Scope) -> list[tuple[str, str]]:
    """Lists the (dataset, variant) pairs whose metrics a table needs, each once, in the table's order."""
    origins = (
        trace(made, column, scope)
        for recipe in recipes.tables.get(number, {}).values()
        for made in (recipe, *recipe.rows_beside(scope).values())
        for column in paper.tables[number].columns
    )
    return list(dict.fromkeys((origin.dataset, origin.variant) for origin in origins if origin))


def pair_origins(
    claim: Claim, paper: Paper, recipes: Recipes, scope: Scope
) -> Iterator[tuple[str, Column, tuple[Origin, Origin] | None]]:
    """Yields what a claim compares.

    Args:
        claim: of the paper.
        paper: holds the claim's table.
        recipes: how its rows are made.
        scope: what stands for the paper's datasets.

    Yields:
        The row that is said to be worse, the column, and where the numbers of the better and of the worse row
        come from; none where one of them does not come from runs.
    """
    rows = recipes.tables.get(claim.table, {})
    columns = {column.key: column for column in paper.tables[claim.table].columns}
    for worse in claim.worse:
        for key in claim.columns:
            better_origin, worse_origin = (
                trace(rows[row], columns[key], scope) if row in rows else None
                for row in (claim.better, worse)
            )
            both = (better_origin, worse_origin) if better_origin and worse_origin else None
            yield worse, columns[key], both


def list_claim_runs(
    numbers: Sequence[int], paper: Paper, recipes: Recipes, scope: Scope
) -> list[tuple[str, str]]:
    """Lists the (dataset, variant) pairs that the claims resting on some tables need, each once."""
    pairs = (
        (origin.dataset, origin.variant)
        for claim in paper.claims
        if claim.table in numbers
        for _, _, both in pair_origins(claim, paper, recipes, scope)
        for origin in both or ()
    )
    return list(dict.fromkeys(pairs))
