"""An hour-long video, of made-up features: where in it a moment is found, in windows and without."""

from itertools import pairwise

import numpy as np
import pytest
from feature_folders import write_features
from small_run import TEST, TRAIN, Media
from toy_dataset import small_options

from extractors.storage.store import Store
from img.config.dataset import InputOptions, QueryOptions
from img.data.clips.assembly import assemble
from img.data.text.queries import prepare_queries, read_queries_table
from img.data.text.vocabulary import random_vectors
from img.models.registry import parse_options
from img.retrieval import Answer, EncodedVideo, Retriever
from img.retrieval.answers import merge_answers
from img.retrieval.encoding.windows import place_windows
from img.runs.making import RunData, make_run

pytestmark = pytest.mark.slow

HOUR, WIDTH = 3600, 8
FRIDGE, DOOR = random_vectors(["fridge"], WIDTH)["fridge"], random_vectors(["door"], WIDTH)["door"]


@pytest.fixture(scope="module")
def retriever(media: Media, tmp_path_factory: pytest.TempPathFactory) -> Retriever:
    """A system without training, whose answer lies where the clips are most like the sentence's words."""
    root = tmp_path_factory.mktemp("similar")
    store = Store(root / "store")
    prepare_queries(media.annotations, QueryOptions(embedding_width=WIDTH), ["train"], root / "queries")
    videos = {video: np.ones((8, WIDTH), np.float32) for video in (*TRAIN, *TEST)}
    features = {"visual": write_features(root / "clip", store, videos)}
    assemble(
        read_queries_table(root / "queries"), features, InputOptions(max_clips=64), store, root / "inputs"
    )
    system = parse_options({"kind": "similarity", "compared": ["visual"], "smoothing": 1})
    options = small_options().model_copy(update={"model": system})
    data = RunData.open(root / "queries", root / "inputs")
    folder, _ = make_run(data, options, 0, store, "cpu", False)
    return Retriever.open(folder, root / "store", embedding="random")


def hour_with(retriever: Retriever, *moments: tuple[int, int]) -> EncodedVideo:
    """An hour of doors, a row a second, with fridges in between."""
    rows = np.tile(DOOR, (HOUR, 1))
    for start, end in moments:
        rows[start:end] = FRIDGE
    seconds = np.stack([np.arange(HOUR), np.arange(HOUR) + 1.0], axis=1)
    return retriever.take({"clip": rows}, float(HOUR), "hour", {"clip": seconds})


def test_a_moment_of_an_hour_is_found_to_the_second_in_windows(retriever: Retriever) -> None:
    video = hour_with(retriever, (3000, 3006))
    (best,) = retriever.answer(video, "fridge", answers=1, window=60)
    assert (best.start, best.end, best.rank) == (pytest.approx(3000), pytest.approx(3006), 1)
    # Without windows a clip stands for 56 s.
    assert video.clips == 64
    (whole,) = retriever.answer(video, "fridge", answers=1)
    assert whole.end - whole.start == pytest.approx(HOUR / 64)
    assert whole.start <= 3000
    assert whole.end >= 3006


def test_moments_of_several_windows_are_ranked_together(retriever: Retriever) -> None:
    # The second straddles the border of two windows, and lies whole in the one between them.
    video = hour_with(retriever, (125, 130), (1795, 1804), (3590, 3600))
    found = retriever.answer(video, "fridge", answers=20, window=60)
    spans = [(round(answer.start, 6), round(answer.end, 6)) for answer in found]
    # Further answers of a window that holds a moment lie around it, and overlap it by no more than half.
    moments = [span for span in spans if span in {(3590, 3600), (1795, 1804), (125, 130)}]
    assert spans[:2] == moments[:2] == [(3590, 3600), (1795, 1804)]
    assert moments[2:] == [(125, 130)]
    assert [answer.rank for answer in found] == list(range(1, len(found) + 1))
    assert all(one.score >= other.score for one, other in pairwise(found))


def test_the_seconds_of_the_rows_must_be_known(retriever: Retriever) -> None:
    video = retriever.take({"clip": np.tile(DOOR, (HOUR, 1))}, float(HOUR), "hour")
    with pytest.raises(ValueError, match="hour, clip: expected the seconds of its rows, found none"):
        retriever.answer(video, "fridge", window=60)
    assert len(retriever.answer(video, "fridge", window=HOUR)) == 5


def test_a_trace_in_windows_tells_each_branch_without_curves(retriever: Retriever) -> None:
    timeline = retriever.trace(hour_with(retriever, (3000, 3006)), "fridge", window=60)
    branch = timeline.branches["visual"]
    assert (branch.start, branch.end) == (pytest.approx(3000), pytest.approx(3006))
    assert branch.traces == {}


@pytest.mark.parametrize(
    ("duration", "seconds", "spans"),
    [
        (100.0, None, [(0, 100)]),
        (100.0, 100.0, [(0, 100)]),
        (100.0, 40.0, [(0, 40), (20, 60), (40, 80), (60, 100)]),
        (110.0, 40.0, [(0, 40), (20, 60), (40, 80), (60, 100), (70, 110)]),
        (41.0, 40.0, [(0, 40), (1, 41)]),
    ],
)
def test_windows_overlap_by_half_and_the_last_ends_with_the_video(
    duration: float, seconds: float | None, spans: list[tuple[float, float]]
) -> None:
    windows = place_windows(duration, seconds, "whole")
    assert [(window.start, window.end) for window in windows] == spans
    assert len({window.name for window in windows}) == len(windows)


def test_of_overlapping_answers_the_best_is_kept() -> None:
    def said(start: float, end: float, score: float) -> Answer:
        return Answer(1, start, end, score, "fusion", None, (), "q", "v")

    answers = [said(0, 10, 0.2), said(1, 10, 0.5), said(20, 30, 0.3), said(8, 18, 0.1), said(21, 31, 0.3)]
    kept = merge_answers(answers, 0.5, most=3)
    assert [(answer.rank, answer.start, answer.end) for answer in kept] == [
        (1, 1, 10),
        (2, 20, 30),
        (3, 8, 18),
    ]
    assert [answer.start for answer in merge_answers(answers, 1.0, most=9)] == [1, 20, 21, 0, 8]
