"""What the paper's tables and figures need, in the paper's own scope and in a dataset's."""

import json

import pytest
from planning import figures, paper, timelines


def test_a_scope_is_the_papers_datasets_or_one_that_stands_for_them(project):
    assert paper.find_stand_in(project, "", "charades").dataset == "charades"
    assert paper.find_stand_in(project, "demo/", "charades").dataset == "demo"
    assert (paper.name_scope(""), paper.name_scope("demo/")) == ("paper", "demo")
    assert paper.write_simulated_option(project, "demo/") == "--simulated demo"
    assert json.loads(paper.write_scope(project, "demo/"))["simulated"] == ["demo"]


def test_a_dataset_that_stands_for_nothing_of_a_table_is_told_of(project):
    with pytest.raises(
        ValueError, match=r"^demo: expected a dataset that stands for the paper's activitynet"
    ):
        paper.find_stand_in(project, "demo/", "activitynet")


def test_a_scope_makes_the_tables_its_dataset_asks_for(project):
    asked = project.datasets["demo"].paper
    assert asked is not None
    assert paper.list_numbers(project, "demo/") == asked.tables
    assert paper.list_numbers(project, "") == list(project.papers["img"].paper.tables)
    files = paper.list_contents(project, "demo/")
    assert files[: len(asked.tables)] == [f"results/demo/tables/table{number}.md" for number in asked.tables]
    assert "results/demo/tables/claims.md" in files
    assert {f"results/demo/figures/{figure}.png" for figure in asked.figures} <= set(files)
    assert "results/demo/coverage.tsv" in files


def test_the_papers_contents_hold_figures_of_data_that_can_be_had(project):
    files = paper.list_contents(project, "")
    assert "results/figures/figure9.png" in files
    # Nobody publishes ActivityNet's videos.
    assert not any(file.startswith("results/activitynet/") for file in files)


def test_a_table_is_made_of_the_runs_of_its_rows(project):
    metrics = paper.list_table_metrics(project, "demo/", "2")
    assert "results/demo/runs/img/seed0/metrics.json" in metrics
    assert len(metrics) == len(set(metrics))
    assert all(path.startswith("results/demo/runs/") for path in metrics)


def test_some_tables_hold_measurements(project):
    assert paper.list_measurements(project, "demo/", "12") == ["results/demo/statistics/table12.json"]
    assert paper.list_measurements(project, "", "2") == []
    assert paper.write_measurements_option("a b.json") == "--measurements 'a b.json'"
    assert paper.write_measurements_option("") == ""
    assert paper.find_activity_queries(project, "demo/") == "results/demo/queries/queries.parquet"


def test_a_figure_is_made_of_the_runs_of_its_variants(project):
    name, recipe = next(
        (name, figure) for name, figure in project.papers["img"].recipes.figures.items() if figure.curves
    )
    scope = "" if recipe.dataset == "activitynet" else "charades_simulated/"
    dataset = paper.find_stand_in(project, scope, recipe.dataset).dataset
    metrics = figures.list_metrics(project, scope, name)
    seeds = project.datasets[dataset].seeds
    assert metrics == [
        f"results/{dataset}/runs/{variant}/seed{seed}/metrics.json"
        for variant in recipe.all_variants
        for seed in seeds
    ]
    assert figures.find_caption(project, scope, name) == recipe.caption


def test_timelines_are_answered_by_the_first_seed(project):
    name = next(
        name
        for name, recipe in project.papers["img"].recipes.timelines.items()
        if recipe.dataset == "charades"
    )
    recipe = project.papers["img"].recipes.timelines[name]
    seed = project.datasets["demo"].seeds[0]
    run = f"results/demo/runs/{recipe.variant}/seed{seed}"
    assert timelines.find_predictions(project, "demo/", name) == f"{run}/predictions.parquet"
    assert timelines.find_checkpoint(project, "demo/", name) == f"{run}/last.safetensors"
    assert timelines.find_videos(project, "demo/", name) == "results/demo/videos.tsv"
    assert timelines.find_inputs(project, "demo/", name)["index"] == "results/demo/inputs/i3d+pann/index.json"
    assert timelines.write_choice(project, "demo/", name).startswith(
        f"--best {recipe.best} --worst {recipe.worst}"
    )
