"""A system is one file and one line: thirty lines go from a configuration to a table and a timeline."""

from pathlib import Path

import pandas as pd
import pytest
from tiny_system import TinyOptions
from toy_dataset import Toy

from extractors.storage.store import Store
from img.config.base import check
from img.config.dataset import Dataset
from img.config.runs import InferenceOptions
from img.config.variants import Variant, resolve
from img.models.registry import SYSTEMS, SystemKind
from img.reports.figures.history import plot_history
from img.reports.figures.timeline_plot import plot_timelines
from img.reports.timelines import select_queries, trace_queries
from img.runs.evaluation import evaluate_run
from img.runs.making import make_run
from img.runs.opening import open_run
from img.runs.run_code import list_code
from img.runs.summary import format_table, summarise

KIND = SystemKind("tiny", TinyOptions, "tiny_system:build")


@pytest.fixture(autouse=True)
def registered(monkeypatch: pytest.MonkeyPatch) -> None:
    """The one line."""
    monkeypatch.setitem(SYSTEMS, "tiny", KIND)


def dataset(**changes: object) -> Dataset:
    values = {
        "annotations": {
            "format": "activitynet_captions",
            "splits": {"train": "train.json", "test": "test.json"},
        },
        "videos": "videos",
        "extractors": {"i3d": {"kind": "i3d", "weights": "random"}},
        "streams": {"visual": "i3d"},
        "training": {"epochs": 3, "batch_size": 8, "learning_rate": 0.01},
        "model": {"kind": "tiny"},
        **changes,
    }
    return check(Dataset, values, "config/datasets/toy.yaml")


def test_a_second_system_goes_from_a_configuration_to_a_table_and_a_timeline(
    toy: Toy, tmp_path: Path
) -> None:
    options = resolve({"toy": dataset()}, {"tiny": Variant(description="tiny")}, "toy", "tiny")
    assert isinstance(options.model, TinyOptions)
    folder, restored = make_run(toy.data(), options, 0, Store(tmp_path / "store"), "cpu", False)
    assert not restored
    run = open_run(folder)
    assert run.options == options

    out = tmp_path / "predictions.parquet"
    found = evaluate_run(run, toy.splits("test"), "cpu", InferenceOptions(answers=1), out)
    predictions = pd.read_parquet(out)
    assert set(predictions["branch"]) == {"span", "auto"}
    assert "importance" not in predictions
    assert predictions["start"].between(0, 16).all()
    assert (predictions["start"] <= predictions["end"]).all()
    scores = found["protocols"]["last"]["test"]
    first = predictions[(predictions["protocol"] == "last") & (predictions["branch"] == "span")]
    assert scores["span"]["mIoU"] == pytest.approx(100 * first["iou"].mean())

    losses = pd.read_csv(folder / "history.csv")["loss_total"]
    assert losses.iloc[-1] < losses.iloc[0]
    plot_history(folder / "history.csv", "tiny", tmp_path / "history.png")

    selected = select_queries(predictions, "test", "last", [], 1, 1)
    system = run.load("last")
    reasons = dict(zip(selected["query"], selected["reason"], strict=True))
    timelines = trace_queries(system, toy.moments("test"), reasons)
    assert [list(timeline.branches) for timeline in timelines] == [["span"]] * 2
    shown = first.set_index("query").loc[timelines[0].query]
    assert timelines[0].branches["span"].start == pytest.approx(shown["start"])
    plot_timelines(timelines, {}, "tiny", [], tmp_path / "timelines.png")

    summary = summarise(
        "toy",
        {"simulated": True},
        [
            {
                **{name: run.made[name] for name in ("seed", "best_epoch", "device", "libraries")},
                **{"variant": "tiny", "description": "tiny", "versions": {}, "left_out": {}, "coverage": {}},
                **{name: found[name] for name in ("protocols", "mean_importance", "best_constant")},
                "evaluation": {"mode": "covered_queries", "counted_as_misses": {}},
                "options": options.model_dump(mode="json"),
            }
        ],
    )
    row = next(line for line in format_table(summary).splitlines() if "span" in line)
    assert f"{scores['span']['mIoU']:.1f}" in row


def test_a_stream_that_a_system_needs_and_a_dataset_lacks_is_refused_by_its_key() -> None:
    # IMG reads sound, the dataset has none.
    datasets, variants = {"toy": dataset(model={})}, {"img": Variant(description="IMG")}
    with pytest.raises(ValueError, match=r"streams.*audio"):
        resolve(datasets, variants, "toy", "img")
    assert (
        resolve({"toy": dataset()}, {"tiny": Variant(description="tiny")}, "toy", "tiny").model.kind == "tiny"
    )


def test_an_unknown_system_is_refused_by_its_key() -> None:
    with pytest.raises(ValueError, match=r"kind: expected one of \[.*'img', .*'tiny'\], found 'other'"):
        resolve({"toy": dataset(model={"kind": "other"})}, {"x": Variant(description="")}, "toy", "x")


def test_the_code_of_the_second_system_is_its_own_and_the_loops() -> None:
    code = list_code(KIND, ["moment"])
    assert {"tiny_system", "img.runs.training", "img.models.protocol"} <= set(code)
    assert not any(name.startswith("img.models.img") for name in code)
