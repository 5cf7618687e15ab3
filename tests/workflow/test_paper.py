"""The paper's tables and figures on the real DAG, and the report as a browser shows it."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest
from project import Project

pytestmark = [pytest.mark.workflow, pytest.mark.slow]

PAPER = "results/small/paper.md"
OPTIONS = {
    "paper": {
        "stands_for": "charades",
        "splits": {"test": "test", "audiomatter": "test"},
        "tables": [3, 7, 12, 16],
        "figures": ["figure7", "figure9"],
    }
}
BROWSER = shutil.which("chromium") or shutil.which("google-chrome")


@pytest.fixture(scope="module")
def reproduced(finished, tmp_path_factory) -> Project:
    """A project in which the paper's tables and figures are made."""
    project = finished.copy(tmp_path_factory.mktemp("paper") / "project")
    project.edit(OPTIONS)
    outcome = project.make(PAPER)
    # Only what the tables need and is not there yet is trained.
    assert outcome.jobs["train"] == 2
    return project


def test_a_table_has_a_row_for_each_protocol_and_says_that_the_data_is_made_up(reproduced):
    text = reproduced.path("results/small/tables/table3.md").read_text()
    assert re.search(r"\| IMG \| Fusion \| last \| [\d.]+ \| [\d.]+ \| [\d.]+ \| [\d.]+ \|", text)
    assert "SIMULATED DATA: small" in text
    assert {path.suffix for path in reproduced.path("results/small/tables").glob("table3.*")} == {
        ".md",
        ".csv",
        ".html",
    }


def test_the_runs_of_two_tables_are_made_once(reproduced):
    assert sorted(path.name for path in reproduced.path("results/small/runs").iterdir()) == [
        "img",
        "visual_only",
        "without_distillation",
    ]


def test_claims_are_tried_on_the_runs_of_the_tables(reproduced):
    text = reproduced.path("results/small/tables/claims.csv").read_text()
    assert "distillation_for_visual" in text
    assert "img_over_all_on_audiomatter" in text


def test_figures_are_pictures_and_the_page_links_everything(reproduced):
    text = reproduced.path(PAPER).read_text()
    links = re.findall(r"\]\(([^)]+)\)", text)
    assert len(set(links)) == 12
    for link in links:
        assert reproduced.path(f"results/small/{link}").stat().st_size > 100
    assert reproduced.path("results/small/figures/figure7.png").read_bytes().startswith(b"\x89PNG")


def test_nothing_is_made_twice(reproduced):
    assert reproduced.snakemake(PAPER).did_nothing


def test_a_change_of_the_recipes_makes_tables_again_and_trains_nothing(reproduced, tmp_path):
    project = reproduced.copy(tmp_path / "project")
    recipes = project.path("config/papers/img/tables.yaml")
    text = recipes.read_text()
    changed = text.replace(
        "{variant: without_distillation, branch: audio}", "{variant: without_distillation}"
    )
    assert changed != text
    recipes.write_text(changed)
    jobs = project.make(PAPER).jobs
    assert "train" not in jobs
    assert jobs["table"] == 4


@pytest.fixture(scope="module")
def report(reproduced) -> Path:
    """The report of everything, as one page."""
    path = reproduced.path("results/report.html")
    outcome = reproduced.snakemake("--report", str(path), "--", PAPER)
    assert outcome.status == 0, outcome.output
    return path


@pytest.mark.skipif(BROWSER is None, reason="needs chromium")
def test_the_report_opens_in_a_browser_without_errors_and_the_tables_are_there(report, tmp_path):
    options = ["--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={tmp_path}"]
    shown = subprocess.run(
        [
            BROWSER,
            *options,
            "--enable-logging=stderr",
            "--virtual-time-budget=20000",
            "--dump-dom",
            report.as_uri(),
        ],
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert shown.returncode == 0, shown.stderr
    assert [line for line in shown.stderr.splitlines() if "CONSOLE" in line and "Uncaught" in line] == []
    for category in ("Data", "Features", "Training", "Tables", "Figures"):
        assert category in shown.stdout
