from collections.abc import Sequence

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from img.data.clips.inputs import Inputs, VideoInputs
from img.data.samples import Moments, draw_clips
from img.data.text.vocabulary import Vocabulary

VOCABULARY = Vocabulary(("a", "cat"), ("c", "a", "t"))
INPUTS = Inputs(
    streams={
        "visual": torch.arange(1.0, 25).reshape(12, 2),
        "audio": torch.arange(101.0, 113).reshape(12, 1),
    },
    videos={
        "x": VideoInputs(0, 5, {"audio": 5}),
        "y": VideoInputs(5, 4, {"audio": 0}),
        "z": VideoInputs(9, 3, {"audio": 3}),
    },
    content_sha256="",
)
QUERIES = pd.DataFrame(
    [
        ("q0", "train", "x", 10.0, 0.0, 4.0, "", ["a", "cat"]),
        ("q1", "test", "x", 10.0, 0.0, 4.0, "", ["cat"]),
        ("q2", "train", "unknown", 10.0, 0.0, 4.0, "", ["cat"]),
        ("q3", "train", "y", 8.0, 2.0, 3.5, "", ["tapir"]),
        ("q4", "train", "x", 10.0, 4.0, 2.0, "backwards", ["cat"]),
        ("q5", "train", "z", 3.0, 0.0, 3.0, "", ["a", "zebra", "cat"]),
    ],
    columns=["query", "split", "video", "duration", "start", "end", "fault", "words"],
)


def moments(sound: bool = True) -> Moments:
    return Moments(QUERIES, "train", INPUTS, VOCABULARY, sound)


def test_usable_queries_are_those_of_the_split_with_a_video_and_no_fault() -> None:
    found = moments()
    assert found.table["query"].tolist() == ["q0", "q3", "q5"]
    assert len(found) == 3
    assert found.clips.tolist() == [5, 4, 3]
    # Clips of 2, 2 and 1 s.
    assert (found.start.tolist(), found.end.tolist()) == ([0, 1, 0], [1, 1, 2])


def test_a_fraction_keeps_whole_queries_of_the_usable_ones_in_file_order_each_within_the_next() -> None:
    table = pd.concat([QUERIES.assign(query=QUERIES["query"] + suffix) for suffix in "abcdefghij"])
    kept = {
        fraction: Moments(table, "train", INPUTS, VOCABULARY, fraction=fraction).table["query"].tolist()
        for fraction in (0.7, 0.8, 1.0)
    }
    assert {fraction: len(queries) for fraction, queries in kept.items()} == {0.7: 21, 0.8: 24, 1.0: 30}
    assert set(kept[0.7]) < set(kept[0.8])
    for queries in kept.values():
        assert queries == [query for query in kept[1.0] if query in queries]


def test_noise_is_in_the_sound_of_the_chosen_share_of_videos_and_nowhere_else() -> None:
    samples, generator = np.arange(3), np.random.default_rng(0)
    clear = moments().batch(samples, generator)
    noisy = Moments(QUERIES, "train", INPUTS, VOCABULARY, noisy_audio_share=1.0).batch(samples, generator)
    assert torch.equal(noisy.streams["visual"].values, clear.streams["visual"].values)
    # The second query's video has no sound.
    assert [
        torch.equal(noisy.streams["audio"].values[b], clear.streams["audio"].values[b]) for b in range(3)
    ] == [False, True, False]
    assert (noisy.streams["audio"].values[~noisy.clip_mask] == 0).all()


def test_a_split_without_usable_queries_is_refused() -> None:
    with pytest.raises(
        ValueError, match="split train: expected queries with videos, found none among its 1 queries"
    ):
        Moments(QUERIES[2:3], "train", INPUTS, VOCABULARY)


def test_a_batch_is_padded_with_zeros_to_its_longest_video_query_and_word() -> None:
    batch = moments().batch(np.array([1, 2]), np.random.default_rng(0))
    assert batch.streams["visual"].values.tolist() == [
        [[11, 12], [13, 14], [15, 16], [17, 18]],
        [[19, 20], [21, 22], [23, 24], [0, 0]],
    ]
    assert batch.clip_mask.tolist() == [[True] * 4, [True] * 3 + [False]]
    # a 2, cat 3, anything else 1.
    assert batch.words.tolist() == [[1, 0, 0], [2, 1, 3]]
    assert batch.word_mask.tolist() == [[True, False, False], [True, True, True]]
    # c 2, a 3, t 4: tapir; a, zebra, cat.
    assert batch.characters.tolist() == [
        [[4, 3, 1, 1, 1], [0] * 5, [0] * 5],
        [[3, 0, 0, 0, 0], [1, 1, 1, 1, 3], [2, 3, 4, 0, 0]],
    ]
    assert (batch.targets.start.tolist(), batch.targets.end.tolist()) == ([1, 0], [1, 2])


