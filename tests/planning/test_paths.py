from planning import paths


def test_results_lie_where_the_rules_put_them():
    assert paths.name_manifest("demo", "i3d", "007") == "results/demo/features/i3d/shards/007.tsv"
    assert paths.name_run("demo", "img", 3) == "results/demo/runs/img/seed3"
    inputs = paths.name_input_folder("demo", "i3d+pann")
    assert inputs == "results/demo/inputs/i3d+pann"
    assert paths.name_indexed_features(inputs) == {
        "features": "results/demo/inputs/i3d+pann/features.safetensors",
        "index": "results/demo/inputs/i3d+pann/index.json",
    }
