"""On the real DAG: another folder of config/papers/ makes a table of its own."""

import json

import pytest
from project import new_project
from second_paper import write_second_paper

pytestmark = pytest.mark.workflow


def test_a_second_papers_table_is_made_in_a_folder_of_its_name(tmp_path):
    project = new_project(tmp_path / "project")
    write_second_paper(project.path("config/papers/other"), "demo", "test")
    # Metrics as a run leaves them: the test is about the table alone.
    recalls = {"last": 31.25, "best_on_test": 33.5}
    protocols = {
        protocol: {"test": {"visual": {"R1@0.7": recall}}, "train": {}}
        for protocol, recall in recalls.items()
    }
    run = project.path("results/demo/runs/img/seed0")
    run.mkdir(parents=True)
    metrics = {"dataset": "demo", "variant": "img", "protocols": protocols}
    (run / "metrics.json").write_text(json.dumps(metrics))
    table = "results/other/tables/table2.md"
    assert project.make(table, "--allowed-rules", "table").jobs == {"table": 1}
    text = project.path(table).read_text()
    for line in ("Moments found in kitchens.", "| Ours | last | 31.2 |", "|  | paper | 12.5 |"):
        assert line in text
    assert "SIMULATED DATA: demo" in text
    assert not project.path("results/tables").exists()
