"""What inputs are assembled from, and what they are called."""

import json
import re

import pytest
from planning import features, patterns, runs

SEVERAL = {
    "streams": {
        "visual": {"extractors": ["i3d", "r50"], "merge": "bring_to_last"},
        "audio": {"extractors": "vggish", "align": "share"},
        "more": "pann",
    },
    "extractors": {
        "i3d": {"kind": "i3d", "weights": "random"},
        "r50": {"kind": "i3d_r50", "weights": "random"},
        "vggish": {"kind": "vggish", "weights": "random", "pca": "pca.npz"},
        "pann": {"kind": "pann", "weights": "random"},
    },
    "paper": None,
}


def test_inputs_are_called_after_the_extractors_of_the_streams(project, read):
    assert runs.find_inputs(project, "demo")["index"] == "results/demo/inputs/i3d+pann/index.json"
    several = read({"demo": SEVERAL})
    assert runs.find_inputs(several, "demo")["index"] == (
        "results/demo/inputs/i3d,r50+vggish+pann/index.json"
    )
    assert re.fullmatch(patterns.match_streams(several), "i3d,r50+vggish+pann")
    assert not re.fullmatch(patterns.match_streams(several), "i3d,r50")


def test_inputs_are_assembled_from_the_manifests_of_all_extractors(read):
    project = read({"demo": {**SEVERAL, "shards": 1}})
    assert features.list_input_manifests(project, "demo", "i3d,r50+vggish+pann") == [
        f"results/demo/features/{name}/shards/000.tsv" for name in ("i3d", "r50", "vggish", "pann")
    ]
    message = r"results/demo/inputs/i3d\+pann: expected i3d,r50\+vggish\+pann, the extractors that streams of"
    with pytest.raises(ValueError, match=message):
        features.list_input_manifests(project, "demo", "i3d+pann")


def test_each_stream_is_told_of_in_order_with_its_rules_and_scales(read):
    words = features.list_stream_options(read({"demo": SEVERAL}), "demo")
    assert words[::2] == ["--stream"] * 3
    assert [json.loads(word) for word in words[1::2]] == [
        {
            "name": "visual",
            "parts": [
                {"folder": "results/demo/features/i3d", "scale": 1.0, "texts": None},
                {"folder": "results/demo/features/r50", "scale": 1.0, "texts": None},
            ],
            "align": "seconds",
            "merge": "bring_to_last",
            "normalise": "none",
        },
        {
            "name": "audio",
            "parts": [{"folder": "results/demo/features/vggish", "scale": 1 / 255, "texts": None}],
            "align": "share",
            "merge": "cut_to_shortest",
            "normalise": "none",
        },
        {
            "name": "more",
            "parts": [{"folder": "results/demo/features/pann", "scale": 1.0, "texts": None}],
            "align": "seconds",
            "merge": "cut_to_shortest",
            "normalise": "none",
        },
    ]
