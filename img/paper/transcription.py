"""The numbers that a paper reports and what its text claims from them: its paper.yaml, checked."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import BeforeValidator, ConfigDict, Field, model_validator

from extractors.settings import Loader, Settings
from img.config.base import check, read_yaml
from img.config.dataset import PaperDataset, PaperSplit


def _as_decimal(value: Any) -> Any:
    return Decimal(value) if type(value) is int else value


Number = Annotated[Decimal, BeforeValidator(_as_decimal)]
"""A number with as many decimals as the paper prints."""

Key = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.@]*$")]


class _Strict(Settings):
    model_config = ConfigDict(strict=True)


class Column(_Strict):
    """A column of numbers."""

    key: Key = Field(description="Names the column within its table.")
    label: str = Field(description="The column's head as printed.")
    dataset: PaperDataset = Field(description="The data the numbers are from.")
    split: PaperSplit = Field(description="The queries the numbers are from.")
    quantity: Literal["R1@0.3", "R1@0.5", "R1@0.7", "mIoU", "queries", "GFLOPs", "million parameters"] = (
        Field(description="What the numbers are: percent for recalls and mIoU, else the unit.")
    )


class PaperRow(_Strict):
    """A row of a table."""

    key: Key = Field(description="Names the row within its table.")
    labels: list[str] = Field(description="The row's labels as printed, one for each label column.")
    source: Literal["ours"] | int = Field(
        description="`ours`: the paper's own system; a number: another's, by its place in the references."
    )
    backbone: Literal["I3D", "CLIP", "CLIP+SF", "IV2"] | None = Field(
        default=None, description="Visual features; null where the paper does not say."
    )
    values: list[Number | None] = Field(description="A number for each column; null where none is printed.")
    deltas: list[Number | None] | None = Field(
        default=None, description="The printed differences, one for each column, negative for an arrow down."
    )
    against: Key | None = Field(default=None, description="The row that the deltas are differences from.")

    @property
    def is_ours(self) -> bool:
        """Whether the system is the paper's own."""
        return self.source == "ours"


class PaperTable(_Strict):
    """A table of the paper."""

    caption: str = Field(description="As printed, without the table's number.")
    label_columns: list[str] = Field(min_length=1, description="Heads of the columns that label the rows.")
    columns: list[Column] = Field(min_length=1, description="The columns of numbers.")
    rows: list[PaperRow] = Field(min_length=1, description="The rows, as printed from top to bottom.")

    @model_validator(mode="after")
    def _is_regular(self) -> PaperTable:
        _refuse_repeated([column.key for column in self.columns], "columns")
        _refuse_repeated([row.key for row in self.rows], "rows")
        for row in self.rows:
            for name, found, expected in (
                ("labels", len(row.labels), len(self.label_columns)),
                ("values", len(row.values), len(self.columns)),
                ("deltas", len(self.columns if row.deltas is None else row.deltas), len(self.columns)),
            ):
                if found != expected:
                    raise ValueError(f"row {row.key}: {name}: expected {expected}, found {found}")
            if (row.deltas is None) != (row.against is None):
                raise ValueError(f"row {row.key}: expected deltas and against together, found one")
            if row.against is not None and row.against not in {other.key for other in self.rows}:
                raise ValueError(f"row {row.key}: against: expected a row of the table, found {row.against}")
        return self

    def row(self, key: str) -> PaperRow:
        """Returns the row of a key.

        Raises:
            KeyError: where the table has no such row.
        """
        for row in self.rows:
            if row.key == key:
                return row
        raise KeyError(f"expected one of {[row.key for row in self.rows]}, found {key!r}")

    def value(self, row: str, column: str) -> Decimal | None:
        """Returns the number in a row and column; none where the paper prints none.

        Raises:
            KeyError: where the table has no such row or column.
        """
        for column_number, head in enumerate(self.columns):
            if head.key == column:
                return self.row(row).values[column_number]
        raise KeyError(f"expected one of {[head.key for head in self.columns]}, found {column!r}")


class Claim(_Strict):
    """A statement of the text that one row is better than others."""

    id: Key = Field(description="Names the claim.")
    text: str = Field(description="A few words of the paper that make it, quoted.")
    table: int = Field(description="The table it rests on.")
    better: Key = Field(description="The row that is said to be better.")
    worse: list[Key] = Field(min_length=1, description="The rows it is said to beat, each a pair with it.")
    columns: list[Key] = Field(min_length=1, description="Columns in which it should be the larger number.")


class Reference(_Strict):
    """Another's system that the tables quote."""

    authors: str = Field(description="Its authors, shortened.")
    year: int = Field(description="Year of publication.")
    title: str = Field(description="The publication's title.")


class Paper(_Strict):
    """A file paper.yaml: the tables, the claims made from them, the works they quote."""

    title: str = Field(description="The paper's title.")
    doi: str = Field(description="Its digital object identifier.")
    tables: dict[int, PaperTable] = Field(description="The tables by their number.")
    claims: list[Claim] = Field(description="What the text says is better than what.")
    references: dict[int, Reference] = Field(description="The quoted systems by the paper's numbers.")

    @model_validator(mode="after")
    def _fits_together(self) -> Paper:
        for number, table in self.tables.items():
            for row in table.rows:
                if isinstance(row.source, int) and row.source not in self.references:
                    raise ValueError(
                        f"tables.{number}: row {row.key}: source: expected one of "
                        f"{sorted(self.references)}, found {row.source}"
                    )
        _refuse_repeated([claim.id for claim in self.claims], "claims")
        for claim in self.claims:
            if claim.table not in self.tables:
                raise ValueError(
                    f"claims.{claim.id}: table: expected one of {sorted(self.tables)}, found {claim.table}"
                )
            table = self.tables[claim.table]
            for name, keys, known in (
                ("better", [claim.better], [row.key for row in table.rows]),
                ("worse", claim.worse, [row.key for row in table.rows]),
                ("columns", claim.columns, [column.key for column in table.columns]),
            ):
                unknown = [key for key in keys if key not in known]
                if unknown:
                    raise ValueError(f"claims.{claim.id}: {name}: expected some of {known}, found {unknown}")
        return self


class _ExactLoader(Loader):
    """Reads numbers with a point as decimals: 58.10 stays 58.10."""


def _construct_decimal(loader: Loader, node: yaml.ScalarNode) -> Decimal:
    text = str(loader.construct_scalar(node))
    try:
        return Decimal(text)
    except InvalidOperation:
        raise yaml.constructor.ConstructorError(
            None, None, f"expected a decimal number, found {text}", node.start_mark
        ) from None


_ExactLoader.add_constructor("tag:yaml.org,2002:float", _construct_decimal)


def read_paper(path: Path) -> Paper:
    """Reads and checks the paper's numbers.

    Args:
        path: such as config/papers/img/paper.yaml.

    Raises:
        ValueError: where the file is missing, no YAML, or not regular; the message names file and key.
    """
    return check(Paper, read_yaml(path, _ExactLoader), str(path))


def _refuse_repeated(keys: list[str], name: str) -> None:
    repeated = sorted({key for key in keys if keys.count(key) > 1})
    if repeated:
        raise ValueError(f"{name}: expected different keys, found several of {repeated}")
