"""Which runs make which numbers of the paper: config/tables.yaml, typed and checked."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from img.config import Name, StandIn, check, read_yaml
from img.paper.transcription import Column, Key, Paper

Branch = Literal["fusion", "visual", "audio"]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class RowRecipe(_Strict):
    """How a row of a table is made."""

    variant: Name | None = Field(default=None, description="The variant whose runs give the row's numbers.")
    variants: dict[Key, Name] = Field(
        default={}, description="Where a column has a variant of its own: column -> variant."
    )
    branch: Branch = Field(default="fusion", description="The branch that answers.")
    dataset: Name | None = Field(
        default=None, description="The dataset where it is not the column's: another backbone's features."
    )

    def variant_of(self, column: str) -> str | None:
        """Returns the variant of a column's cell; none where the row is measured otherwise."""
        return self.variants.get(column, self.variant)


class CurveRecipe(_Strict):
    """One line of a figure: a variant for each point."""

    label: str = Field(description="What the line is called.")
    points: dict[float, Name] = Field(description="Place on the horizontal axis -> variant.")


class FigureRecipe(_Strict):
    """A figure that is drawn from runs."""

    caption: str = Field(description="What is shown.")
    dataset: Literal["charades", "activitynet"] = Field(description="The paper's dataset.")
    split: Literal["test", "audiomatter"] = Field(default="test", description="The paper's split.")
    axis: str = Field(default="", description="What the horizontal axis counts, with its unit.")
    curves: list[CurveRecipe] = Field(default=[], description="The lines, where it has any.")
    variants: dict[str, Name] = Field(
        default={}, description="Label -> variant, where variants are compared."
    )

    @property
    def all_variants(self) -> list[str]:
        """Every variant the figure needs, each once."""
        points = [variant for curve in self.curves for variant in curve.points.values()]
        return list(dict.fromkeys([*points, *self.variants.values()]))


class Recipes(_Strict):
    """config/tables.yaml."""

    datasets: dict[Literal["charades", "activitynet"], StandIn] = Field(
        description="The dataset, and its splits, that stand for the paper's."
    )
    tables: dict[int, dict[Key, RowRecipe]] = Field(
        description="Table -> row -> how it is made. A row that is not named is quoted from the paper."
    )
    figures: dict[str, FigureRecipe] = Field(default={}, description="Figures drawn from runs, by name.")


@dataclass(frozen=True)
class Scope:
    """What the paper's datasets are taken to be.

    Attributes:
        stand_ins: the paper's dataset -> the one that stands for it.
        is_paper: whether these are the paper's own, so that rows with a dataset of their own count too.
    """

    stand_ins: Mapping[str, StandIn]
    is_paper: bool

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
        path: config/tables.yaml.
        paper: the tables they make.

    Raises:
        ValueError: where the file is missing or faulty, or names a table, row or column the paper lacks.
    """
    recipes = check(Recipes, read_yaml(path), str(path))
    for number, rows in recipes.tables.items():
        if number not in paper.tables:
            raise ValueError(f"{path}: tables: expected one of {sorted(paper.tables)}, found {number}")
        table = paper.tables[number]
        known = {row.key for row in table.rows}
        columns = {column.key for column in table.columns}
        for key, recipe in rows.items():
            if key not in known:
                raise ValueError(f"{path}: tables.{number}: expected some of {sorted(known)}, found {key!r}")
            if unknown := set(recipe.variants) - columns:
                raise ValueError(
                    f"{path}: tables.{number}.{key}.variants: expected some of {sorted(columns)}, "
                    f"found {sorted(unknown)}"
                )
    return recipes


def trace(recipe: RowRecipe, column: Column, scope: Scope) -> Origin | None:
    """Tells which runs give a cell's number; none where no run does, or the scope lacks the data.

    Args:
        recipe: the row's.
        column: the paper's column.
        scope: what stands for the paper's datasets.
    """
    variant = recipe.variant_of(column.key)
    stand_in = scope.stand_ins.get(column.dataset)
    if variant is None or stand_in is None or (recipe.dataset and not scope.is_paper):
        return None
    split = stand_in.splits.get(column.split)
    if split is None:
        return None
    return Origin(recipe.dataset or stand_in.dataset, variant, split, recipe.branch, column.quantity)


def list_table_runs(number: int, paper: Paper, recipes: Recipes, scope: Scope) -> list[tuple[str, str]]:
    """Lists the (dataset, variant) pairs whose runs a table needs, each once, in the table's order."""
    return list(
        dict.fromkeys((origin.dataset, origin.variant) for origin in _origins(number, paper, recipes, scope))
    )


def _origins(number: int, paper: Paper, recipes: Recipes, scope: Scope) -> Iterator[Origin]:
    table = paper.tables[number]
    for key, recipe in recipes.tables.get(number, {}).items():
        for column in table.columns:
            origin = trace(recipe, column, scope)
            if origin is not None and table.row(key):
                yield origin
