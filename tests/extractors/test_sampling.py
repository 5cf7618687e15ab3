import math
from fractions import Fraction

import av
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from extractors.media.sampling import Timed, cut_windows, frames_at_rate, resize_and_crop


def sampled(starts, end, rate):
    frames = [Timed(number, start, end) for number, start in enumerate(starts)]
    return [slot for slots in frames_at_rate(frames, rate) for slot in slots]


def ffmpeg_fps(milliseconds, duration, rate):
    """Numbers of the frames that ffmpeg's fps filter gives; a frame's number is in its pixels."""
    graph = av.filter.Graph()
    source = graph.add(
        "buffer", "video_size=16x16:pix_fmt=gray:time_base=1/1000:pixel_aspect=1/1:frame_rate=25"
    )
    chain = [source, graph.add("fps", str(rate)), graph.add("buffersink")]
    graph.link_nodes(*chain).configure()
    shown = []
    for number, time in enumerate(milliseconds):
        frame = av.VideoFrame.from_ndarray(np.full((16, 16), number, np.uint8), format="gray")
        frame.pts, frame.time_base = time, Fraction(1, 1000)
        following = milliseconds[number + 1] if number + 1 < len(milliseconds) else time + duration
        frame.duration = following - time
        source.push(frame)
    source.push(None)
    while True:
        try:
            shown.append(int(chain[-1].pull().to_ndarray()[0, 0]))
        except (av.BlockingIOError, av.EOFError):
            return shown


def test_lowering_the_rate_takes_the_last_frame_of_each_slot():
    # Frames at 0, 1/6, ... of a second belong to slots 0, 1 (0.5), 1, 2 (1.5), 2, 3 (2.5) at 3 per second.
    slots = sampled([k / 6 for k in range(6)], 1.0, 3)
    assert [slot.item for slot in slots] == [0, 2, 4]
    assert [(slot.start, slot.end) for slot in slots] == [(0, 1 / 3), (1 / 3, 2 / 3), (2 / 3, 1)]


def test_raising_the_rate_repeats_frames():
    assert [slot.item for slot in sampled([0, 0.5], 1.0, 6)] == [0, 0, 0, 1, 1, 1]


def test_last_frame_is_held_to_its_end():
    assert [slot.item for slot in sampled([0, 0.25], 2.0, 4)] == [0, 1, 1, 1, 1, 1, 1, 1]


def test_times_count_from_the_first_frame():
    slots = sampled([7.0, 7.5], 8.0, 2)
    assert [tuple(slot) for slot in slots] == [(0, 0.0, 0.5), (1, 0.5, 1.0)]


def test_native_rate_keeps_every_frame_and_its_own_times():
    slots = sampled([1.0, 1.1, 1.5], 1.75, None)
    assert [slot.item for slot in slots] == [0, 1, 2]
    np.testing.assert_allclose([slot[1:] for slot in slots], [(0, 0.1), (0.1, 0.5), (0.5, 0.75)])


def test_a_video_shorter_than_half_a_slot_still_gives_one():
    assert [tuple(slot) for slot in sampled([0], 0.01, 4)] == [(0, 0, 0.25)]


def test_no_frames_give_no_slots():
    assert sampled([], 0, 24) == []


@settings(deadline=None, max_examples=60)
@given(
    gaps=st.lists(st.integers(1, 400), min_size=0, max_size=25),
    duration=st.integers(1, 400),
    rate=st.sampled_from([4, 10, 24, 25, 30, 50]),
)
def test_frames_at_a_rate_are_those_of_ffmpegs_fps_filter(gaps, duration, rate):
    milliseconds = [0, *np.cumsum(gaps, dtype=int).tolist()]
    expected = ffmpeg_fps(milliseconds, duration, rate)
    ours = sampled([time / 1000 for time in milliseconds], (milliseconds[-1] + duration) / 1000, rate)
    numbers = [slot.item for slot in ours]
    assert numbers == (expected or [len(milliseconds) - 1])
    assert len(numbers) == max(1, math.floor((milliseconds[-1] + duration) * rate / 1000 + 0.5))


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


@pytest.mark.parametrize(
    ("height", "width", "shorter_side", "shrink", "crop"),
    [(40, 60, 32, True, 32), (60, 40, 50, True, 32), (40, 60, 48, False, 40), (33, 47, 36, False, 32)],
)
def test_resize_and_crop_is_bilinear_with_half_pixel_centres(height, width, shorter_side, shrink, crop):
    frame = np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)
    scale = shorter_side / min(height, width)
    whole = torch.nn.functional.interpolate(
        torch.from_numpy(frame).permute(2, 0, 1)[None].double(),
        scale_factor=(scale, scale),
        mode="bilinear",
        align_corners=False,
        antialias=False,
        recompute_scale_factor=False,
    )[0]
    top = round((round(height * scale) - crop) / 2)
    left = round((round(width * scale) - crop) / 2)
    expected = whole[:, top : top + crop, left : left + crop].permute(1, 2, 0).numpy()
    ours = resize_and_crop(frame, shorter_side, shrink, crop)
    assert ours.dtype == np.uint8
    assert ours.shape == expected.shape == (crop, crop, 3)
    assert np.abs(ours - expected).max() <= 0.5 + 1e-3


def test_larger_frames_keep_their_size_unless_shrunk():
    frame = np.random.default_rng(0).integers(0, 256, (50, 71, 3), dtype=np.uint8)
    np.testing.assert_array_equal(resize_and_crop(frame, 40, False, 32), frame[9:41, 20:52])


def test_scaling_by_two_hand_computed():
    row = np.array([0, 100], dtype=np.uint8)
    frame = np.repeat(np.stack([row, row])[:, :, None], 3, axis=2)
    # Half-pixel centres: output pixels lie at source -0.25, 0.25, 0.75, 1.25, clipped to the frame.
    np.testing.assert_array_equal(resize_and_crop(frame, 4, True, 4)[..., 0], [[0, 25, 75, 100]] * 4)
