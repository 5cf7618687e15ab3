from collections.abc import Iterator
from itertools import count

import numpy as np
import pytest

from extractors.media.audio_windows import cut, stretches


def blocks_of(samples, *lengths):
    """Samples in blocks of these lengths, over and over."""
    start = 0
    for index in count():
        if start >= len(samples):
            return
        end = start + lengths[index % len(lengths)]
        yield np.asarray(samples[start:end], np.float32)
        start = end


def cut_plain(samples, window, hop, *lengths):
    """Windows at 10 samples per second, as (values, start, end)."""
    windows = cut(blocks_of(samples, *(lengths or (3,))), 10, window, hop)
    return [(w.data.tolist(), w.start, w.end) for w in windows]


def test_full_windows_only():
    assert cut_plain([1, 2, 3, 4, 5, 6, 7, 8], 0.4, 0.4) == [([1, 2, 3, 4], 0, 0.4), ([5, 6, 7, 8], 0.4, 0.8)]


def test_last_window_is_padded_where_half_of_it_is_sound():
    assert cut_plain([1, 2, 3, 4, 5, 6], 0.4, 0.4) == [([1, 2, 3, 4], 0, 0.4), ([5, 6, 0, 0], 0.4, 0.6)]


def test_last_window_is_dropped_where_less_than_half_is_sound():
    assert cut_plain([1, 2, 3, 4, 5], 0.4, 0.4) == [([1, 2, 3, 4], 0, 0.4)]


def test_the_only_window_is_kept_however_short():
    assert cut_plain([1], 0.4, 0.4) == [([1, 0, 0, 0], 0, 0.1)]


def test_overlapping_windows_stop_at_the_first_that_reaches_the_end():
    assert cut_plain([1, 2, 3, 4, 5, 6, 7], 0.4, 0.2) == [
        ([1, 2, 3, 4], 0, 0.4),
        ([3, 4, 5, 6], 0.2, 0.6),
        ([5, 6, 7, 0], 0.4, 0.7),
    ]
    assert [start for _, start, _ in cut_plain([1] * 8, 0.4, 0.2)] == [0, 0.2, 0.4]


def test_windows_may_leave_sound_out_between_them():
    assert cut_plain(range(1, 12), 0.2, 0.5) == [([1, 2], 0, 0.2), ([6, 7], 0.5, 0.7), ([11, 0], 1.0, 1.1)]
    assert cut_plain(range(1, 10), 0.2, 0.5) == [([1, 2], 0, 0.2), ([6, 7], 0.5, 0.7)]


def test_starts_do_not_drift_where_the_hop_is_no_whole_number_of_samples():
    starts = [round(w.start * 10) for w in cut([np.ones(40, np.float32)], 10, 0.25, 0.25)]
    assert starts == [round(k * 2.5) for k in range(len(starts))]


def test_no_sound_no_windows():
    assert cut_plain([], 0.4, 0.4) == []
    assert list(cut([np.zeros(0, np.float32)] * 3, 10, 0.4, 0.4)) == []


@pytest.mark.parametrize("total", [*range(1, 30), 100])
@pytest.mark.parametrize(("window", "hop"), [(0.4, 0.4), (0.4, 0.1), (0.4, 0.3), (0.3, 0.7), (2.0, 0.5)])
def test_windows_are_the_same_however_the_sound_comes(total, window, hop):
    whole = cut_plain(range(1, total + 1), window, hop, total)
    for lengths in ([1], [7], [1, 0, 5, 2]):
        assert cut_plain(range(1, total + 1), window, hop, *lengths) == whole


def test_a_window_is_given_as_soon_as_its_sound_has_come():
    asked = 0

    def endless() -> Iterator[np.ndarray]:
        nonlocal asked
        while True:
            asked += 1
            yield np.ones(10, np.float32)

    found = stretches(endless(), length=100, starts=count(0, 50))
    for index in range(1000):
        start, sound = next(found)
        assert (start, len(sound)) == (50 * index, 100)
        assert 10 * asked == start + 100
