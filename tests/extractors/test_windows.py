import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from extractors.media.windows import choose_frames, cut_windows, fill_windows

GOLDEN = Path(__file__).parents[1] / "golden"
HERO_INDICES = np.load(GOLDEN / "slowfast_hero_indices.npz", allow_pickle=False)


def windows_by_the_published_rule(n, window, stride):
    result = []
    for start in range(0, n, stride):
        end = min(n - 1, start + window)
        if end - start < window:
            start = max(0, end - window)
        numbers = list(range(start, end)) or [0]
        result.append(numbers + [numbers[-1]] * (window - len(numbers)))
    return result


@given(st.integers(0, 120), st.integers(2, 30), st.integers(1, 40))
def test_streamed_windows_are_those_of_the_published_rule(n, window, stride):
    assert list(cut_windows(range(n), window, stride)) == windows_by_the_published_rule(n, window, stride)


def test_last_window_is_moved_back_and_the_very_last_frame_left_out():
    assert list(cut_windows(range(7), 3, 3)) == [[0, 1, 2], [3, 4, 5], [3, 4, 5]]
    assert list(cut_windows(range(6), 3, 3)) == [[0, 1, 2], [2, 3, 4]]


def test_short_videos_repeat_their_last_usable_frame():
    assert list(cut_windows(range(3), 4, 4)) == [[0, 1, 1, 1]]
    assert list(cut_windows(range(1), 4, 4)) == [[0, 0, 0, 0]]


def test_a_window_comes_before_the_frames_after_it_are_read():
    taken = []

    def frames():
        for number in range(100):
            taken.append(number)
            yield number

    assert next(cut_windows(frames(), 4, 4)) == [0, 1, 2, 3]
    assert taken == [0, 1, 2, 3, 4]


def windows_by_heros_rule(count, seconds, second):
    """The rule in words: the last frame fills its second, the last second fills the clip."""
    frames = list(range(count))
    frames += frames[-1:] * (-count % second)
    window = math.ceil(seconds * second)
    while len(frames) % window:
        frames += frames[-second:]
    return [frames[start : start + window] for start in range(0, len(frames), window)][
        : math.ceil(count / window)
    ]


@given(st.integers(0, 120), st.integers(1, 30), st.integers(1, 40))
def test_filled_windows_repeat_the_last_frame(n, window, stride):
    expected = [[min(k, n - 1) for k in range(s, s + window)] for s in range(0, n, stride)]
    assert list(fill_windows(range(n), window, stride)) == expected


@given(st.integers(1, 200), st.sampled_from([0.5, 1, 2, 3]))
def test_looped_windows_repeat_the_last_second(n, seconds):
    second = 10
    window = int(seconds * second)
    assert list(fill_windows(range(n), window, window, second)) == windows_by_heros_rule(n, seconds, second)


def test_a_last_second_is_shown_again_hand_computed():
    # Five frames at two a second, clips of two seconds: 4 fills its second, which is then shown again.
    assert list(fill_windows(range(5), 4, 4, second=2)) == [[0, 1, 2, 3], [4, 4, 4, 4]]
    assert list(fill_windows(range(6), 4, 4, second=2)) == [[0, 1, 2, 3], [4, 5, 4, 5]]


def test_a_window_of_one_frame_is_every_frame():
    assert list(fill_windows(range(3), 1, 1)) == [[0], [1], [2]]


def test_a_filled_window_comes_with_its_last_frame():
    taken = []

    def frames():
        for number in range(100):
            taken.append(number)
            yield number

    assert next(fill_windows(frames(), 4, 4)) == [0, 1, 2, 3]
    assert taken == [0, 1, 2, 3]


@pytest.mark.parametrize("name", [name for name in HERO_INDICES.files if name != "slow_of_fast"])
def test_heros_frames_are_those_recorded(name):
    seconds, _, rate = name.partition("s_")
    native = float(rate.removesuffix("fps")) + 0.97  # Its code cuts 29.97 to 29.
    assert choose_frames("hero", int(float(seconds) * 30), 32, native) == HERO_INDICES[name].tolist()


def test_at_the_rate_the_frames_have_the_whole_span_is_seen():
    places = choose_frames("hero_at_30", 90, 32, native_rate=None)
    assert (places[0], places[-1], len(set(places))) == (0, 63, 32)
    assert choose_frames("hero_at_30", 60, 32, 25.0) == HERO_INDICES["2s_30fps"].tolist()


def test_even_frames_reach_from_the_first_to_the_last():
    assert choose_frames("even", 60, 4, None) == [0, 19, 39, 59]
    assert choose_frames("even", 4, 4, None) == [0, 1, 2, 3]
