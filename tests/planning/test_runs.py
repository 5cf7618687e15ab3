import json
from pathlib import Path

from planning import runs


def test_a_run_leaves_weights_for_each_split_that_it_chooses_an_epoch_on(project):
    run = Path("results/charades/runs/img/seed0")
    assert runs.list_best_weights(project, "charades", "img", "0") == [
        run / "best_on_test.safetensors",
        run / "best_on_audiomatter.safetensors",
    ]


def test_metrics_of_every_variant_and_seed_are_compared(read):
    project = read({"demo": {"variants": ["img", "visual_only"], "seeds": [3, 4]}})
    assert runs.list_metrics(project, "demo") == [
        f"results/demo/runs/{variant}/seed{seed}/metrics.json"
        for variant in ("img", "visual_only")
        for seed in (3, 4)
    ]


def test_runs_of_data_that_nobody_has_are_left_out(read):
    project = read({"demo": {"seeds": [0, 1]}})
    pairs = [("charades_clip", "img"), ("demo", "img")]
    assert runs.list_available(project, pairs, "metrics.json") == [
        "results/demo/runs/img/seed0/metrics.json",
        "results/demo/runs/img/seed1/metrics.json",
    ]


def test_options_are_the_datasets_with_the_variants_changes(read):
    project = read({"demo": {"model": {"width": 16, "heads": 2}}})
    options = json.loads(runs.write_options(project, "demo", "img"))
    assert options["model"]["width"] == 16
    assert options["selection_split"] == "test"


def test_without_a_target_the_configured_datasets_are_made(read):
    project = read(datasets=["demo"])
    assert runs.list_configured_metrics(project) == ["results/demo/metrics.json"]
    assert runs.list_configured_inputs(project) == [
        "results/demo/inputs/i3d+pann/features.safetensors",
        "results/demo/inputs/i3d+pann/index.json",
    ]


def test_titles_say_what_is_simulated(project):
    assert runs.write_history_title(project, "charades", "img", "0") == "charades, img, seed 0"
    assert runs.write_history_title(project, "demo", "img", "0") == "demo (simulated data), img, seed 0"
