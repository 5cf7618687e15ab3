"""Any folder of config/papers/ is a paper: planned beside the first one, and checked before jobs."""

import json
import re
from pathlib import Path

import pytest
from planning import paper, patterns, targets
from second_paper import write_second_paper

PAPERS = Path("config/papers")
VARIANT = "{description: other}"


def test_a_second_papers_table_is_one_of_its_own_folder(folder, read):
    write_second_paper(PAPERS / "other")
    project = read()
    assert list(project.papers) == ["img", "other", "tea"]
    assert paper.list_table_metrics(project, "other/", "2") == ["results/demo/runs/img/seed0/metrics.json"]
    assert paper.find_paper_file(project, "other/") == "config/papers/other/paper.yaml"
    assert json.loads(paper.write_scope(project, "other/"))["is_paper"]
    assert paper.name_scope("other/") == "other"
    contents = paper.list_contents(project, "other/")
    assert contents[:2] == ["results/other/tables/table2.md", "results/other/tables/claims.md"]
    # What is measured of the first paper's Table 12 is not of another's.
    assert paper.list_measurements(project, "other/", "12") == []
    # The first paper's own table of that number keeps its name, and its file.
    assert paper.find_paper_file(project, "") == "config/papers/img/paper.yaml"
    assert "results/charades/runs/img/seed0/metrics.json" in paper.list_table_metrics(project, "", "2")


def test_names_of_its_results_are_those_of_the_wildcards(folder, read):
    write_second_paper(PAPERS / "other")
    project = read()
    scope = patterns.match_scope(project)
    assert re.fullmatch(scope, "other/")
    assert re.fullmatch(scope, "demo/")
    assert re.fullmatch(scope, "")
    assert not re.fullmatch(scope, "img/")
    assert targets.find_unknown(project, ["results/other/tables/table2.md", "results/other/paper.md"]) == []
    (unknown,) = targets.find_unknown(project, ["results/other/tables/table3.md"])
    assert "no table '3'" in unknown
    with pytest.raises(ValueError, match=r"results/other/tables/table3: expected a table .* has \[2\]"):
        paper.list_table_metrics(project, "other/", "3")


def test_its_variants_join_those_of_the_first(folder, read):
    write_second_paper(PAPERS / "other", tables={2: {"ours": {"variant": "quick"}}})
    (PAPERS / "other" / "variants.yaml").write_text(f"quick: {VARIANT}\n")
    project = read()
    assert project.variants["quick"].description == "other"
    assert paper.list_table_metrics(project, "other/", "2") == ["results/demo/runs/quick/seed0/metrics.json"]


def test_a_dataset_may_stand_for_one_of_its_datasets(folder, read):
    write_second_paper(PAPERS / "other", dataset="charades")
    asked = {"paper": "other", "stands_for": "kitchens", "splits": {"exam": "test"}, "tables": [2]}
    project = read({"demo": {"paper": asked}})
    assert paper.find_stand_in(project, "demo/", "kitchens").dataset == "demo"
    assert paper.list_numbers(project, "demo/") == [2]
    assert paper.find_paper_file(project, "demo/") == "config/papers/other/paper.yaml"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"tables": {3: {}}}, r"other/tables\.yaml: tables: expected some of \[2\], found \[3\]"),
        (
            {"tables": {2: {"ours": {"variant": "immg"}}}},
            r"other/tables\.yaml: tables\.2\.ours: variant: .*found \['immg'\]",
        ),
        (
            {"datasets": {"streets": {"dataset": "demo", "splits": {"exam": "test"}}}},
            r"other/tables\.yaml: paper\.yaml: dataset: expected some of \['streets'\], found \['kitchens'\]",
        ),
        (
            {"datasets": {"kitchens": {"dataset": "demo", "splits": {"test": "test"}}}},
            r"paper\.yaml: split of kitchens: expected some of \['test'\], found \['exam'\]",
        ),
        (
            {
                "figures": {
                    "figure4": {"caption": "", "dataset": "kitchens", "split": "exam", "quantities": ["mIoU"]}
                }
            },
            r"other/tables\.yaml: figures\.figure4: expected another name, as figure4 is curves",
        ),
    ],
)
def test_a_fault_of_its_files_is_told_before_any_job(folder, read, changes, message):
    write_second_paper(PAPERS / "other", **changes)
    with pytest.raises(ValueError, match=message):
        read()


def test_a_name_that_is_taken_is_refused(folder, read):
    write_second_paper(PAPERS / "other")
    (PAPERS / "other" / "variants.yaml").write_text(f"img: {VARIANT}\n")
    with pytest.raises(
        ValueError, match=r"other/variants\.yaml: .*'img', which .*img/variants\.yaml has too"
    ):
        read()
    (PAPERS / "other" / "variants.yaml").unlink()
    (PAPERS / "other").rename(PAPERS / "demo")
    with pytest.raises(ValueError, match=r"config/papers/demo: .*another name than config/datasets/demo"):
        read()
    (PAPERS / "demo").rename(PAPERS / "tables")
    with pytest.raises(ValueError, match=r"config/papers/tables: expected a name .*none of .*tables"):
        read()


def test_a_folder_without_its_files_is_refused(folder, read):
    (PAPERS / "other").mkdir()
    with pytest.raises(ValueError, match=r"config/papers/other/paper\.yaml: expected a YAML file"):
        read()
