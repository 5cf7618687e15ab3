"""EMB as a variant of a dataset: its options, and a run from training to metrics."""

from pathlib import Path

import pandas as pd
import pytest
from toy_dataset import Toy, make_toy

from extractors.storage.store import Store
from img.config.base import check
from img.config.dataset import Dataset
from img.config.runs import InferenceOptions
from img.config.variants import Variant, resolve
from img.models.emb.options import EmbOptions
from img.models.img.options import ImgOptions
from img.models.registry import SYSTEMS
from img.runs.evaluation import evaluate_run
from img.runs.making import make_run
from img.runs.opening import open_run
from img.runs.run_code import list_code

SMALL = {"width": 16, "heads": 2, "dropout": 0.0, "proposal_block": 2}


def dataset(**changes: object) -> Dataset:
    values = {
        "annotations": {
            "format": "activitynet_captions",
            "splits": {"train": "train.json", "test": "test.json"},
        },
        "videos": "videos",
        "extractors": {"i3d": {"kind": "i3d", "weights": "random"}},
        "streams": {"visual": "i3d"},
        "inputs": {"max_clips": 8},
        "training": {"epochs": 12, "batch_size": 8, "learning_rate": 0.01},
        **changes,
    }
    return check(Dataset, values, "config/datasets/toy.yaml")


def test_a_variant_of_another_system_leaves_the_options_of_the_datasets_own() -> None:
    datasets = {"toy": dataset(model={"eps_min": 0.1, "modalities": "visual"})}
    variants = {
        "emb": Variant(description="", model={"kind": "emb", "preset": "reference"}),
        "img": Variant(description="", model={"slots": 4}),
    }
    emb = resolve(datasets, variants, "toy", "emb").model
    assert isinstance(emb, EmbOptions)
    assert (emb.preset, emb.max_clips) == ("reference", 8)
    own = resolve(datasets, variants, "toy", "img").model
    assert isinstance(own, ImgOptions)
    assert (own.eps_min, own.slots) == (0.1, 4)


@pytest.mark.slow
def test_a_run_learns_where_the_colours_are(toy: Toy, tmp_path: Path) -> None:
    variant = Variant(description="", model={"kind": "emb", **SMALL})
    options = resolve({"toy": dataset()}, {"emb": variant}, "toy", "emb")
    folder, _ = make_run(toy.data(), options, 0, Store(tmp_path / "store"), "cpu", False)
    out = tmp_path / "predictions.parquet"
    found = evaluate_run(open_run(folder), toy.splits("test"), "cpu", InferenceOptions(answers=1), out)
    predictions = pd.read_parquet(out)
    assert set(predictions["branch"]) == {"visual", "auto"}
    history = pd.read_csv(folder / "history.csv")
    assert {"loss_location", "loss_highlight", "loss_ranking"} <= set(history)
    assert history["loss_total"].iloc[-1] < history["loss_total"].iloc[0]
    scores = found["protocols"]["last"]["test"]["visual"]
    # Chance is about 17: spans of a quarter of the video, anywhere.
    assert scores["mIoU"] > 50
    assert scores["mIoU"] == pytest.approx(
        100 * predictions.query("protocol == 'last' and branch == 'visual'")["iou"].mean()
    )


@pytest.mark.slow
def test_tea_answers_videos_without_narratives_by_their_clips(tmp_path: Path) -> None:
    toy = make_toy(tmp_path / "toy", second="narrative")
    variant = Variant(description="", model={"kind": "tea", **SMALL})
    streams = {"visual": "i3d", "narrative": "i3d"}
    options = resolve({"toy": dataset(streams=streams)}, {"tea": variant}, "toy", "tea")
    folder, _ = make_run(toy.data(), options, 0, Store(tmp_path / "store"), "cpu", False)
    out = tmp_path / "predictions.parquet"
    found = evaluate_run(open_run(folder), toy.splits("test"), "cpu", InferenceOptions(answers=1), out)
    predictions = pd.read_parquet(out).query("protocol == 'last'")
    assert set(predictions["branch"]) == {"fusion", "visual", "narrative", "auto"}
    assert found["protocols"]["last"]["test"]["fusion"]["mIoU"] > 50
    spans = predictions.pivot(index=["video", "query"], columns="branch", values=["start", "end"])
    silent = spans.loc["test1"]
    for side in ("start", "end"):
        assert silent[side, "fusion"].tolist() == silent[side, "visual"].tolist()
        assert silent[side, "auto"].tolist() == silent[side, "visual"].tolist()


def test_a_dataset_without_narratives_is_refused_to_tea() -> None:
    variants = {"tea": Variant(description="", model={"kind": "tea"})}
    with pytest.raises(ValueError, match=r"streams: expected narrative, which system tea of variant tea"):
        resolve({"toy": dataset()}, variants, "toy", "tea")


def test_the_code_of_a_run_is_embs_own() -> None:
    code = set(list_code(SYSTEMS["emb"], ["moment"]))
    assert {"img.models.emb.heads", "img.models.emb.losses", "img.models.blocks.attention"} <= code
    assert not any(name.startswith("img.models.img") for name in code)
