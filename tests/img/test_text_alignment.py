"""Rows of texts, which are said now and then, along a video's clips."""

import numpy as np
import pytest
from feature_folders import RowSeconds

from extractors.storage.manifest import Row
from img.data.clips.text_alignment import SpanFit, fit_spans


def spans(
    row_seconds: RowSeconds, covered: float = 10.0, end: float = 10.0, rule: str = "seconds"
) -> SpanFit:
    return SpanFit(np.array(row_seconds, np.float64), covered, end, rule)


def test_rows_of_texts_are_laid_where_they_are_said_and_silence_is_zeros() -> None:
    said = spans([(0.0, 2.0), (5.0, 6.0), (6.5, 7.5)])
    rows = np.array([[1.0, 10.0], [2.0, 20.0], [4.0, 40.0]], np.float32)
    laid = said.lay(rows, 5)
    assert laid.dtype == np.float32
    # Clips of two seconds; the third row lies in the fourth clip alone.
    assert laid.tolist() == [[1, 10], [0, 0], [2, 20], [4, 40], [0, 0]]


def test_a_clip_in_which_two_texts_are_said_weighs_them_by_their_seconds() -> None:
    laid = spans([(0.0, 1.5), (1.5, 4.0)]).lay(np.array([[1.0], [2.0]]), 5)
    assert laid[:, 0].tolist() == pytest.approx([(1.5 * 1 + 0.5 * 2) / 2, 2, 0, 0, 0])


def test_a_text_about_one_frame_counts_at_both_ends_of_a_clip() -> None:
    laid = spans([(0.0, 0.0), (1.0, 1.0), (2.0, 2.0), (3.0, 3.0)]).lay(np.eye(4), 5)
    assert laid[0].tolist() == pytest.approx([1 / 3, 1 / 3, 1 / 3, 0])
    assert laid[1].tolist() == pytest.approx([0, 0, 0.5, 0.5])
    assert laid[2:].tolist() == [[0] * 4] * 3


def test_silence_that_was_listened_to_is_covered_and_what_lies_beyond_is_not() -> None:
    said = [(1.0, 2.0)]
    assert spans(said, covered=10.0).count_clips(5) == 5
    assert spans(said, covered=9.98).count_clips(5) == 5
    assert spans(said, covered=6.0).count_clips(5) == 3
    assert spans(said, covered=0.0).count_clips(5) == 0


def test_where_a_video_does_not_know_its_seconds_those_of_the_texts_count() -> None:
    texts, unknown = Row("v", "ok", 1, 1, 10.0), Row("v", "ok", 5, 1, None)
    found = fit_spans(texts, unknown, lambda: np.array([(4.0, 6.0)]))
    assert found.lay(np.ones((1, 1)), 5)[:, 0].tolist() == [0, 0, 1, 0, 0]
    with pytest.raises(ValueError, match="v: expected arrays that know their seconds"):
        fit_spans(Row("v", "ok", 1, 1, None), unknown, lambda: np.zeros((1, 2)))


def test_nearest_fills_a_clip_without_text_with_the_nearest_of_two_the_earlier() -> None:
    said = spans([(0.0, 2.0), (6.0, 8.0)], rule="nearest")
    laid = said.lay(np.array([[1.0], [2.0]]), 5)
    assert laid[:, 0].tolist() == [1, 1, 2, 2, 2]
    # The second clip lies as near to either.
    between = spans([(0.0, 2.0), (4.0, 10.0)], rule="nearest").lay(np.array([[1.0], [2.0]]), 5)
    assert between[:, 0].tolist() == [1, 1, 2, 2, 2]


def test_whole_seconds_lays_a_row_a_second_as_hirest() -> None:
    said = spans([(0.4, 2.9), (2.2, 4.0), (5.1, 5.9), (8.0, 30.0)], rule="whole_seconds")
    laid = said.lay(np.array([[1.0], [2.0], [3.0], [4.0]]), 10)
    # A later text lies over an earlier one; one within a second leaves no row.
    assert laid[:, 0].tolist() == [1, 1, 2, 2, 0, 0, 0, 0, 4, 4]
    # Fewer clips are means of their seconds.
    assert said.lay(np.array([[1.0], [2.0], [3.0], [4.0]]), 5)[:, 0].tolist() == [1, 2, 0, 0, 4]


def test_nothing_is_laid_where_nothing_was_listened_to() -> None:
    laid = spans([(0.0, 2.0)], covered=6.0, rule="nearest").lay(np.ones((1, 1)), 5)
    assert laid[:, 0].tolist() == [1, 1, 1, 0, 0]
