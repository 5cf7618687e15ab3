import numpy as np
import pytest

from benchmarks.importance import area_under_curve


def test_the_area_under_the_curve_counts_pairs_in_the_right_order() -> None:
    scores = np.array([0.9, 0.4, 0.4, 0.1, 0.6])
    labels = np.array([True, True, False, False, False])
    # 0.9 beats all three; 0.4 beats 0.1, ties with 0.4, loses to 0.6: (3 + 1.5) of 6 pairs.
    assert area_under_curve(scores, labels) == pytest.approx(4.5 / 6)
    assert area_under_curve(-scores, labels) == pytest.approx(1.5 / 6)
    assert area_under_curve(labels.astype(float), labels) == 1.0
    assert area_under_curve(np.zeros(5), labels) == 0.5


def test_the_area_under_the_curve_needs_both_kinds() -> None:
    with pytest.raises(ValueError, match="found 2 positive and 0 negative"):
        area_under_curve(np.array([0.1, 0.2]), np.array([True, True]))
