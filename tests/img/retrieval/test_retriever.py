"""What a retriever says of videos and words beside its answers."""

from pathlib import Path

import numpy as np
import pytest
from small_run import SILENT, SmallRun

from img.data.text.vocabulary import random_vectors, save_vectors
from img.retrieval import EncodedVideo, Retriever

pytestmark = [pytest.mark.usefixtures("tiny"), pytest.mark.slow]


def open_retriever(small: SmallRun, **options: object) -> tuple[Retriever, EncodedVideo]:
    retriever = Retriever.open(small.folder, small.store, **options)
    return retriever, retriever.encode(small.videos["four"])


def test_a_silent_video_says_so(small: SmallRun) -> None:
    retriever = Retriever.open(small.folder, small.store)
    video = retriever.encode(small.videos[SILENT])
    assert video.absent == {"audio": "the file has none"}
    assert video.streams == ("visual",)
    assert {answer.importance for answer in retriever.answer(video, "the light")} == {None}
    assert np.isnan(retriever.trace(video, "the light").importance)


def test_progress_is_told_from_nothing_to_all(small: SmallRun, tmp_path: Path) -> None:
    told: list[tuple[float, str]] = []
    retriever = Retriever.open(small.folder, tmp_path / "store")
    retriever.encode(small.videos["four"], progress=lambda share, words: told.append((share, words)))
    shares = [share for share, _ in told]
    assert shares == sorted(shares)
    assert (shares[0], told[-1]) == (0.0, (1.0, "encoded"))
    assert {words.split(":")[0] for _, words in told} == {"i3d", "pann", "encoded"}
    assert any(0.3 < share < 0.5 for share in shares)


def test_auto_names_the_branch_that_answered(small: SmallRun) -> None:
    retriever = Retriever.open(small.folder, store=small.store)
    for video, branch in (("four", "fusion"), (SILENT, "visual")):
        encoded = retriever.encode(small.videos[video])
        spoken = retriever.answer(encoded, "the light", 3)
        assert {answer.branch for answer in spoken} == {branch}
        assert spoken == retriever.answer(encoded, "the light", 3, branch)


def test_a_trace_says_what_every_branch_says(small: SmallRun) -> None:
    retriever, video = open_retriever(small)
    timeline = retriever.trace(video, "the light")
    assert tuple(timeline.branches) == retriever.branches
    for name, branch in timeline.branches.items():
        (best,) = retriever.answer(video, "the light", 1, name)
        assert (branch.start, branch.end) == pytest.approx((best.start, best.end), abs=1e-5)
        assert {len(curve) for curve in branch.traces.values()} == {video.clips}


@pytest.mark.parametrize("form", ["glove.txt", "vectors.bin"])
def test_words_met_after_training_get_vectors_from_an_embedding(
    small: SmallRun, tmp_path: Path, form: str
) -> None:
    vectors = random_vectors(["fridge", "the"], 8)
    path = tmp_path / form
    if form == "vectors.bin":
        save_vectors(path, vectors, 8)
    else:
        path.write_text("".join(f"{word} {' '.join(map(str, row))}\n" for word, row in vectors.items()))
    known, video = open_retriever(small, embedding=path)
    unknown, _ = open_retriever(small)
    drawn, _ = open_retriever(small, embedding="random")
    sentence = "the fridge oven fridge"
    without = unknown.answer(video, sentence)
    found = known.answer(video, sentence)
    assert {answer.unknown for answer in without} == {("fridge", "oven")}
    assert {answer.unknown for answer in found} == {("oven",)}
    assert {answer.unknown for answer in drawn.answer(video, sentence)} == {()}
    assert found[0].score != without[0].score
    # The file holds what `random` draws.
    the = "the fridge"
    assert [answer.score for answer in known.answer(video, the)] == pytest.approx(
        [answer.score for answer in drawn.answer(video, the)], abs=1e-6
    )
    # Words met on the way change no answer.
    assert known.answer(video, sentence) == found


def test_vectors_of_another_width_are_refused(small: SmallRun, tmp_path: Path) -> None:
    save_vectors(tmp_path / "vectors.bin", random_vectors(["fridge"], 5), 5)
    retriever, video = open_retriever(small, embedding=tmp_path / "vectors.bin")
    with pytest.raises(ValueError, match=r"vectors\.bin: expected vectors of 8 values, found 5"):
        retriever.answer(video, "the fridge")


def test_a_long_video_says_what_is_lost(small: SmallRun) -> None:
    retriever = Retriever.open(small.folder, small.store)
    video = retriever.take({"i3d": np.ones((80, 16), np.float32)}, 3600.0, "long")
    assert (video.rows, video.clips, video.is_pooled) == (80, 8, True)
    assert "80 rows of features are pooled to the 8 clips" in video.notes[-1]
    assert "450.0 s each" in video.notes[-1]
