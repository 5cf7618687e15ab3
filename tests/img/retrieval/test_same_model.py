"""A retriever is the run that was evaluated: the same videos and sentences have the same answers."""

import json
from pathlib import Path

import numpy as np
import pytest
from small_run import SEEN, TEST, Media, SmallRun, make_small_run

from extractors.jobs.extraction import identify
from extractors.registry import parse
from img.data.text.queries import read_queries_table
from img.retrieval import EncodedVideo, Retriever

pytestmark = [pytest.mark.usefixtures("tiny"), pytest.mark.slow]
TOLERANCE = 1e-5


def assert_answers_as_evaluated(
    small: SmallRun, retriever: Retriever, videos: dict[str, EncodedVideo], features: Path | None = None
) -> None:
    """Asks every test sentence of every branch."""
    assert set(small.predictions["video"]) == set(TEST)
    for (query, video, branch), rows in small.predictions.groupby(["query", "video", "branch"]):
        expected = rows.sort_values("rank")
        given = np.load(features / f"{query}.npy") if features else None
        found = retriever.answer(
            videos[video], expected["sentence"].iloc[0], answers=5, branch=branch, features=given
        )
        assert [answer.rank for answer in found] == expected["rank"].tolist()
        for name in ("start", "end", "score"):
            values = [getattr(answer, name) for answer in found]
            assert values == pytest.approx(expected[name].tolist(), abs=TOLERANCE), (query, branch)


def encode(small: SmallRun, retriever: Retriever) -> dict[str, EncodedVideo]:
    return {name: retriever.encode(small.videos[name]) for name in TEST}


def test_answers_are_those_of_the_evaluation(small: SmallRun, tmp_path: Path) -> None:
    # An empty store: the videos are extracted anew.
    retriever = Retriever.open(small.folder, store=tmp_path / "store", embedding="random")
    assert_answers_as_evaluated(small, retriever, encode(small, retriever))


@pytest.mark.parametrize(
    "choices",
    [
        {"inputs": {"standardise": True}},
        {"inputs": {"max_clips": 4}},
        {"streams": {"visual": ["i3d", "fast"], "audio": ["pann"]}, "merge": "bring_to_last"},
        {"streams": {"visual": ["i3d", "twin"], "audio": ["pann"]}},
        {"training": {"sound": False}},
        {"inputs": {"standardise": True}, "training": {"sound": False}},
    ],
    ids=["standardised", "pooled", "brought to the last", "cut to the shortest", "without sound", "both"],
)
def test_whatever_was_chosen_for_the_inputs(media: Media, tmp_path: Path, choices: dict) -> None:
    small = make_small_run(media, tmp_path, **choices)
    retriever = Retriever.open(small.folder, store=small.store, embedding="random")
    assert_answers_as_evaluated(small, retriever, encode(small, retriever))


def test_queries_given_as_features(media: Media, small: SmallRun, tmp_path: Path) -> None:
    folder = tmp_path / "sentences"
    folder.mkdir()
    rng = np.random.default_rng(0)
    for query in read_queries_table(small.queries)["query"]:
        np.save(folder / f"{query}.npy", rng.standard_normal((5, 6)).astype(np.float32))
    run = make_small_run(media, tmp_path, query_features=folder)
    retriever = Retriever.open(run.folder, store=run.store)
    videos = encode(run, retriever)
    assert_answers_as_evaluated(run, retriever, videos, folder)
    with pytest.raises(ValueError, match="the run reads queries as features of 6 values; give them"):
        retriever.answer(videos["four"], "the light")
    with pytest.raises(ValueError, match=r"expected rows of 6 values, found an array \(2, 3\)"):
        retriever.answer(videos["four"], "the light", features=np.ones((2, 3), np.float32))


def test_features_of_a_video_take_its_place(small: SmallRun, media: Media) -> None:
    retriever = Retriever.open(small.folder, store=small.store, embedding="random")
    encoded = encode(small, retriever)
    taken = {name: retriever.take(media.root / "features", encoded[name].duration, name) for name in TEST}
    assert_answers_as_evaluated(small, retriever, taken)
    assert taken["silent"].absent == {"audio": "none was given"}


def copy_run(small: SmallRun, folder: Path, extractor: dict) -> Path:
    """Copies a run as if all its features had been made by an extractor."""
    folder.mkdir()
    for path in small.folder.iterdir():
        if path.is_file():
            (folder / path.name).write_bytes(path.read_bytes())
    reads = json.loads((folder / "inputs.json").read_text())
    for (part,) in reads["streams"].values():
        part["extractor"] = extractor
    (folder / "inputs.json").write_text(json.dumps(reads))
    return folder


def test_a_run_that_does_not_say_who_wrote_its_texts_takes_arrays_alone(
    small: SmallRun, tmp_path: Path
) -> None:
    made = {"kind": "sentence", "code_version": 1, "parameters": {}}
    retriever = Retriever.open(copy_run(small, tmp_path / "run", made), store=small.store)
    with pytest.raises(ValueError, match=r"does not say who wrote them \(i3d, pann\), so that no new"):
        retriever.encode(small.videos["four"])


def test_features_of_another_version_are_not_made(small: SmallRun, tmp_path: Path) -> None:
    made = {**identify(*parse(dict(SEEN))), "code_version": 1}
    retriever = Retriever.open(copy_run(small, tmp_path / "run", made), store=small.store)
    with pytest.raises(ValueError, match="features of i3d, version 1, and version 2 would make others"):
        retriever.encode(small.videos["four"])


def test_a_run_on_features_made_elsewhere_takes_arrays_alone(
    small: SmallRun, media: Media, tmp_path: Path
) -> None:
    folder = copy_run(small, tmp_path / "run", {"kind": "imported", "code_version": 1, "parameters": {}})
    retriever = Retriever.open(folder, store=small.store, embedding="random")
    with pytest.raises(
        ValueError, match=r"made elsewhere \(i3d, pann\), so that no new video can be encoded"
    ):
        retriever.encode(small.videos["four"])
    lengths = dict.fromkeys(TEST, 16.0)
    durations = json.loads((media.root / "durations.json").read_text())
    lengths = {name: durations[name]["duration"] for name in TEST}
    taken = {name: retriever.take(media.root / "features", lengths[name], name) for name in TEST}
    assert_answers_as_evaluated(small, retriever, taken)
    (folder / "inputs.json").unlink()
    silent_about_it = Retriever.open(folder, store=small.store)
    with pytest.raises(ValueError, match="does not say what made its features"):
        silent_about_it.encode(small.videos["four"])


def test_arrays_that_do_not_fit_are_refused(small: SmallRun, tmp_path: Path) -> None:
    retriever = Retriever.open(small.folder, store=small.store)
    good = np.ones((3, 16), np.float32)
    for arrays, told in [
        ({"i3d": np.ones((3, 5), np.float32)}, r"i3d: expected rows of 16 values, found an array \(3, 5\)"),
        ({"clip": good}, r"expected those of \['i3d', 'pann'\], found \['clip'\]"),
        ({"i3d": np.full((3, 16), np.nan, np.float32)}, "i3d: expected finite numbers"),
        ({"pann": good}, "none was given"),
    ]:
        with pytest.raises(ValueError, match=told):
            retriever.take(arrays, 10.0)
    with pytest.raises(ValueError, match="nothing tells how long the video is; give its duration"):
        retriever.take({"i3d": good})
    with pytest.raises(ValueError, match=r"expected features of mine, such as i3d/mine\.npy, found none"):
        retriever.take(tmp_path, 10.0, "mine")
