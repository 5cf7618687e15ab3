"""The tables of TEA's paper against the numbers that were read from it."""

import re
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import yaml

from img.paper.recipes import read_recipes
from img.paper.transcription import PaperTable, read_paper

FOLDER = Path(__file__).parents[3] / "config" / "papers" / "tea"
NUMBERS = Path(__file__).parents[3] / ".." / "shared" / "reference" / "tea" / "tea_paper.yaml"
PAPER = read_paper(FOLDER / "paper.yaml")

needs_numbers = pytest.mark.skipif(not NUMBERS.is_file(), reason=f"the paper's numbers are not at {NUMBERS}")


class _Text(yaml.SafeLoader):
    """Leaves numbers as they are printed."""


_Text.yaml_implicit_resolvers = {
    key: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:float"]
    for key, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


@pytest.fixture(scope="module")
def printed() -> dict[str, Any]:
    return yaml.load(NUMBERS.read_text(), _Text)


def as_printed(values: list[Decimal | None]) -> list[str | None]:
    return [None if value is None else str(value) for value in values]


@needs_numbers
@pytest.mark.parametrize("number", [2, 3, 5, 6, 8])
def test_every_number_is_the_printed_one(printed: dict[str, Any], number: int) -> None:
    table, source = PAPER.tables[number], printed[f"table{number}"]
    places = [place for place, column in enumerate(source["columns"]) if column != "feature"]
    features = [place for place, column in enumerate(source["columns"]) if column == "feature"]
    assert [column.label for column in table.columns] == [source["columns"][place] for place in places]
    assert [row.labels[0] for row in table.rows] == list(source["rows"])
    for row in table.rows:
        cells = source["rows"][row.labels[0]]
        assert as_printed(row.values) == [cells[place] for place in places], row.key
        assert row.labels[1:] == [cells[place] or "-" for place in features], row.key


@needs_numbers
def test_table_7_is_printed_with_rows_and_columns_swapped(printed: dict[str, Any]) -> None:
    table, source = PAPER.tables[7], printed["table7"]
    assert [row.labels for row in table.rows] == [[name] for name in source["columns"]]
    assert [column.label for column in table.columns] == list(source["rows"])
    for place, row in enumerate(table.rows):
        assert as_printed(row.values) == [cells[place] for cells in source["rows"].values()]


def quantity_of(label: str) -> str:
    return re.sub(r".*IoU@", "R1@", label) if "@" in label else "mIoU"


@pytest.mark.parametrize("table", PAPER.tables.values(), ids=map(str, PAPER.tables))
def test_a_column_counts_what_its_head_says(table: PaperTable) -> None:
    for column in table.columns:
        assert column.quantity == quantity_of(column.label)


def test_every_row_of_emb_is_computed_and_the_others_quoted() -> None:
    recipes = read_recipes(FOLDER / "tables.yaml", PAPER)
    for number, table in PAPER.tables.items():
        emb = {row.key for row in table.rows if row.labels[0] in ("EMB", "Baseline", "Video-only")}
        assert set(recipes.tables.get(number, {})) == emb
        for recipe in recipes.tables.get(number, {}).values():
            assert (recipe.variant, recipe.branch) == ("emb", "visual")