def test_the_sound_of_a_video_without_is_zero() -> None:
    batch = moments().batch(np.array([0, 1, 2]), np.random.default_rng(0))
    assert batch.streams["audio"].present.tolist() == [True, False, True]
    assert batch.streams["audio"].values.squeeze(-1).tolist() == [
        [101, 102, 103, 104, 105],
        [0, 0, 0, 0, 0],
        [110, 111, 112, 0, 0],
    ]


def test_without_sound_every_video_counts_as_one_without() -> None:
    found = moments(sound=False)
    batch = found.batch(np.array([0, 1, 2]), np.random.default_rng(0))
    assert not batch.streams["audio"].present.any()
    assert not batch.streams["audio"].values.any()
    assert not found.complete.any()


def test_types_are_those_the_model_takes() -> None:
    batch = moments().batch(np.array([0, 1]), np.random.default_rng(0))
    for stream in batch.streams.values():
        assert (stream.values.dtype, stream.present.dtype) == (torch.float32, torch.bool)
    for name in ("clip_mask", "word_mask"):
        assert getattr(batch, name).dtype == torch.bool
    for name in ("words", "characters"):
        assert getattr(batch, name).dtype == torch.int64
    for name in ("start", "end", "positive_clips", "negative_clips"):
        assert getattr(batch.targets, name).dtype == torch.int64
    assert batch.targets.span.dtype == torch.float32


Spans = Sequence[tuple[int, int, int]]


@st.composite
def spans(draw: st.DrawFn) -> Spans:
    """(start, end, clips) of a few moments."""
    found = []
    for clips in draw(st.lists(st.integers(1, 30), min_size=1, max_size=8)):
        start = draw(st.integers(0, clips - 1))
        found.append((start, draw(st.integers(start, clips - 1)), clips))
    return found


@given(spans=spans(), seed=st.integers(0, 2**32 - 1))
def test_drawn_clips_lie_inside_and_outside_and_differ(spans: Spans, seed: int) -> None:
    start, end, clips = (np.array(column) for column in zip(*spans, strict=True))
    positive, negative = draw_clips(start, end, clips, np.random.default_rng(seed))
    for (first, last, count), inside, outside in zip(
        spans, positive.tolist(), negative.tolist(), strict=True
    ):
        if first == last:
            assert inside == [first, first]
        else:
            assert inside[0] != inside[1]
            assert all(first <= clip <= last for clip in inside)
        if count - (last - first + 1) < 2:
            assert outside == [0, 0]
        else:
            assert outside[0] != outside[1]
            assert all(0 <= clip < first or last < clip < count for clip in outside)


def test_every_pair_of_clips_is_drawn_equally_often() -> None:
    draws = 12_000
    start, end, clips = (np.full(draws, value) for value in (2, 4, 6))
    for drawn, allowed in zip(
        draw_clips(start, end, clips, np.random.default_rng(0)), ((2, 3, 4), (0, 1, 5)), strict=True
    ):
        pairs, counts = np.unique(drawn, axis=0, return_counts=True)
        assert pairs.tolist() == [[a, b] for a in allowed for b in allowed if a != b]
        # 2,000 each; the standard deviation is 41.
        np.testing.assert_allclose(counts, draws / 6, atol=200)


@pytest.mark.parametrize("shuffle", [True, False])
@pytest.mark.parametrize("batch_size", [1, 2, 3, 4])
def test_batches_hold_every_sample_once(shuffle: bool, batch_size: int) -> None:
    found = list(moments().batches(batch_size, np.random.default_rng(3), shuffle))
    sizes = {1: [1, 1, 1], 2: [2, 1], 3: [3], 4: [3]}
    assert [len(batch.targets.start) for batch in found] == sizes[batch_size]
    clips = [int(count) for batch in found for count in batch.clip_mask.sum(dim=1)]
    assert sorted(clips) == [3, 4, 5]
    if not shuffle:
        assert clips == [5, 4, 3]


def test_the_order_follows_from_the_generator() -> None:
    def order(seed: int) -> list[int]:
        batches = moments().batches(1, np.random.default_rng(seed), shuffle=True)
        return [int(batch.clip_mask.sum()) for batch in batches]

    assert order(0) == order(0)
    assert len({tuple(order(seed)) for seed in range(20)}) == 6
