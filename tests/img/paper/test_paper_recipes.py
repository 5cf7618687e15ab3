from __future__ import annotations

from copy import deepcopy
from pathlib import Path

import pytest
from small_paper import DEMO_SCOPE, RECIPES, paper_scope, read

from img.config.dataset import read_datasets
from img.config.variants import read_variants
from img.paper.recipes import (
    Origin,
    build_scope,
    check_variants,
    list_claim_runs,
    list_table_runs,
    read_recipes,
    trace,
)
from img.paper.transcription import read_paper

CONFIG = Path(__file__).parents[3] / "config"


def test_the_shipped_recipes_name_rows_columns_and_variants_that_there_are() -> None:
    paper = read_paper(CONFIG / "papers" / "img" / "paper.yaml")
    recipes = read_recipes(CONFIG / "papers" / "img" / "tables.yaml", paper)
    check_variants(recipes, read_variants(CONFIG / "papers" / "img" / "variants.yaml"), Path("tables.yaml"))


def test_every_row_of_the_papers_own_system_is_made_but_the_plug_ins_and_what_is_measured() -> None:
    paper = read_paper(CONFIG / "papers" / "img" / "paper.yaml")
    recipes = read_recipes(CONFIG / "papers" / "img" / "tables.yaml", paper)
    unmade = {
        (number, row.key)
        for number, table in paper.tables.items()
        for row in table.rows
        if row.is_ours and row.key not in recipes.tables.get(number, {}) and number not in (8, 16)
    }
    assert unmade == {(4, "emb_ours"), (4, "eamat_ours"), (12, "img_aip"), (12, "img_mgf")}


def test_table_8_has_a_pattern_for_each_row() -> None:
    paper = read_paper(CONFIG / "papers" / "img" / "paper.yaml")
    recipes = read_recipes(CONFIG / "papers" / "img" / "tables.yaml", paper)
    assert set(recipes.activities) == {row.key for row in paper.tables[8].rows}


def test_a_cell_is_traced_to_the_dataset_and_split_that_stand_for_the_papers(tmp_path: Path) -> None:
    paper, recipes = read(tmp_path)
    recall, mean = paper.tables[1].columns
    ours = recipes.tables[1]["ours"]
    scope = paper_scope(recipes)
    assert trace(ours, recall, scope) == Origin("charades", "img", "test", "fusion", "R1@0.7")
    assert trace(ours, mean, scope) == Origin("activitynet", "img", "val_1", "fusion", "mIoU")
    assert trace(ours, recall, DEMO_SCOPE) == Origin("demo", "img", "heard", "fusion", "R1@0.7")
    assert trace(ours, mean, DEMO_SCOPE) is None


def test_a_row_with_a_dataset_of_its_own_is_made_in_the_papers_tables_only(tmp_path: Path) -> None:
    recipes_values = deepcopy(RECIPES)
    recipes_values["tables"][1]["ours"]["dataset"] = "charades_clip"
    paper, recipes = read(tmp_path, recipes_values)
    recall = paper.tables[1].columns[0]
    origin = trace(recipes.tables[1]["ours"], recall, paper_scope(recipes))
    assert origin is not None
    assert origin.dataset == "charades_clip"
    assert trace(recipes.tables[1]["ours"], recall, DEMO_SCOPE) is None


def test_a_table_needs_each_run_once(tmp_path: Path) -> None:
    paper, recipes = read(tmp_path)
    assert list_table_runs(1, paper, recipes, paper_scope(recipes)) == [
        ("charades", "visual_only"),
        ("activitynet", "visual_only"),
        ("charades", "img"),
        ("activitynet", "img"),
    ]
    assert list_table_runs(2, paper, recipes, paper_scope(recipes)) == []


def test_a_claim_needs_the_runs_of_both_sides_and_none_where_one_is_quoted(tmp_path: Path) -> None:
    paper, recipes = read(tmp_path)
    pairs = list_claim_runs([1], paper, recipes, paper_scope(recipes))
    assert pairs == [("charades", "img"), ("charades", "visual_only")]
    assert list_claim_runs([2], paper, recipes, paper_scope(recipes)) == []


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({3: {}}, r"tables: expected some of \[1, 2\], found \[3\]"),
        ({1: {"nobody": {"variant": "img"}}}, r"tables.1: expected some of .*found \['nobody'\]"),
        ({1: {"ours": {"variants": {"R1@9": "img"}}}}, r"tables.1.ours.variants: .*found \['R1@9'\]"),
    ],
)
def test_a_recipe_for_what_the_paper_lacks_is_refused(tmp_path: Path, change: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        read(tmp_path, {**RECIPES, "tables": change})


def test_a_variant_that_there_is_not_is_refused_with_its_place(tmp_path: Path) -> None:
    _, recipes = read(tmp_path)
    with pytest.raises(ValueError, match=r"tables.1.without: variant: .*found \['visual_only'\]"):
        check_variants(recipes, ["img"], Path("tables.yaml"))


def test_a_dataset_says_for_itself_what_it_stands_for(tmp_path: Path) -> None:
    datasets = read_datasets(CONFIG / "datasets")
    _, recipes = read(tmp_path)
    scope = build_scope(recipes, datasets, "demo")
    assert scope.datasets == ["demo"]
    assert scope.simulated == ["demo"]
    assert not scope.is_paper
    assert build_scope(recipes, datasets, "").is_paper
    silent = {"demo": datasets["demo"].model_copy(update={"paper": None})}
    with pytest.raises(ValueError, match=r"demo.yaml: paper: expected stands_for"):
        build_scope(recipes, silent, "demo")
