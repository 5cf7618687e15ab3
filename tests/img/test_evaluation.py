import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from coverage_tables import AS_ANNOTATED
from toy_dataset import CLIPS, SECONDS, SILENT, Toy, small_options

from img.__main__ import main
from img.config.runs import InferenceOptions
from img.data.clips.inputs import Inputs
from img.data.samples import Moments
from img.data.text.queries import read_queries_table
from img.models.checkpoint import build_system, load_checkpoint, save_checkpoint
from img.models.protocol import Answers, Batch, Progress, System
from img.models.sizes import Sizes
from img.runs.evaluation import evaluate_run
from img.runs.opening import open_run
from img.runs.prediction import predict
from img.tasks.moment import MomentRetrieval

BRANCHES = ("fusion", "visual", "audio", "auto")
PROTOCOLS = ("last", "best_on_test")
ONE, THREE = InferenceOptions(answers=1), InferenceOptions(answers=3, nms_threshold=0.5)


@pytest.fixture(scope="module")
def evaluated(
    toy: Toy, trained: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Any, Any, pd.DataFrame]:
    """Metrics, mean importance and the predictions."""
    out = tmp_path_factory.mktemp("evaluated") / "predictions.parquet"
    found = evaluate_run(open_run(trained), toy.splits("test", "train"), "cpu", THREE, out)
    return found["protocols"], found["mean_importance"], pd.read_parquet(out)


def test_every_query_has_an_answer_of_every_branch_in_both_protocols(
    evaluated: tuple[Any, Any, pd.DataFrame],
) -> None:
    predictions = evaluated[2]
    assert list(predictions.columns) == [
        *(
            "query",
            "video",
            "branch",
            "rank",
            "start",
            "end",
            "score",
            "iou",
            "annotated_start",
            "annotated_end",
            "duration",
            "sentence",
            "importance",
            "protocol",
            "split",
        ),
    ]
    assert predictions["rank"].isin([1, 2, 3]).all()
    best = predictions[predictions["rank"] == 1]
    counts = best.groupby(["protocol", "split", "branch"])["query"].agg(["size", "nunique"])
    assert set(counts.index) == {
        (protocol, split, branch)
        for protocol in PROTOCOLS
        for split in ("test", "train")
        for branch in BRANCHES
    }
    assert all((counts.loc[key] == (8 if key[1] == "test" else 24)).all() for key in counts.index)


def test_answers_are_spans_of_whole_clips_with_probabilities(
    evaluated: tuple[Any, Any, pd.DataFrame],
) -> None:
    predictions = evaluated[2]
    clip = SECONDS / CLIPS
    first, after = predictions["start"] / clip, predictions["end"] / clip
    np.testing.assert_allclose(first, first.round())
    np.testing.assert_allclose(after, after.round())
    assert ((first >= 0) & (first < after) & (after <= CLIPS)).all()
    assert predictions["score"].between(0, 1).all()
    assert predictions["importance"].between(0, 1).all()


def test_overlaps_are_those_of_the_annotated_moments(
    toy: Toy, evaluated: tuple[Any, Any, pd.DataFrame]
) -> None:
    table = pd.read_parquet(toy.queries / "queries.parquet").set_index("query")
    for row in evaluated[2].itertuples():
        start, end = table.loc[row.query, ["start", "end"]]
        overlap = max(0.0, min(end, row.end) - max(start, row.start))
        assert row.iou == pytest.approx(overlap / (max(end, row.end) - min(start, row.start)))


def test_metrics_are_those_of_the_predictions(evaluated: tuple[Any, Any, pd.DataFrame]) -> None:
    metrics, importance, predictions = evaluated
    rows = predictions.to_dict("records")
    for protocol in PROTOCOLS:
        for split in ("test", "train"):
            for branch in BRANCHES:
                chosen = [
                    row
                    for row in rows
                    if (row["protocol"], row["split"], row["branch"]) == (protocol, split, branch)
                ]
                ious = [row["iou"] for row in chosen if row["rank"] == 1]
                expected = {
                    f"R1@{m}": 100 * sum(iou >= m for iou in ious) / len(ious) for m in (0.3, 0.5, 0.7)
                }
                expected["mIoU"] = 100 * sum(ious) / len(ious)
                best = {
                    row["query"]: max(other["iou"] for other in chosen if other["query"] == row["query"])
                    for row in chosen
                }
                for m in (0.3, 0.5, 0.7):
                    expected[f"R3@{m}"] = 100 * sum(iou >= m for iou in best.values()) / len(ious)
                assert metrics[protocol][split][branch] == pytest.approx(expected)
                audible = [
                    row["importance"] for row in chosen if row["rank"] == 1 and row["video"] not in SILENT
                ]
                mean = sum(audible) / len(audible)
                assert importance[protocol][split] == pytest.approx(mean)
    assert list(metrics) == ["last", "best_on_test"]
    assert list(metrics["last"]["test"]) == list(BRANCHES)


