from __future__ import annotations

from pathlib import Path

import pytest
from small_paper import DEMO_SCOPE, RECIPES, metrics, paper_scope, read

from img.paper.layout import lay_out_table
from img.paper.recipes import Scope, list_table_runs
from img.paper.tables import MEASURED, ResultTable, build_table
from img.reports.page import to_csv, to_html, to_markdown, write_page

RUNS = {
    ("charades", "img"): [
        metrics("charades", "img", "test", "fusion", 40.0, 45.0),
        metrics("charades", "img", "test", "fusion", 42.0, 46.0),
    ]
}


def build(
    folder: Path, runs: dict, scope: Scope | None = None, number: int = 1, measured: dict | None = None
):
    paper, recipes = read(folder)
    scope = scope or paper_scope(recipes)
    return build_table(number, paper, recipes, scope, runs, measured or {}), scope


def cell(table: ResultTable, row: int, column: int):
    return table.rows[row].cells[column]


def test_a_cell_holds_mean_and_deviation_over_seeds_of_both_protocols_and_the_difference(
    tmp_path: Path,
) -> None:
    table, _ = build(tmp_path, RUNS)
    ours = cell(table, 2, 0)
    assert (ours.ours["last"].mean, ours.ours["best_on_test"].mean) == (41.0, 45.5)
    assert ours.ours["last"].deviation == pytest.approx(2**0.5)
    assert ours.difference == pytest.approx(45.5 - 44.23)


def test_a_number_is_compared_with_the_weights_that_were_best_on_its_own_split(tmp_path: Path) -> None:
    run = metrics("activitynet", "img", "val_1", "fusion", 40.0, 50.0)
    run["protocols"]["best_on_val_1"] = {"val_1": {"fusion": {"mIoU": 56.0}}}
    table, scope = build(tmp_path, {("activitynet", "img"): [run]})
    ours = cell(table, 2, 1)
    assert list(ours.ours) == ["last", "best_on_val_1"]
    assert ours.difference == pytest.approx(56.0 - 55.62)
    assert "| Ours | last | – | 40.00 |" in to_markdown(lay_out_table(table, scope))


def test_without_such_weights_every_protocol_is_shown_and_none_compared(tmp_path: Path) -> None:
    run = metrics("activitynet", "img", "val_1", "fusion", 40.0, 50.0)
    table, _ = build(tmp_path, {("activitynet", "img"): [run]})
    assert list(cell(table, 2, 1).ours) == ["last", "best_on_test"]
    assert cell(table, 2, 1).difference is None


BESIDE = {
    **RECIPES,
    "tables": {
        1: {**RECIPES["tables"][1], "ours": {"variant": "img", "beside": {"their code": "reference"}}}
    },
}


def test_a_row_beside_is_made_of_another_variant_and_compared_with_the_same_number(tmp_path: Path) -> None:
    paper, recipes = read(tmp_path, BESIDE)
    scope = paper_scope(recipes)
    assert list_table_runs(1, paper, recipes, scope)[-2:] == [
        ("charades", "reference"),
        ("activitynet", "reference"),
    ]
    runs = {
        **RUNS,
        ("charades", "reference"): [metrics("charades", "reference", "test", "fusion", 43.0, 44.0)],
    }
    table = build_table(1, paper, recipes, scope, runs, {})
    assert [list(row.labels) for row in table.rows[2:]] == [["Ours"], ["Ours, their code"]]
    assert cell(table, 2, 0).difference == pytest.approx(45.5 - 44.23)
    assert cell(table, 3, 0).difference == pytest.approx(44.0 - 44.23)
    assert cell(table, 3, 1).absence == "no data for activitynet"


def test_made_up_data_has_no_rows_beside(tmp_path: Path) -> None:
    paper, recipes = read(tmp_path, BESIDE)
    assert list_table_runs(1, paper, recipes, DEMO_SCOPE) == [("demo", "visual_only"), ("demo", "img")]
    assert len(build_table(1, paper, recipes, DEMO_SCOPE, {}, {}).rows) == 3


def test_a_missing_dataset_leaves_its_cells_marked_and_the_others_filled(tmp_path: Path) -> None:
    table, scope = build(tmp_path, RUNS)
    assert cell(table, 2, 1).absence == "no data for activitynet"
    assert cell(table, 1, 0).absence == "no data for charades"
    text = to_markdown(lay_out_table(table, scope))
    assert "| Ours | last | 41.00 ± 1.41 | – |" in text
    assert "| Ours w/o audio | no data | – | – |" in text
    assert "no data for activitynet" in text


def test_other_peoples_systems_appear_as_quoted(tmp_path: Path) -> None:
    table, scope = build(tmp_path, {})
    assert "| Other [5] | quoted | 30.25 | – |" in to_markdown(lay_out_table(table, scope))


def test_the_whole_table_reads_row_by_row(tmp_path: Path) -> None:
    runs = {("charades", "img"): [metrics("charades", "img", "test", "fusion", 40.0, 45.0)]}
    table, scope = build(tmp_path, runs)
    lines = to_markdown(lay_out_table(table, scope)).splitlines()
    start = lines.index("| Ours | last | 40.00 | – |")
    assert lines[start + 1 : start + 4] == [
        "|  | best_on_test | 45.00 | – |",
        "|  | paper | 44.23 | 55.62 |",
        "|  | difference | +0.77 | – |",
    ]


def test_simulated_data_is_labelled_and_not_compared(tmp_path: Path) -> None:
    runs = {("demo", "img"): [metrics("demo", "img", "heard", "fusion", 40.0, 45.0)]}
    table, scope = build(tmp_path, runs, DEMO_SCOPE)
    page = lay_out_table(table, scope)
    assert "**SIMULATED DATA: demo" in to_markdown(page)
    assert '<p class="simulated">SIMULATED DATA: demo' in to_html(page)
    assert "difference |" not in to_markdown(page)
    assert all(record["difference"] is None for record in page.records)


def test_what_is_counted_needs_no_run(tmp_path: Path) -> None:
    table, scope = build(tmp_path, {}, number=2, measured={"count": {"low": {MEASURED: [24.0]}}})
    lines = to_markdown(lay_out_table(table, scope)).splitlines()
    assert lines[6:9] == ["| Count | measured | 24 |", "|  | paper | 26 |", "|  | difference | -2 |"]


def test_the_csv_has_a_line_for_each_cell_and_protocol(tmp_path: Path) -> None:
    table, scope = build(tmp_path, RUNS)
    lines = to_csv(lay_out_table(table, scope)).splitlines()
    assert lines[0].startswith("row,column,dataset,split,quantity,protocol,mean,deviation,seeds,paper")
    assert "Ours,R1@7,charades,test,R1@0.7,last,41.0," in "\n".join(lines)
    assert len(lines) == 1 + 7  # One cell has two protocols, five have no number of one's own.


def test_a_page_is_written_in_three_formats(tmp_path: Path) -> None:
    table, scope = build(tmp_path, RUNS)
    write_page(lay_out_table(table, scope), tmp_path / "out" / "table1")
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        "table1.csv",
        "table1.html",
        "table1.md",
    ]


def test_html_escapes_what_labels_hold(tmp_path: Path) -> None:
    table, scope = build(tmp_path, {}, number=2)
    assert "<th>&lt;0.5</th>" in to_html(lay_out_table(table, scope))
