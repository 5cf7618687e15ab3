"""Recorded outputs of the stages whose code version Snakemake compares.

Where a test here fails, a stage's result has changed, and old results would silently be kept. If it is meant:
raise its version in `img/config/settings.py` and record the new values, which the failure shows.
"""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from feature_folders import write_features
from toy_dataset import Toy, make_toy, small_options

from extractors.storage.files import sha256_of_json
from extractors.storage.store import Store
from img.config.settings import (
    EVALUATION_VERSION,
    INPUTS_VERSION,
    QUERIES_VERSION,
    InferenceOptions,
    InputOptions,
)
from img.data.assembly import assemble
from img.data.inputs import Inputs
from img.data.queries import read_queries_table
from img.data.vocabulary import load_vectors
from img.models.checkpoint import Sizes, build_model, save_checkpoint
from img.runs.evaluation import constants, evaluate_run

SPLIT, VIDEO_CLIPS, LONGEST = "train", {"a": 13, "b": 5}, 8


@pytest.fixture(scope="module")
def toy(tmp_path_factory: pytest.TempPathFactory) -> Toy:
    return make_toy(tmp_path_factory.mktemp("toy"))


def test_queries_are_those_recorded_for_their_version(toy: Toy) -> None:
    table = read_queries_table(toy.queries)
    vocabulary = json.loads((toy.queries / "vocabulary.json").read_text())
    content = sha256_of_json([json.loads(table.to_json(orient="records")), vocabulary])
    vectors = float(np.abs(load_vectors(toy.queries / "vectors.bin", toy.vocabulary)).sum())
    assert (QUERIES_VERSION, content[:16], vectors) == (
        1,
        "5267d24a2305dc48",
        pytest.approx(9.20714, rel=1e-5),
    )


def test_inputs_are_those_recorded_for_their_version(tmp_path: Path) -> None:
    store = Store(tmp_path / "store")
    rng = np.random.default_rng(0)
    visual = {video: rng.random((clips, 3), np.float32) for video, clips in VIDEO_CLIPS.items()}
    audio = {video: rng.random((2 * clips, 2), np.float32) for video, clips in VIDEO_CLIPS.items()}
    folders = write_features(tmp_path / "v", store, visual), write_features(tmp_path / "a", store, audio)
    queries = pd.DataFrame({"video": list(VIDEO_CLIPS), "split": SPLIT, "fault": ""})
    options = InputOptions(max_clips=LONGEST, standardise=True)
    assemble(queries, *folders, options, store, tmp_path / "inputs")
    inputs = Inputs.load(tmp_path / "inputs")
    weights = torch.arange(1, inputs.visual.shape[0] + 1)[:, None]
    found = [float((weights * tensor.abs()).sum()) for tensor in (inputs.visual, inputs.audio)]
    assert (INPUTS_VERSION, found) == (1, pytest.approx([239.645, 166.006], rel=1e-4))


def test_metrics_are_those_recorded_for_their_version(toy: Toy, tmp_path: Path) -> None:
    sizes = Sizes(4, 3, len(toy.vocabulary.words), 8, toy.vocabulary.character_count)
    torch.manual_seed(0)
    model = build_model(small_options().model, sizes)
    for protocol in ("last", "best_on_test"):
        save_checkpoint(tmp_path / f"{protocol}.safetensors", model.state_dict(), model.options, sizes)
    splits = {"train": toy.moments("train")}
    options = InferenceOptions(answers=1)
    out = tmp_path / "predictions.parquet"
    metrics, _ = evaluate_run(
        tmp_path, ("last", "best_on_test"), splits, 8, "cpu", options, out, {"train": 1}
    )
    scores = pd.read_parquet(out)["score"].mean()
    found = [metrics["last"]["train"]["fusion"]["mIoU"], constants(splits)["train"]["mIoU"], scores]
    assert (EVALUATION_VERSION, found) == (1, pytest.approx([22.0, 100 / 3, 0.0583716], rel=1e-3))