def test_auto_is_visual_where_there_is_no_sound_and_fusion_elsewhere(
    evaluated: tuple[Any, Any, pd.DataFrame],
) -> None:
    predictions = evaluated[2].query("rank == 1").set_index(["protocol", "split", "query", "branch"])
    answers = predictions[["start", "end", "score", "iou"]].unstack("branch")
    silent = predictions["video"].unstack("branch")["auto"].isin(SILENT).to_numpy()
    assert 0 < silent.sum() < len(silent)
    for name in ("start", "end", "score", "iou"):
        expected = np.where(silent, answers[name]["visual"], answers[name]["fusion"])
        np.testing.assert_array_equal(answers[name]["auto"], expected)
    assert not np.array_equal(answers["score"]["visual"], answers["score"]["fusion"])


def test_each_protocol_uses_its_own_weights(toy: Toy, trained: Path, tmp_path: Path) -> None:
    for name in ("last.safetensors", "options.json", "vocabulary.json"):
        shutil.copyfile(trained / name, tmp_path / name)
    sizes = Sizes({"visual": 4, "audio": 3}, len(toy.vocabulary.words), 8, toy.vocabulary.character_count)
    untrained = build_system(small_options().model, sizes)
    save_checkpoint(tmp_path / "best_on_test.safetensors", untrained.state_dict(), untrained.options, sizes)
    out = tmp_path / "predictions.parquet"
    evaluate_run(open_run(tmp_path), toy.splits("test"), "cpu", ONE, out)
    predictions = pd.read_parquet(tmp_path / "predictions.parquet").set_index("protocol")
    for protocol in PROTOCOLS:
        model = load_checkpoint(tmp_path / f"{protocol}.safetensors")
        alone = predict(model, toy.moments("test"), 8, "cpu", ONE)
        np.testing.assert_array_equal(predictions.loc[protocol, "score"], alone["score"])
    assert not np.array_equal(predictions.loc["last", "score"], predictions.loc["best_on_test", "score"])


def test_without_sound_auto_is_visual_and_importance_zero(toy: Toy, trained: Path) -> None:
    model = load_checkpoint(trained / "last.safetensors")
    predictions = predict(model, toy.moments("test", sound=False), 16, "cpu", ONE).set_index("branch")
    pd.testing.assert_frame_equal(
        predictions.loc["auto"].reset_index(drop=True), predictions.loc["visual"].reset_index(drop=True)
    )
    assert (predictions["importance"] == 0).all()


