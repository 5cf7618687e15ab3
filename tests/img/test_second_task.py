"""A task is one module and one line: a made-up one goes from a configuration to metrics.json."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from coverage_tables import write_full_coverage
from test_second_system import dataset
from tiny_system import TinyOptions
from tiny_task import TwoTasksOptions
from toy_dataset import Toy

from extractors.storage.files import read_json
from extractors.storage.store import Store
from img.__main__ import main
from img.config.dataset import Dataset
from img.config.variants import Variant, resolve
from img.models.registry import SYSTEMS, SystemKind
from img.models.sizes import Sizes
from img.runs.cost import Question, count_cost
from img.runs.making import make_run
from img.runs.run_code import list_code
from img.runs.summary import format_table, summarise
from img.tasks.registry import TASKS, find_task

VARIANTS = {"both": Variant(description="both tasks")}
TRAINING = {"epochs": 8, "batch_size": 8, "learning_rate": 0.1}


@pytest.fixture(autouse=True)
def registered(monkeypatch: pytest.MonkeyPatch) -> None:
    """The line of the task, and that of a system which can do it."""
    monkeypatch.setitem(TASKS, "colour", "tiny_task:NamingColours")
    system = SystemKind("two_tasks", TwoTasksOptions, "tiny_task:build", tasks=("moment", "colour"))
    monkeypatch.setitem(SYSTEMS, "two_tasks", system)


def two_tasks(*tasks: str) -> Dataset:
    return dataset(model={"kind": "two_tasks"}, training=TRAINING, tasks=list(tasks))


@pytest.mark.parametrize("tasks", [("colour",), ("moment", "colour"), ("colour", "moment")])
def test_a_second_task_goes_from_a_configuration_to_metrics(
    toy: Toy, tmp_path: Path, tasks: tuple[str, ...]
) -> None:
    options = resolve({"toy": two_tasks(*tasks)}, VARIANTS, "toy", "both")
    assert options.tasks == tasks
    folder, _ = make_run(toy.data(), options, 0, Store(tmp_path / "store"), "cpu", False)
    history = pd.read_csv(folder / "history.csv")
    assert history["loss_colour"].iloc[-1] < history["loss_colour"].iloc[0]
    assert np.isclose(history["loss_colour"], history["loss_total"]).all() == (tasks == ("colour",))
    # The first task chooses the epoch.
    chosen = "says_right" if tasks[0] == "colour" else "span_R1@0.7"
    assert read_json(folder / "options.json")["best_epoch"] == history[chosen].argmax()

    coverage = write_full_coverage(tmp_path / "coverage.tsv", toy.data().inputs.videos)
    paths = {"queries": toy.queries, "inputs": toy.inputs, "run": folder, "coverage": coverage}
    named = [part for name, path in paths.items() for part in (f"--{name}", str(path))]
    main(["evaluate", *named, "--dataset", "toy", "--variant", "both"])
    metrics = read_json(folder / "metrics.json")
    rows = pd.read_parquet(folder / "predictions.parquet")
    said = rows[rows["branch"] == "says"]
    branches = {"colour": ["says"], "moment": ["span", "auto"]}
    for protocol in ("last", "best_on_test"):
        scores = metrics["protocols"][protocol]["test"]
        assert list(scores) == [branch for task in tasks for branch in branches[task]]
        right = said.loc[said["protocol"] == protocol, "right"].astype(bool)
        assert scores["says"] == {"right": pytest.approx(100 * right.mean())}
    assert metrics["protocols"]["last"]["test"]["says"] == {"right": 100.0}
    assert metrics["evaluation"]["samples"] == {
        task: {"test": {"colour": 3, "moment": 8}[task]} for task in tasks
    }
    assert ("test" in metrics["best_constant"]) == ("moment" in tasks)

    assert set(said["text"]) == {"red", "blue"}
    table = format_table(summarise("toy", {"simulated": True}, [metrics]))
    assert "100.0" in next(line for line in table.splitlines() if "says" in line)


def test_a_system_is_trained_for_those_of_a_datasets_tasks_that_it_can_do() -> None:
    tiny = SystemKind("tiny", TinyOptions, "tiny_system:build")
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(SYSTEMS, "tiny", tiny)
        both = dataset(model={"kind": "tiny"}, tasks=["colour", "moment"])
        assert resolve({"toy": both}, VARIANTS, "toy", "both").tasks == ("moment",)
        only = both.model_copy(update={"tasks": ["colour"]})
        with pytest.raises(ValueError, match=r"tasks: expected some of \['moment'\].* tiny .*\['colour'\]"):
            resolve({"toy": only}, VARIANTS, "toy", "both")


def test_an_unknown_task_is_refused_by_its_key() -> None:
    with pytest.raises(
        ValueError, match=r"tasks: expected different ones of \['colour', 'moment'\].*'noise'"
    ):
        two_tasks("noise")
    with pytest.raises(ValueError, match=r"task: expected one of \['colour', 'moment'\], found 'noise'"):
        find_task("noise")


def test_what_a_system_costs_is_asked_of_its_first_task() -> None:
    sizes = Sizes({"visual": 4}, 1, 8, 3)
    assert count_cost(TwoTasksOptions(), sizes, Question(8))["whole"].flops > 0


def test_the_code_of_a_run_is_that_of_its_tasks() -> None:
    system = SYSTEMS["two_tasks"]
    assert "img.tasks.moment" not in list_code(system, ["colour"])
    assert {"img.tasks.moment", "tiny_task"} <= set(list_code(system, ["moment", "colour"]))


def test_every_task_of_a_system_is_registered() -> None:
    assert {task for system in SYSTEMS.values() for task in system.tasks} <= set(TASKS)
    for name in TASKS:
        assert find_task(name).selection.metric


def test_the_lists_of_tasks_and_systems_need_no_torch() -> None:
    code = "import sys, img.tasks.registry, img.models.registry; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=Path(__file__).parents[2]).returncode == 0
