"""A retriever is the run that was evaluated: the same videos and sentences have the same answers."""

from pathlib import Path

import pytest
from small_run import SILENT, TEST, SmallRun, make_small_run, tiny_networks

from img.retrieval import Retriever


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> SmallRun:
    return make_small_run(tmp_path_factory.mktemp("small"))


def assert_answers_as_evaluated(small: SmallRun, store: Path, **options) -> None:
    """Asks every test sentence of every branch."""
    with tiny_networks():
        retriever = Retriever.open(small.folder, store=store, embedding="random")
        videos = {name: retriever.encode(small.videos[name]) for name in TEST}
    for (video, sentence, branch), rows in small.predictions.groupby(["video", "sentence", "branch"]):
        found = retriever.answer(videos[video], sentence, answers=5, branch=branch, **options)
        expected = rows.sort_values("rank")
        assert [answer.rank for answer in found] == expected["rank"].tolist()
        for name in ("start", "end", "score"):
            values = [getattr(answer, name) for answer in found]
            assert values == pytest.approx(expected[name].tolist(), abs=1e-5), (video, sentence, branch)


def test_answers_are_those_of_the_evaluation(small: SmallRun, tmp_path: Path) -> None:
    assert set(small.predictions["video"]) == set(TEST)
    assert_answers_as_evaluated(small, tmp_path / "store")


def test_a_silent_video_says_so(small: SmallRun) -> None:
    with tiny_networks():
        retriever = Retriever.open(small.folder, store=small.store)
        video = retriever.encode(small.videos[SILENT])
    assert video.absent == {"audio": "the file has none"}
    assert {answer.importance for answer in retriever.answer(video, "the light")} == {None}