def test_answers_do_not_depend_on_the_batch_nor_on_the_order(
    toy: Toy, trained: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = load_checkpoint(trained / "last.safetensors")
    keys = ["query", "branch", "rank"]
    alone, seven, together = (
        predict(model, toy.moments("test"), size, "cpu", THREE).set_index(keys) for size in (1, 7, 16)
    )
    table = read_queries_table(toy.queries).sample(frac=1, random_state=0)
    moments = Moments(table, "test", Inputs.load(toy.inputs), toy.vocabulary)
    shuffled = predict(model, moments, 3, "cpu", THREE).set_index(keys)
    assert list(shuffled.index) != list(alone.index)
    for other in (seven, together, shuffled.loc[alone.index]):
        np.testing.assert_array_equal(
            other[["video", "start", "end", "iou"]], alone[["video", "start", "end", "iou"]]
        )
        np.testing.assert_allclose(
            other[["score", "importance"]], alone[["score", "importance"]], rtol=0, atol=1e-5
        )


def test_further_answers_leave_the_first_as_it_is_and_fall_in_probability(toy: Toy, trained: Path) -> None:
    model = load_checkpoint(trained / "last.safetensors")
    one, three = (predict(model, toy.moments("test"), 8, "cpu", options) for options in (ONE, THREE))
    first = three[three["rank"] == 1].reset_index(drop=True)
    pd.testing.assert_frame_equal(first, one)
    scores = three.pivot(index=["branch", "query"], columns="rank", values="score").to_numpy()
    assert scores.shape == (4 * 8, 3)
    assert (np.diff(scores) <= 0).all()


def test_a_video_has_no_more_answers_than_spans(toy: Toy, trained: Path) -> None:
    options = InferenceOptions(answers=40, nms_threshold=1.0)
    predictions = predict(
        load_checkpoint(trained / "last.safetensors"), toy.moments("test"), 8, "cpu", options
    )
    # 8 clips have 36 spans.
    assert (predictions.groupby(["branch", "query"])["rank"].max() == 36).all()
    assert not predictions.duplicated(["branch", "query", "start", "end"]).any()


def test_a_forced_importance_takes_the_place_of_the_predicted_one_where_there_is_sound(
    toy: Toy, trained: Path
) -> None:
    model = load_checkpoint(trained / "last.safetensors")
    answers = {
        p: predict(model, toy.moments("test"), 8, "cpu", InferenceOptions(answers=1, importance=p))
        for p in (0.0, 0.25, None)
    }
    silent = answers[None]["video"].isin(SILENT).to_numpy()
    assert (answers[0.0]["importance"] == 0).all()
    np.testing.assert_array_equal(answers[0.25]["importance"], np.where(silent, 0, 0.25))
    scores = {p: found.set_index("branch")["score"] for p, found in answers.items()}
    assert not np.allclose(scores[0.0]["fusion"], scores[0.25]["fusion"], rtol=1e-4)
    np.testing.assert_array_equal(scores[0.0]["visual"], scores[None]["visual"])


def test_missed_queries_have_an_overlap_of_nothing_in_every_metric() -> None:
    predictions = pd.DataFrame(
        {"query": [1, 2, 1], "branch": ["fusion", "fusion", "audio"], "rank": 1, "iou": [0.8, 0.4, 0.6]}
    )
    metrics = MomentRetrieval().score(predictions, missed=2)
    # Of four queries of the fusion branch two are answered; of three of the audio branch one.
    assert metrics["fusion"] == pytest.approx({"R1@0.3": 50, "R1@0.5": 25, "R1@0.7": 25, "mIoU": 30})
    assert metrics["audio"] == pytest.approx({"R1@0.3": 100 / 3, "R1@0.5": 100 / 3, "R1@0.7": 0, "mIoU": 20})


def test_missed_queries_lower_every_protocol_branch_and_the_best_constant_alike(
    toy: Toy, trained: Path, evaluated: tuple[Any, Any, pd.DataFrame], tmp_path: Path
) -> None:
    splits = toy.splits("test", "train", test=2)
    # 8 test queries and 2 more: four fifths of everything. None more in train: nothing changes.
    report = evaluate_run(open_run(trained), splits, "cpu", THREE, tmp_path / "predictions.parquet")
    counted = report["protocols"]
    for protocol, found in evaluated[0].items():
        for branch, scores in found["test"].items():
            lower = {name: 0.8 * value for name, value in scores.items()}
            assert counted[protocol]["test"][branch] == pytest.approx(lower)
        assert counted[protocol]["train"] == found["train"]
    constant = {split: MomentRetrieval().best_constant(toy.moments(split)) for split in ("test", "train")}
    lowered = report["best_constant"]
    assert lowered["test"] == pytest.approx({name: 0.8 * value for name, value in constant["test"].items()})
    assert lowered["train"] == constant["train"]
    assert len(pd.read_parquet(tmp_path / "predictions.parquet")) == len(evaluated[2])


def test_the_commands_train_evaluate_and_summarise(
    toy: Toy, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root = toy.queries.parent
    options = tmp_path / "options.json"
    options.write_text(small_options({"epochs": 1, "sound": False}).model_dump_json())
    common = ["--queries", str(toy.queries)]
    told = [
        json.dumps({"name": name, "parts": [{"folder": str(root / name)}]}) for name in ("visual", "audio")
    ]
    shards = ["--stream", told[0], "--stream", told[1], "--shards", "000"]
    store, out = str(tmp_path / "store"), str(tmp_path / "run")
    train = ["train", "--options", str(options), *common, "--inputs", str(toy.inputs), "--seed", "3"]
    evaluate = [
        "evaluate",
        *common,
        "--inputs",
        str(toy.inputs),
        "--coverage",
        str(tmp_path / "coverage.tsv"),
    ]
    variant = ["--dataset", "toy", "--variant", "mute", "--description", "no sound"]
    (tmp_path / "videos.tsv").write_text("video\tshard\tpath\tothers\n")
    commands = [
        [
            "report-coverage",
            *common,
            *shards,
            "--videos",
            str(tmp_path / "videos.tsv"),
            "--out",
            str(tmp_path / "coverage.tsv"),
        ],
        [*train, "--store", store, "--out", out],
        [*train, "--store", store, "--out", out],
        [*evaluate, "--run", out, *variant, "--inference", '{"answers": 2}'],
        [
            "summarise",
            "--dataset",
            "toy",
            "--settings",
            str(Path(__file__).parents[2] / "config" / "datasets" / "demo.yaml"),
            "--runs",
            f"{out}/metrics.json",
            "--out",
            str(tmp_path / "all.json"),
        ],
        ["show", str(tmp_path / "all.json")],
        [
            "plot-history",
            "--history",
            f"{out}/history.csv",
            "--title",
            "toy",
            "--out",
            str(tmp_path / "plot.png"),
        ],
    ]
    for command in commands:
        assert main(command) == 0
    printed = capsys.readouterr()
    assert "train: trained; run:" in printed.err
    assert "train: restored from the store; run:" in printed.err
    assert "test: 8 of 8 queries used" in printed.out
    metrics = json.loads((tmp_path / "run" / "metrics.json").read_text())
    assert (metrics["variant"], metrics["description"], metrics["seed"]) == ("mute", "no sound", 3)
    assert metrics["coverage"]["test"] == {
        "videos": 4,
        "videos_used": 4,
        "queries": 8,
        "used": 8,
        "without_sound": 2,
        "share_heard": None,
        "left_out": {},
        **AS_ANNOTATED,
    }
    # The run was trained without sound, so it is evaluated without.
    assert metrics["mean_importance"] == {"last": {"test": None}, "best_on_test": {"test": None}}
    last = metrics["protocols"]["last"]["test"]
    assert last["auto"] == last["visual"]
    assert {"R1@0.7", "R2@0.7", "mIoU"} <= set(last["auto"])
    assert metrics["options"]["inference"]["answers"] == 2
    summary = json.loads((tmp_path / "all.json").read_text())
    assert summary["variants"]["mute"]["protocols"]["last"]["test"]["fusion"]["mIoU"]["values"] == [
        last["fusion"]["mIoU"]
    ]
    assert (tmp_path / "plot.png").read_bytes().startswith(b"\x89PNG")


def test_a_commands_error_is_a_line_and_a_status(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["show", str(tmp_path / "none.json")]) == 1
    message = capsys.readouterr().err
    assert message.startswith("error: ")
    assert "none.json" in message


class OneBranch(System):
    """A trained model of which only one branch is left."""

    def __init__(self, model: System, branch: str) -> None:
        super().__init__()
        self.branches = (branch,)
        self._model = model

    def losses(self, batch: Batch, progress: Progress) -> dict[str, torch.Tensor]:
        return self._model.losses(batch, progress)

    def answer(self, batch: Batch, options: InferenceOptions) -> Answers:
        answers = self._model.answer(batch, options)
        return replace(answers, spans={name: answers.spans[name] for name in self.branches})


@pytest.mark.parametrize("branch", ["visual", "audio"])
def test_a_model_of_one_branch_answers_auto_by_it(toy: Toy, trained: Path, branch: str) -> None:
    model = load_checkpoint(trained / "last.safetensors")
    found = predict(OneBranch(model, branch), toy.moments("test"), 8, "cpu", ONE).set_index("branch")
    assert list(dict.fromkeys(found.index)) == [branch, "auto"]
    expected = predict(model, toy.moments("test"), 8, "cpu", ONE).set_index("branch").loc[branch]
    for name in (branch, "auto"):
        pd.testing.assert_frame_equal(found.loc[name].reset_index(drop=True), expected.reset_index(drop=True))
