"""On the real DAG: the shipped simulated Charades, with a few queries in the place of the real ones."""

import json
from pathlib import Path

import pytest
from project import Project, new_project

pytestmark = [pytest.mark.workflow, pytest.mark.slow]

INDEX = "results/charades_simulated/inputs/simulated_sight+simulated_sound/index.json"
QUERIES = {
    "charades_sta_train_qid.txt": "A 0.0 5.0##qid_0##a person laughs.\nB 2.0 6.0##qid_1##a person sits.\n",
    "charades_sta_test_qid.txt": "C 1.0 4.0##qid_2##a person laughs.\n",
    "charades_audiomatter_qid.txt": "C 1.0 4.0##qid_2##a person laughs.\n",
}
SECONDS = {"A": 10.0, "B": 12.5, "C": 8.0, "Z": 5.0}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A project in which the inputs are made."""
    project = new_project(tmp_path_factory.mktemp("simulated") / "project")
    folder: Path = project.path("resources/charades")
    folder.mkdir(parents=True)
    for name, text in QUERIES.items():
        (folder / name).write_text(text)
    durations = {video: {"duration": seconds} for video, seconds in SECONDS.items()}
    (folder / "charades.json").write_text(json.dumps(durations))
    project.edit({"shards": 1}, "charades_simulated")
    outcome = project.make(INDEX)
    assert outcome.jobs["simulate_charades"] == 1, outcome.output
    return project


def test_features_are_drawn_and_become_inputs_of_the_real_widths(made: Project) -> None:
    index = json.loads(made.path(INDEX).read_text())
    widths = {name: [part["width"] for part in parts] for name, parts in index["reads"]["streams"].items()}
    assert widths == {"visual": [1024], "audio": [2048]}
    assert {video: place["clips"] for video, place in index["videos"].items()} == {"A": 20, "B": 25, "C": 16}
    assert all(video["reach"] == {"audio": video["clips"]} for video in index["videos"].values())


def test_nothing_is_drawn_twice(made: Project) -> None:
    assert made.make(INDEX).did_nothing
