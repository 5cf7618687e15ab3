"""Recorded outputs of the stages whose code version Snakemake compares.

Where a test here fails, a stage's result has changed, and old results would silently be kept. If it is meant:
raise its version in `img/config/` and record the new values, which the failure shows.
"""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from feature_folders import heard_seconds, seen_seconds, write_features
from toy_dataset import Toy, small_options

from extractors.storage.files import read_json, sha256_of_json, write_json
from extractors.storage.store import Store
from img.config.dataset import INPUTS_VERSION, QUERIES_VERSION, InputOptions
from img.config.runs import EVALUATION_VERSION, InferenceOptions
from img.data.clips.assembly import assemble
from img.data.clips.inputs import Inputs
from img.data.text.queries import read_queries_table
from img.data.text.vocabulary import read_vectors
from img.models.checkpoint import build_system, save_checkpoint
from img.models.sizes import Sizes
from img.runs.evaluation import evaluate_run
from img.runs.opening import open_run
from img.tasks.moment import MomentRetrieval

SPLIT, VIDEO_CLIPS, LONGEST = "train", {"a": 13, "b": 5}, 8


def test_queries_are_those_recorded_for_their_version(toy: Toy) -> None:
    table = read_queries_table(toy.queries)
    vocabulary = json.loads((toy.queries / "vocabulary.json").read_text())
    content = sha256_of_json([json.loads(table.to_json(orient="records")), vocabulary])
    found = read_vectors(toy.queries / "vectors.bin")
    vectors = float(sum(np.abs(found[word]).sum() for word in toy.vocabulary.words))
    assert (QUERIES_VERSION, content[:16], vectors) == (
        3,
        "414674004e04bfce",
        pytest.approx(9.20714, rel=1e-5),
    )


def test_inputs_are_those_recorded_for_their_version(tmp_path: Path) -> None:
    store = Store(tmp_path / "store")
    rng = np.random.default_rng(0)
    visual = {video: rng.random((clips, 3), np.float32) for video, clips in VIDEO_CLIPS.items()}
    audio = {video: rng.random((2 * clips, 2), np.float32) for video, clips in VIDEO_CLIPS.items()}
    streams = {
        "visual": write_features(tmp_path / "v", store, visual),
        "audio": write_features(tmp_path / "a", store, audio),
    }
    queries = pd.DataFrame({"video": list(VIDEO_CLIPS), "split": SPLIT, "fault": ""})
    options = InputOptions(max_clips=LONGEST, standardise=True)
    assemble(queries, streams, options, store, tmp_path / "inputs")
    inputs = Inputs.load(tmp_path / "inputs")
    weights = torch.arange(1, inputs.streams["visual"].shape[0] + 1)[:, None]
    found = [float((weights * inputs.streams[name].abs()).sum()) for name in ("visual", "audio")]
    assert (INPUTS_VERSION, found) == (3, pytest.approx([239.645, 166.006], rel=1e-4))


@pytest.mark.parametrize(
    ("standardise", "content"),
    [(True, "fac8ca423eb7ffb6"), (False, "19a34edde38d9cb4")],
    ids=["standardised", "as extracted"],
)
def test_inputs_of_the_demo_are_recorded_to_the_last_bit(
    tmp_path: Path, standardise: bool, content: str
) -> None:
    """Rows at the demo's rates, on videos whose sound ends with them or within a row before or after.

    Also on one without sound. What aligns streams must not touch these.
    """
    seconds = {
        "a": (12.0, 12.0),
        "b": (19.75, 19.8),
        "c": (13.25, 12.75),
        "d": (15.0, 15.75),
        "e": (14.0, 0.0),
    }
    seen = {video: seen_seconds(end) for video, (end, _) in seconds.items()}
    heard = {video: heard_seconds(end) for video, (_, end) in seconds.items() if end}
    rng = np.random.default_rng(1)
    visual = {video: rng.random((len(rows), 5), np.float32) for video, rows in seen.items()}
    audio = {video: rng.random((len(rows), 4), np.float32) for video, rows in heard.items()}
    store = Store(tmp_path / "store")
    streams = {
        "visual": write_features(tmp_path / "v", store, visual, row_seconds=seen),
        "audio": write_features(tmp_path / "a", store, {**audio, "e": "no_audio"}, row_seconds=heard),
    }
    queries = pd.DataFrame({"video": list(seconds), "split": ["train"] * 3 + ["test"] * 2, "fault": ""})
    assemble(
        queries, streams, InputOptions(max_clips=16, standardise=standardise), store, tmp_path / "inputs"
    )
    assert read_json(tmp_path / "inputs" / "index.json")["content_sha256"][:16] == content


def test_metrics_are_those_recorded_for_their_version(toy: Toy, tmp_path: Path) -> None:
    sizes = Sizes({"visual": 4, "audio": 3}, len(toy.vocabulary.words), 8, toy.vocabulary.character_count)
    torch.manual_seed(0)
    model = build_system(small_options().model, sizes)
    for protocol in ("last", "best_on_test"):
        save_checkpoint(tmp_path / f"{protocol}.safetensors", model.state_dict(), model.options, sizes)
    write_json(tmp_path / "options.json", small_options().model_dump(mode="json"))
    toy.vocabulary.save(tmp_path / "vocabulary.json")
    splits, out = toy.splits("train", train=1), tmp_path / "predictions.parquet"
    report = evaluate_run(open_run(tmp_path), splits, "cpu", InferenceOptions(answers=1), out)
    scores = pd.read_parquet(out)["score"].mean()
    constant = MomentRetrieval().best_constant(toy.moments("train"))["mIoU"]
    found = [report["protocols"]["last"]["train"]["fusion"]["mIoU"], constant, scores]
    assert (EVALUATION_VERSION, found) == (2, pytest.approx([22.0, 100 / 3, 0.0583716], rel=1e-3))
