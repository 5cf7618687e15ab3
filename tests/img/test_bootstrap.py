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
    result = compare([answers([0.6] * 20)], [answers([0.4] * 20)], "mIoU")
    assert (result.difference, result.low, result.high) == pytest.approx((20, 20, 20))
    assert (result.verdict, result.share_above, result.queries) == ("holds", 1.0, 20)


def test_the_same_claim_the_other_way_round_is_contradicted() -> None:
    assert compare([answers([0.4] * 20)], [answers([0.6] * 20)], "mIoU").verdict == "contradicted"


def test_equal_models_are_not_told_apart() -> None:
    rng = np.random.default_rng(0)
    first, second = rng.random(200), rng.random(200)
    assert compare([answers([*first])], [answers([*second])], "R1@0.5").verdict == "not decided"


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


def test_seeds_are_averaged_query_by_query_and_only_shared_queries_count() -> None:
    better = [answers([0.8, 0.2, 0.9]), answers([0.4, 0.6, 0.9])]
    result = compare(better, [answers([0.5, 0.1])], "mIoU")
    assert result.difference == pytest.approx(100 * ((0.6 - 0.5) + (0.4 - 0.1)) / 2)
    assert result.queries == 2


def test_models_without_a_common_query_are_refused() -> None:
    with pytest.raises(ValueError, match="found none"):
        compare([answers([0.5])], [answers([0.5]).assign(query="other")], "mIoU")
