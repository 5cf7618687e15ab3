from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from img.reports.bootstrap import compare, credit


def answers(iou: list[float], videos: list[str] | None = None) -> pd.DataFrame:
    queries = [f"q{number}" for number in range(len(iou))]
    return pd.DataFrame({"query": queries, "video": videos or queries, "iou": iou})


def test_a_query_adds_100_to_a_recall_from_its_threshold_on_and_its_iou_to_the_mean() -> None:
    iou = np.array([0.49, 0.5, 0.9])
    assert credit(iou, "R1@0.5").tolist() == [0, 100, 100]
    assert credit(iou, "mIoU") == pytest.approx([49, 50, 90])


def test_another_metric_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match=r"R5@0\.3"):
        credit(np.array([0.5]), "R5@0.3")


def test_a_model_that_is_always_better_by_the_same_leaves_no_doubt() -> None:
    result = compare([answers([0.6] * 20)] * 2, [answers([0.4] * 20)] * 2, "mIoU")
    assert (result.difference, result.low, result.high) == pytest.approx((20, 20, 20))
    assert (result.verdict, result.share_above, result.queries) == ("holds", 1.0, 20)


def test_the_same_claim_the_other_way_round_is_contradicted() -> None:
    result = compare([answers([0.4] * 20)] * 2, [answers([0.6] * 20)] * 2, "mIoU")
    assert result.verdict == "contradicted"


def test_equal_models_are_not_told_apart() -> None:
    rng = np.random.default_rng(0)
    first, second = rng.random(200), rng.random(200)
    result = compare([answers([*first])] * 2, [answers([*second])] * 2, "R1@0.5")
    assert result.verdict == "not decided"


@pytest.mark.parametrize(("better", "worse"), [(1, 1), (1, 3), (3, 1)])
def test_one_seed_on_either_side_gives_an_interval_over_videos_and_no_verdict(
    better: int, worse: int
) -> None:
    result = compare([answers([0.6] * 20)] * better, [answers([0.4] * 20)] * worse, "mIoU")
    assert (result.low, result.high) == pytest.approx((20, 20))
    assert (result.seeds, result.verdict) == (1, "one seed")


def test_the_interval_is_that_of_the_mean_over_independent_seeds() -> None:
    """Two sides of n seeds whose scores differ and whose videos do not: variance s²/n on each side."""
    rng = np.random.default_rng(3)
    first, second = 0.5 + 0.02 * rng.standard_normal(12), 0.4 + 0.03 * rng.standard_normal(12)
    result = compare([answers([iou] * 30) for iou in first], [answers([iou] * 30) for iou in second], "mIoU")
    error = 100 * np.sqrt(first.var(ddof=1) / 12 + second.var(ddof=1) / 12)
    assert result.difference == pytest.approx(100 * (first.mean() - second.mean()))
    assert result.high - result.low == pytest.approx(2 * 1.96 * error, rel=0.1)
    assert (result.seeds, result.verdict) == (12, "holds")


def test_a_gain_that_seeds_do_not_repeat_is_not_decided_however_many_the_videos() -> None:
    """Gains of 20, -8 and 23 points: the first seed alone would leave no doubt."""
    better = [answers([0.4 + gain] * 500) for gain in (0.20, -0.08, 0.23)]
    result = compare(better, [answers([0.4] * 500)] * 3, "mIoU")
    assert result.difference == pytest.approx(100 * (0.20 - 0.08 + 0.23) / 3)
    assert result.low < 0 < result.high
    assert result.verdict == "not decided"


def test_the_interval_is_that_of_the_mean_of_independent_queries() -> None:
    rng = np.random.default_rng(1)
    gain = rng.normal(0.02, 0.1, 400)
    result = compare([answers([*(0.5 + gain)])], [answers([0.5] * 400)], "mIoU")
    error = 100 * gain.std() / 20
    assert result.low == pytest.approx(100 * gain.mean() - 1.96 * error, abs=0.1)
    assert result.high == pytest.approx(100 * gain.mean() + 1.96 * error, abs=0.1)


def test_queries_about_one_video_are_drawn_together() -> None:
    iou, videos = [1.0] * 50 + [0.0] * 50, ["a"] * 50 + ["b"] * 50
    together = compare([answers(iou, videos)], [answers([0.5] * 100, videos)], "mIoU")
    apart = compare([answers(iou)], [answers([0.5] * 100)], "mIoU")
    assert (together.low, together.high) == (-50, 50)
    assert apart.high < 15


def test_seeds_are_averaged_and_only_queries_that_every_run_answered_count() -> None:
    better = [answers([0.8, 0.2, 0.9]), answers([0.4, 0.6, 0.9])]
    result = compare(better, [answers([0.5, 0.1])], "mIoU")
    assert result.difference == pytest.approx(100 * ((0.6 - 0.5) + (0.4 - 0.1)) / 2)
    assert result.queries == 2


def test_models_without_a_common_query_are_refused() -> None:
    with pytest.raises(ValueError, match="found none"):
        compare([answers([0.5])], [answers([0.5]).assign(query="other")], "mIoU")
