from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from extractors.media.errors import MediaError
from extractors.media.placement import Chunk, DatedChunk, date, place

RATE = 1000
FILE = Path("a.mkv")


def chunk(start: float | None, samples: int, value: float = 1.0, rate: int = RATE) -> Chunk:
    return Chunk(np.full(samples, value, np.float32), rate, start)


def placed(*chunks: Chunk, origin: float = 0.0) -> np.ndarray:
    return np.concatenate(list(place(FILE, date(chunks), origin)))


def runs(samples: np.ndarray) -> list[tuple[float, int]]:
    """Values, and how many times each comes in a row."""
    edges = np.flatnonzero(np.diff(samples)) + 1
    return [(float(part[0]), len(part)) for part in np.split(samples, edges)]


def test_a_hole_is_as_long_a_silence() -> None:
    assert runs(placed(chunk(0.0, 400, 1), chunk(0.9, 100, 2))) == [(1, 400), (0, 500), (2, 100)]


def test_sound_that_starts_late_is_preceded_by_silence() -> None:
    assert runs(placed(chunk(7.5, 10), origin=7.0)) == [(0, 500), (1, 10)]


def test_sound_before_the_picture_is_cut_off() -> None:
    assert runs(placed(chunk(-0.3, 200, 1), chunk(-0.1, 200, 2))) == [(2, 100)]


def test_a_hole_that_ends_after_the_pictures_start_is_silent_from_there() -> None:
    assert runs(placed(chunk(-0.3, 100, 1), chunk(0.2, 100, 2))) == [(0, 200), (2, 100)]


def test_timestamps_off_by_ten_milliseconds_move_nothing() -> None:
    starts = np.arange(50) * 0.1 + np.resize([0, 0.01, -0.01, 0.004, -0.009], 50)
    sound = placed(*(chunk(float(start), 100, 1 + index) for index, start in enumerate(starts)))
    assert runs(sound) == [(1 + index, 100) for index in range(50)]


def test_a_clock_that_runs_slow_or_fast_never_drifts_by_more_than_a_few_milliseconds() -> None:
    for pace in (0.999, 1.001):
        chunks = [chunk(index * 0.1 * pace, 100, 1 + index) for index in range(1000)]
        sound = placed(*chunks)
        for index in range(0, 1000, 37):
            begin = int(np.argmax(sound == 1 + index))
            assert begin / RATE == pytest.approx(index * 0.1 * pace, abs=0.0115)


def test_what_comes_twice_is_dropped_the_second_time() -> None:
    assert runs(placed(chunk(0.0, 400, 1), chunk(0.3, 300, 2), chunk(0.6, 10, 3))) == [
        (1, 400),
        (2, 200),
        (3, 10),
    ]
    assert runs(placed(chunk(0.0, 400, 1), chunk(0.1, 100, 2), chunk(0.4, 10, 3))) == [(1, 400), (3, 10)]


@pytest.mark.parametrize(
    ("chunks", "words"),
    [
        ([chunk(0.0, 100), chunk(600.2, 100)], r"from 0\.100 s to 600\.200 s"),
        ([chunk(0.0, 100), chunk(603_980.0, 100)], r"from 0\.100 s to 603980\.000 s"),
        ([chunk(0.0, 1000), chunk(0.4, 100)], r"from 1\.000 s to 0\.400 s"),
        ([chunk(700.0, 100)], r"from 0\.000 s to 700\.000 s"),
        ([chunk(-700.0, 100)], r"from 0\.000 s to -700\.000 s"),
    ],
)
def test_absurd_jumps_are_refused(chunks: list[Chunk], words: str) -> None:
    with pytest.raises(MediaError, match=r"a\.mkv: .*, found a jump " + words):
        placed(*chunks)


def test_another_sample_rate_is_refused() -> None:
    with pytest.raises(MediaError, match=r"found 1000 Hz and, from 0\.100 s, 2000 Hz"):
        placed(chunk(0.0, 100), chunk(0.1, 200, rate=2000))


def test_sound_without_timestamps_starts_at_0_and_follows_itself() -> None:
    assert runs(placed(*(chunk(None, 100, 1 + index) for index in range(100)))) == [
        (1 + index, 100) for index in range(100)
    ]


def test_the_first_timestamp_dates_what_came_before_it() -> None:
    chunks = [chunk(None, 100, 1), chunk(None, 100, 2), chunk(5.0, 100, 3), chunk(None, 100, 4)]
    assert [dated.start for dated in date(chunks)] == pytest.approx([4.8, 4.9, 5.0, 5.1])
    assert runs(placed(*chunks, origin=4.85)) == [(1, 50), (2, 100), (3, 100), (4, 100)]


def test_a_long_hole_comes_in_pieces_of_a_second() -> None:
    pieces = list(place(FILE, date([chunk(0.0, 100), chunk(600.0, 100)]), 0.0))
    assert max(len(piece) for piece in pieces) == RATE
    assert sum(len(piece) for piece in pieces) == 600_100


def test_no_more_than_64_chunks_wait_for_a_timestamp() -> None:
    asked = 0

    def endless() -> Iterator[Chunk]:
        nonlocal asked
        while True:
            asked += 1
            yield chunk(None, 10)

    assert next(date(endless())).start == 0
    assert asked == 64


@given(
    st.lists(st.tuples(st.integers(20, 300), st.integers(1, 300)), min_size=1, max_size=20),
    st.integers(-500, 500),
)
def test_every_sample_is_heard_when_its_timestamp_says(steps: list[tuple[int, int]], first: int) -> None:
    """Steps are a hole and a length, in samples; every sample tells its own time."""
    chunks, start = [], first
    for hole, length in steps:
        start += hole
        times = np.arange(start, start + length, dtype=np.float32)
        chunks.append(DatedChunk(times, RATE, start / RATE))
        start += length
    sound = np.concatenate([*place(FILE, chunks, 0.0), np.zeros(0)])
    assert len(sound) == max(0, start)
    heard = np.flatnonzero(sound)
    np.testing.assert_array_equal(sound[heard], heard)
    assert len(heard) == sum(int((part.samples > 0).sum()) for part in chunks)
