"""Pictures of single queries for any dataset's run, and the pages of its report."""

import re

import pytest
from planning import pages, patterns, timelines

NAME = "timelines_img_seed2"


def test_any_dataset_has_pictures_of_any_of_its_runs(project):
    assert project.datasets["charades"].paper is None
    scope = "charades/"
    assert re.fullmatch(patterns.match_timelines(project), NAME)
    assert re.fullmatch(patterns.match_timeline_scope(project), scope)
    run = "results/charades/runs/img/seed2"
    assert timelines.find_predictions(project, scope, NAME) == f"{run}/predictions.parquet"
    assert timelines.find_checkpoint(project, scope, NAME) == f"{run}/last.safetensors"
    assert timelines.find_videos(project, scope, NAME) == "results/charades/videos.tsv"
    assert timelines.find_queries(project, scope, NAME) == "results/charades/queries/queries.parquet"
    assert timelines.find_split(project, scope, NAME) == "test"
    assert timelines.write_choice(project, scope, NAME) == "--best 1 --worst 1"
    assert timelines.find_caption(project, scope, NAME).startswith("charades, img, seed 2: ")
    assert timelines.write_simulated_option(project, scope, NAME) == ""
    assert timelines.write_simulated_option(project, "demo/", NAME) == "--simulated demo"


def test_they_are_of_the_split_that_selects(project):
    assert timelines.find_split(project, "activitynet/", "timelines_img_seed0") == "val_1"


@pytest.mark.parametrize(("scope", "figure"), [("", NAME), ("charades/", "figure99")])
def test_another_name_is_refused_in_words(project, scope, figure):
    with pytest.raises(ValueError, match=r"expected one of figure6, .* or timelines_\{variant\}"):
        timelines.find_shown(project, scope, figure)


def test_a_report_shows_the_first_seed_of_each_variant(project):
    variants = project.datasets["demo"].variants
    found = pages.list_report(project, "demo")
    assert found[:4] == [
        "results/demo/coverage.tsv",
        "results/demo/provenance.md",
        "results/demo/metrics.json",
        "results/demo/runtime.md",
    ]
    assert found[4:] == [
        f"results/demo/figures/{kind}_{variant}_seed0.png"
        for kind in ("history", "timelines")
        for variant in variants
    ]
    assert pages.write_simulated_option(project, "demo") == "--simulated"
