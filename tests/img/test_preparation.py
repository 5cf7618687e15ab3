from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from extractors.rows import pool, shorten
from img.data.spans import interval_iou, label
from img.models.blocks.best_spans import ClipSpans

GOLDEN = np.load(Path(__file__).parents[1] / "golden" / "preparation.npz", allow_pickle=False)
POOLED = [(300, 128), (129, 128), (128, 128), (40, 128), (257, 128), (70, 64)]
ALIGNED = [(90, 128), (300, 128), (31, 60), (5, 60), (60, 60)]


def clip_times(
    first: np.ndarray, last: np.ndarray, clips: np.ndarray, duration: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """The seconds of spans of clips, as answers get theirs: shares of the video times its duration."""
    start, end = (torch.from_numpy(index.astype(np.int64))[:, None] for index in (first, last))
    mask = torch.arange(int(clips.max())) < torch.from_numpy(clips.astype(np.int64))[:, None]
    shares = ClipSpans(start, end, torch.ones_like(start)).as_shares(mask)
    return shares.start[:, 0].numpy() * duration, shares.end[:, 0].numpy() * duration


@pytest.mark.parametrize(("rows", "clips"), POOLED)
def test_shortened_clips_equal_the_authors(rows: int, clips: int) -> None:
    shortened = shorten(GOLDEN[f"pool_{rows}_{clips}_in"], clips)
    np.testing.assert_allclose(shortened, GOLDEN[f"pool_{rows}_{clips}_out"], rtol=0, atol=2e-7)


@pytest.mark.parametrize(("rows", "clips"), ALIGNED)
def test_aligned_sound_equals_the_authors(rows: int, clips: int) -> None:
    aligned = pool(GOLDEN[f"align_{rows}_{clips}_in"], clips)
    np.testing.assert_allclose(aligned, GOLDEN[f"align_{rows}_{clips}_out"], rtol=0, atol=2e-7)


def test_labels_and_their_times_equal_the_authors() -> None:
    for clips, duration, start, end, first, last, first_time, last_time in GOLDEN["labels"]:
        assert label(int(clips), duration, start, end) == (first, last)
        times = clip_times(np.array([first]), np.array([last]), np.array([clips]), np.array([duration]))
        # The authors computed the times in single precision.
        np.testing.assert_allclose(np.concatenate(times), [first_time, last_time], rtol=1e-6)


def test_pooling_by_hand() -> None:
    rows = np.arange(5, dtype=np.float32)[:, None]
    # Bounds round(i/2·5) = 0, 2, 5 (2.5 rounds to even), the last one cut to 4: rows 0-1 and rows 2-3.
    assert pool(rows, 2).tolist() == [[0.5], [2.5]]
    # Bounds 0, 0, 1, 1, 1, 2, 2, the last two cut to 1: rows repeat.
    assert pool(np.array([[7.0], [9.0]]), 6).tolist() == [[7.0], [7.0], [9.0], [9.0], [9.0], [9.0]]
    assert pool(np.array([[7.0]]), 3).tolist() == [[7.0], [7.0], [7.0]]


def plain_pool(rows: np.ndarray, clips: int) -> np.ndarray:
    bounds = [min(int(np.round(i / clips * len(rows))), len(rows) - 1) for i in range(clips + 1)]
    pooled = []
    for first, after in pairwise(bounds):
        pooled.append(rows[first:after].mean(axis=0) if first < after else rows[first])
    return np.array(pooled)


@given(rows=st.integers(1, 300), clips=st.integers(1, 140), seed=st.integers(0, 2**32 - 1))
def test_pooling_equals_a_plain_loop(rows: int, clips: int, seed: int) -> None:
    values = np.random.default_rng(seed).standard_normal((rows, 3))
    np.testing.assert_allclose(pool(values, clips), plain_pool(values, clips), rtol=0, atol=1e-12)


def test_pooling_keeps_the_type_and_sums_in_double_precision() -> None:
    rows = np.full((300, 2), 16_777_217.0 / 3, np.float32)
    pooled = pool(rows, 2)
    assert pooled.dtype == np.float32
    np.testing.assert_array_equal(pooled, rows[:2])


def test_a_sequence_that_is_short_enough_stays_as_it_is() -> None:
    rows = np.random.default_rng(0).standard_normal((7, 2))
    assert shorten(rows, 7) is rows
    assert shorten(rows, 6).shape == (6, 2)


def plain_label(clips: int, duration: float, start: float, end: float) -> tuple[int, int]:
    best, answer = -1.0, (-1, -1)
    for i in range(clips):
        for j in range(i, clips):
            first, last = i / clips * duration, (j + 1) / clips * duration
            intersection = max(0.0, min(last, end) - max(first, start))
            iou = intersection / (max(last, end) - min(first, start))
            if iou > best:
                best, answer = iou, (i, j)
    return answer


@given(st.data())
def test_a_label_equals_a_plain_search(data: st.DataObject) -> None:
    clips = data.draw(st.integers(1, 25))
    duration = data.draw(st.floats(1, 200))
    start = data.draw(st.floats(0, 0.95)) * duration
    end = min(start + data.draw(st.floats(0.01, 1)) * duration, duration)
    assert label(clips, duration, start, end) == plain_label(clips, duration, start, end)


def test_a_label_by_hand() -> None:
    # Clips of 2 s; 1.5-5 s: clips 0-2 give 3.5/6, clips 1-2 give 3/4.5, clip 1 gives 2/3.5.
    assert label(5, 10.0, 1.5, 5.0) == (1, 2)
    # 1-3 s: clip 0, clip 1 give 1/3 each and both together 2/4.
    assert label(5, 10.0, 1.0, 3.0) == (0, 1)
    # 1 s inside one clip of 4 s.
    assert label(3, 12.0, 5.0, 6.0) == (1, 1)
    # A moment of no length fits every span equally, at 0: the first one.
    assert label(4, 4.0, 2.5, 2.5) == (0, 0)


def test_an_end_after_the_video_counts_as_its_end() -> None:
    # Up to 8 s: 2.8/4 for clips 2-3 and 2/2.8 for clip 3. Up to 80 s it would be 2.8/76 and 2/74.8.
    assert label(4, 8.0, 5.2, 80.0) == label(4, 8.0, 5.2, 8.0) == (3, 3)


@given(clips=st.integers(1, 40), duration=st.floats(0.5, 500), data=st.data())
def test_the_label_of_a_label_is_itself(clips: int, duration: float, data: st.DataObject) -> None:
    first = data.draw(st.integers(0, clips - 1))
    last = data.draw(st.integers(first, clips - 1))
    start, end = clip_times(*(np.array([value]) for value in (first, last, clips, duration)))
    assert label(clips, duration, start[0], end[0]) == (first, last)


def test_clip_times_by_hand() -> None:
    start, end = clip_times(np.array([0, 3]), np.array([1, 3]), np.array([4, 5]), np.array([10.0, 20.0]))
    assert start.tolist() == [0.0, pytest.approx(12.0)]
    assert end.tolist() == [5.0, pytest.approx(16.0)]


@pytest.mark.parametrize(
    ("span", "other", "expected"),
    [
        ((0, 4), (2, 6), 2 / 6),
        ((0, 4), (0, 4), 1),
        ((0, 4), (1, 2), 1 / 4),
        ((0, 1), (1, 2), 0),
        ((0, 1), (5, 6), 0),
        ((3, 3), (3, 3), 0),
    ],
)
def test_intersection_over_union_by_hand(
    span: tuple[float, float], other: tuple[float, float], expected: float
) -> None:
    assert interval_iou(*span, *other) == pytest.approx(expected)
    assert interval_iou(*other, *span) == pytest.approx(expected)


def test_intersection_over_union_broadcasts() -> None:
    iou = interval_iou(np.array([[0.0], [1.0]]), np.array([[2.0], [3.0]]), np.array([0.0, 1.0, 2.0]), 3.0)
    np.testing.assert_allclose(iou, [[2 / 3, 1 / 3, 0], [2 / 3, 1, 1 / 2]])


@given(st.lists(st.tuples(st.integers(0, 30), st.integers(1, 30)), min_size=2, max_size=2))
def test_intersection_over_union_of_whole_seconds_is_that_of_sets_of_seconds(
    spans: list[tuple[int, int]],
) -> None:
    (start, end), (other_start, other_end) = ((first, first + length) for first, length in spans)
    seconds, others = set(range(start, end)), set(range(other_start, other_end))
    expected = len(seconds & others) / (max(end, other_end) - min(start, other_start))
    assert interval_iou(start, end, other_start, other_end) == pytest.approx(expected)
    if seconds & others:
        assert expected == pytest.approx(len(seconds & others) / len(seconds | others))


@given(st.lists(st.floats(-1e3, 1e3), min_size=4, max_size=4))
def test_intersection_over_union_is_symmetric_and_one_only_for_equal_spans(times: list[float]) -> None:
    one, other = sorted(times[:2]), sorted(times[2:])
    iou = float(interval_iou(*one, *other))
    assert iou == float(interval_iou(*other, *one))
    assert 0 <= iou <= 1
    if one[0] < one[1]:
        assert interval_iou(*one, *one) == 1
        assert iou < 1 or one == pytest.approx(other)
