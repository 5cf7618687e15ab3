from typing import Any

import pytest

from img.runs.summary import format_table, summarise


def run(variant: str, seed: int, recall: float) -> dict[str, Any]:
    return {
        "variant": variant,
        "description": f"what {variant} is",
        "seed": seed,
        "best_epoch": 10 + seed,
        "device": "cpu",
        "libraries": {"torch": "2.11.0"},
        "versions": {"python": "3.11.7", "torch": "2.11.1"},
        "protocols": {"last": {"test": {"fusion": {"R1@0.7": recall, "mIoU": 2 * recall}}}},
        "mean_importance": {"last": {"test": recall / 100}},
        "best_constant": {"test": {"R1@0.7": 12.34, "mIoU": 20.0}},
        "evaluation": {"mode": "covered_queries", "scored": {"test": 7}, "counted_as_misses": {"test": 0}},
        "coverage": {"test": {"queries": 9, "used": 7, "without_sound": 1, "left_out": {"video missing": 2}}},
        "left_out": {"test": {"video missing": ["a"]}},
        "options": {"model": {"preset": "paper"}, "training": {}, "selection_split": "test"},
    }


RUNS = [run("img", 0, 10.0), run("mute", 0, 5.0), run("img", 1, 14.0), run("img", 2, 15.0)]


def test_numbers_are_means_and_sample_deviations_over_seeds() -> None:
    found = summarise("demo", {"simulated": True}, RUNS)["variants"]["img"]
    # Mean of 10, 14, 15: 13; squares of -3, 1, 2: 14; over two: 7.
    assert found["protocols"]["last"]["test"]["fusion"]["R1@0.7"] == {
        "mean": pytest.approx(13.0),
        "std": pytest.approx(7**0.5),
        "values": [10.0, 14.0, 15.0],
    }
    assert found["protocols"]["last"]["test"]["fusion"]["mIoU"]["mean"] == pytest.approx(26.0)
    assert found["mean_importance"]["last"]["test"]["mean"] == pytest.approx(0.13)
    assert (found["seeds"], found["best_epochs"]) == ([0, 1, 2], [10, 11, 12])
    assert (found["description"], found["preset"]) == ("what img is", "paper")


def test_one_seed_has_no_deviation() -> None:
    found = summarise("demo", {"simulated": True}, RUNS)["variants"]["mute"]
    assert found["protocols"]["last"]["test"]["fusion"]["R1@0.7"] == {
        "mean": 5.0,
        "std": None,
        "values": [5.0],
    }


def test_the_datasets_facts_stand_beside_the_variants() -> None:
    metrics = summarise("demo", {"simulated": True}, RUNS)
    assert (metrics["dataset"], metrics["simulated"]) == ("demo", True)
    assert metrics["best_constant"] == RUNS[0]["best_constant"]
    for key in ("evaluation", "coverage", "left_out"):
        assert metrics[key] == RUNS[0][key]
    assert list(metrics["variants"]) == ["img", "mute"]
    assert metrics["settings"] == {"simulated": True}
    assert metrics["variants"]["mute"]["trained_on"] == [{"device": "cpu", "torch": "2.11.0"}]
    assert metrics["versions"] == {"python": "3.11.7", "torch": "2.11.1"}


def test_what_a_seed_has_no_number_of_has_no_mean() -> None:
    runs = [run("img", 0, 10.0), run("img", 1, 14.0)]
    runs[1]["mean_importance"] = {"last": {"test": None}}
    found = summarise("demo", {"simulated": True}, runs)["variants"]["img"]
    assert found["mean_importance"] == {"last": {"test": None}}


def test_the_table_shows_every_number_once() -> None:
    title, header, constant, img, mute, coverage = format_table(
        summarise("demo", {"simulated": True}, RUNS)
    ).splitlines()
    assert title == "demo (simulated data)"
    assert header.split() == ["variant", "protocol", "split", "branch", "R1@0.7", "mIoU"]
    assert constant.split() == ["best", "constant", "-", "test", "-", "12.3", "20.0"]
    assert img.split() == ["img", "last", "test", "fusion", "13.0", "±", "2.6", "26.0", "±", "5.3"]
    assert mute.split() == ["mute", "last", "test", "fusion", "5.0", "10.0"]
    assert coverage == "test: 7 of 9 queries used, left out: {'video missing': 2}"


def test_the_table_has_a_column_for_every_metric_and_a_dash_where_it_was_not_measured() -> None:
    five = run("five", 0, 30.0)
    five["protocols"]["last"]["test"]["fusion"]["R5@0.7"] = 55.5
    lines = format_table(summarise("demo", {"simulated": True}, [*RUNS, five])).splitlines()[1:-1]
    cells = [line.rsplit(maxsplit=1)[-1] for line in lines]
    assert cells == ["R5@0.7", "-", "-", "-", "55.5"]
    assert len({len(line) for line in lines}) == 1


def test_the_table_says_where_absent_videos_count_as_misses() -> None:
    counted = {"mode": "all_queries", "scored": {"test": 9}, "counted_as_misses": {"test": 2}}
    metrics = summarise("demo", {"simulated": True}, [{**RUNS[0], "evaluation": counted}])
    assert format_table(metrics).endswith("left out: {'video missing': 2}; 2 of these count as misses")
