"""On the real DAG: what a change of options, variants and evaluation trains again."""

import json

import pytest
from test_planning import planned_jobs

pytestmark = [pytest.mark.workflow, pytest.mark.slow]

METRICS = "results/small/metrics.json"
WEIGHTS = "results/small/runs/img/seed0/last.safetensors"


def test_a_changed_training_option_leaves_features_alone(project):
    project.edit({"training.epochs": 2})
    planned = planned_jobs(project.snakemake("--dry-run", "--", METRICS))
    assert set(planned) == {"train", "evaluate", "summarise"}
    project.edit({"training.epochs": 3})
    assert project.snakemake("--dry-run", "--", METRICS).did_nothing


def test_variants_and_options_of_inference_alone_train_nothing(project):
    project.edit({"variants": ["img", "importance_0"]})
    assert project.make().jobs == {"train": 1, "best_weights": 1, "evaluate": 1, "summarise": 1}
    assert "restored from the store" in project.log("train/small/importance_0/*.log")
    variants = json.loads(project.path(METRICS).read_text())["variants"]
    assert [found["mean_importance"]["last"]["test"]["mean"] == 0 for found in variants.values()] == [
        False,
        True,
    ]
    project.edit({"inference.answers": 2})
    assert project.make().jobs == {"evaluate": 2, "summarise": 1}
    fusion = json.loads(project.path(METRICS).read_text())["variants"]["img"]["protocols"]["last"]["test"][
        "fusion"
    ]
    assert {"R1@0.7", "R2@0.7"} <= set(fusion)


def test_train_can_be_asked_for_again_and_really_again(project):
    outcome = project.snakemake("-R", "train", "--", WEIGHTS)
    assert outcome.status == 0, outcome.output
    assert outcome.jobs["train"] == 1
    assert "restored from the store" in project.log("train/**/*.log")
    weights = project.path(WEIGHTS).read_bytes()
    assert project.make(WEIGHTS, "-R", "train", "--config", "fresh=true").jobs["train"] == 1
    assert ": trained;" in project.log("train/**/*.log")
    assert project.path(WEIGHTS).read_bytes() == weights
    assert project.snakemake("--dry-run", "--", WEIGHTS).did_nothing
