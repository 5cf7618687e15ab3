import math
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from extractors.media.sampling import Timed, frames_at_rate


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


FFMPEG = np.load(Path(__file__).parents[1] / "golden" / "ffmpeg_fps.npz", allow_pickle=False)


@pytest.mark.parametrize("name", FFMPEG.files)
def test_slots_show_the_frames_that_ffmpeg_recorded(name):
    count, _, rate, _, wanted = name.split("_")
    numerator, _, denominator = rate.partition("over")
    native = int(numerator) / int(denominator or 1)
    frame_rate = 2 / 3 if wanted == "0.666667" else float(wanted)
    starts = [number / native for number in range(int(count))]
    shown = [slot.item for slot in sampled(starts, int(count) / native, frame_rate)]
    # A video shorter than half a slot gives none there, and one here.
    assert shown == (FFMPEG[name].tolist() or [int(count) - 1])


def test_by_their_start_slots_show_what_is_on_screen_as_they_begin():
    frames = [Timed(number, number / 4, 9.9) for number in range(9)]
    slots = [slot for slots in frames_at_rate(frames, 1, "start") for slot in slots]
    # The last frame, from 2 s on, is held to 9.9 s: slots begin at 0, 1, ... 9 s.
    assert [slot.item for slot in slots] == [0, 4, *[8] * 8]
    assert slots[1] == Timed(4, 1.0, 2.0)


def test_a_frame_between_two_starts_is_not_shown():
    frames = [Timed(0, 0.0, 0.4), Timed(1, 0.4, 0.8), Timed(2, 0.8, 1.9)]
    slots = [slot.item for slots in frames_at_rate(frames, 1, "start") for slot in slots]
    assert slots == [0, 2]
