import numpy as np
import pytest

from img.tasks.metrics import best_constant, recalls, summarise_iou


def test_recalls_and_mean_by_hand() -> None:
    metrics = summarise_iou(np.array([0.0, 0.3, 0.49, 0.5, 0.7, 1.0, 0.699, 0.1]))
    assert metrics == {
        "R1@0.3": pytest.approx(75.0),
        "R1@0.5": pytest.approx(50.0),
        "R1@0.7": pytest.approx(25.0),
        "mIoU": pytest.approx(100 * 3.789 / 8),
    }


def test_recalls_are_named_after_the_answers_they_are_the_best_of() -> None:
    assert recalls(np.array([0.3, 0.5, 0.1, 0.9]), 5) == {"R5@0.3": 75.0, "R5@0.5": 50.0, "R5@0.7": 25.0}


def test_no_queries_have_no_metrics() -> None:
    with pytest.raises(ValueError, match="expected at least one query, found none"):
        summarise_iou(np.array([]))


def test_the_best_constant_equals_a_plain_search() -> None:
    rng = np.random.default_rng(0)
    duration = rng.uniform(5, 50, 30)
    start = rng.uniform(0, 0.7, 30) * duration
    end = start + rng.uniform(0.05, 0.3, 30) * duration
    best = {"R1@0.3": 0.0, "R1@0.5": 0.0, "R1@0.7": 0.0, "mIoU": 0.0}
    for i in range(10):
        for j in range(i + 1, 11):
            ious = []
            for length, left, right in zip(duration, start, end, strict=True):
                first, last = i / 10 * length, j / 10 * length
                overlap = max(0.0, min(last, right) - max(first, left))
                ious.append(overlap / (max(last, right) - min(first, left)))
            for threshold in (0.3, 0.5, 0.7):
                share = 100 * sum(iou >= threshold for iou in ious) / len(ious)
                best[f"R1@{threshold}"] = max(best[f"R1@{threshold}"], share)
            best["mIoU"] = max(best["mIoU"], 100 * sum(ious) / len(ious))
    assert best_constant(duration, np.stack([start, end], axis=1)[:, None], steps=10) == pytest.approx(best)


def test_the_best_constant_may_end_with_the_video() -> None:
    best = best_constant(np.array([4.0, 8.0]), np.array([[[2.0, 4.0]], [[4.0, 8.0]]]), steps=2)
    assert best == {"R1@0.3": 100, "R1@0.5": 100, "R1@0.7": 100, "mIoU": 100}


def test_the_best_constant_by_hand() -> None:
    # Two of three queries ask for the first half, one for the last quarter; whole videos in halves:
    # the first half gives IoU 1, 1, 0, the last one 0, 0, 0.5, the whole one 0.5, 0.5, 0.25.
    windows = np.array([[[0.0, 2.0]], [[0.0, 4.0]], [[9.0, 12.0]]])
    best = best_constant(np.array([4.0, 8.0, 12.0]), windows, steps=2)
    expected = {"R1@0.3": 200 / 3, "R1@0.5": 200 / 3, "R1@0.7": 200 / 3, "mIoU": 200 / 3}
    assert best == pytest.approx(expected)


def test_the_best_constant_counts_the_nearest_of_several_moments() -> None:
    # As above, but the third query is also about the first half: a constant finds all three.
    windows = np.array([[[0.0, 2.0]] * 2, [[0.0, 4.0]] * 2, [[9.0, 12.0], [0.0, 6.0]]])
    best = best_constant(np.array([4.0, 8.0, 12.0]), windows, steps=2)
    assert best == {"R1@0.3": 100, "R1@0.5": 100, "R1@0.7": 100, "mIoU": 100}
