"""Models without the default's parts, from training to metrics."""

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from toy_dataset import Toy, small_options

from extractors.storage.files import read_json
from extractors.storage.store import Store
from img.config.runs import InferenceOptions
from img.runs.evaluation import evaluate_run
from img.runs.making import make_run
from img.runs.opening import open_run

pytestmark = pytest.mark.slow


def train_and_evaluate(toy: Toy, folder: Path, **model: Any) -> tuple[Path, Any, Any, pd.DataFrame]:
    run, _ = make_run(toy.data(), small_options(**model), 0, Store(folder), "cpu", False)
    out = folder / "predictions.parquet"
    found = evaluate_run(open_run(run), toy.splits("test"), "cpu", InferenceOptions(answers=1), out)
    return run, found["protocols"], found["mean_importance"], pd.read_parquet(out)


def test_a_visual_model_is_selected_and_scored_by_the_branch_it_has(toy: Toy, tmp_path: Path) -> None:
    run, metrics, importance, predictions = train_and_evaluate(toy, tmp_path, modalities="visual")
    history = pd.read_csv(run / "history.csv")
    assert [name for name in history if name.startswith("loss_")] == [
        "loss_total",
        "loss_visual",
        "loss_saliency_visual",
    ]
    assert read_json(run / "options.json")["best_epoch"] == history["visual_R1@0.7"].argmax()
    for protocol in ("last", "best_on_test"):
        assert list(metrics[protocol]["test"]) == ["visual", "auto"]
        assert metrics[protocol]["test"]["visual"] == metrics[protocol]["test"]["auto"]
    assert predictions["importance"].isna().all()
    assert importance == {"last": {"test": None}, "best_on_test": {"test": None}}


@pytest.mark.parametrize(
    ("kind", "mean"), [("concatenation", None), ("addition", 0.5), ("similarity", ...), ("entropy", ...)]
)
def test_every_way_to_weigh_the_sound_is_trained_and_scored(
    toy: Toy, tmp_path: Path, kind: str, mean: Any
) -> None:
    _, metrics, importance, _ = train_and_evaluate(toy, tmp_path, fusion_weight=kind)
    assert list(metrics["last"]["test"]) == ["fusion", "visual", "audio", "auto"]
    found = importance["last"]["test"]
    assert found == mean if mean is not ... else 0 < found < 1
    json.dumps([metrics, importance], allow_nan=False)
