import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from simulate_charades import plan_moments
from simulated_features import (
    Moment,
    World,
    content_words,
    fit_audibility,
    meaning,
    simulate_audio,
    simulate_visual,
)

from img.config.dataset import Annotations
from img.data.annotations.query import Query
from img.data.annotations.reading import read_queries

pytestmark = pytest.mark.slow

SCRIPT = Path(__file__).parents[2] / "workflow" / "scripts" / "simulate_charades.py"
CHARADES = Path(__file__).parents[2] / ".." / "shared" / "data" / "annotations" / "charades"
FILES = {
    "train": "charades_sta_train_qid.txt",
    "test": "charades_sta_test_qid.txt",
    "audiomatter": "charades_audiomatter_qid.txt",
}
SMALL = World(factors=4, visual_width=5, audio_width=6)
DOOR, LAUGH = frozenset({"door"}), frozenset({"laugh"})


def seen(world: World, moment: Moment, video: str = "A") -> np.ndarray:
    """What a moment adds to what a video of 10 seconds shows: a video's other draws do not depend on it."""
    return simulate_visual(world, video, 10.0, [moment]) - simulate_visual(world, video, 10.0, [])


def heard(world: World, moment: Moment, video: str = "A") -> np.ndarray:
    return simulate_audio(world, video, 10.0, [moment]) - simulate_audio(world, video, 10.0, [])


def test_rows_cover_the_duration_at_the_rate_of_each_sense() -> None:
    visual, audio = simulate_visual(SMALL, "A", 10.3, []), simulate_audio(SMALL, "A", 10.3, [])
    assert (visual.shape, audio.shape) == ((21, 5), (10, 6))
    assert simulate_audio(SMALL, "A", 0.3, []).shape == (1, 6)


def test_a_moment_changes_its_own_rows_alone_by_the_share_it_covers() -> None:
    # Rows of half a second: the moment covers rows 4 and 5 whole and half of row 6.
    change = seen(SMALL, Moment(2.0, 3.25, DOOR, False))
    np.testing.assert_array_equal(np.abs(change).max(axis=1) > 1e-6, [4 <= row <= 6 for row in range(20)])
    np.testing.assert_allclose(change[5], change[4], atol=1e-6)
    np.testing.assert_allclose(change[6], change[4] / 2, atol=1e-6)


def test_words_decide_what_is_added_in_whichever_video() -> None:
    moment = Moment(2.0, 3.0, DOOR, True)
    np.testing.assert_allclose(seen(SMALL, moment, "A")[4], seen(SMALL, moment, "B")[4], atol=1e-6)
    other = seen(SMALL, Moment(2.0, 3.0, LAUGH, True))[4]
    assert not np.allclose(seen(SMALL, moment)[4], other, atol=0.05)


def test_what_a_moment_adds_grows_with_the_strength_of_its_sense() -> None:
    audible, silent = (Moment(2.0, 4.0, DOOR, is_audible) for is_audible in (True, False))
    world = replace(SMALL, seen=1.5, heard=3.0, faint=0.5)
    unit = replace(SMALL, seen=1.0, heard=1.0, faint=0.0)
    np.testing.assert_allclose(seen(world, silent), 1.5 * seen(unit, silent), atol=1e-5)
    np.testing.assert_allclose(heard(world, audible), 3.0 * heard(unit, audible), atol=1e-5)
    np.testing.assert_allclose(heard(world, silent), 0.5 * heard(unit, audible), atol=1e-5)
    np.testing.assert_array_equal(heard(unit, silent), np.zeros((10, 6)))


def test_words_mean_a_direction_between_their_own() -> None:
    door, laugh = meaning(SMALL, "visual", DOOR), meaning(SMALL, "visual", LAUGH)
    both = meaning(SMALL, "visual", DOOR | LAUGH)
    np.testing.assert_allclose(np.linalg.norm([door, laugh, both], axis=1), 1)
    np.testing.assert_allclose(both, (door + laugh) / np.linalg.norm(door + laugh))
    assert np.abs(door - meaning(SMALL, "audio", DOOR)).max() > 0.1
    np.testing.assert_array_equal(meaning(SMALL, "visual", frozenset()), np.zeros(4))


def test_values_have_deviation_1_and_the_background_adds_its_own() -> None:
    world = World(background=0.0, visual_width=256)
    assert simulate_visual(world, "A", 500.0, []).std() == pytest.approx(1.0, abs=0.05)
    wandering = replace(world, background=2.0, background_seconds=0.5)
    assert simulate_visual(wandering, "A", 500.0, []).std() == pytest.approx(5**0.5, abs=0.1)


def test_the_background_forgets_itself_at_its_own_pace() -> None:
    world = World(background=3.0, background_seconds=2.0, visual_width=256)
    rows = simulate_visual(world, "A", 1000.0, [])
    # Neighbours share 9 exp(-1/4) of the variance 9 + 1; rows 20 seconds apart share nothing.
    near = (rows[:-1] * rows[1:]).mean() / rows.var()
    far = (rows[:-40] * rows[40:]).mean() / rows.var()
    assert near == pytest.approx(0.9 * np.exp(-0.25), abs=0.05)
    assert far == pytest.approx(0.0, abs=0.05)


def test_everything_follows_from_seed_and_video() -> None:
    first = simulate_visual(SMALL, "A", 10.0, [])
    np.testing.assert_array_equal(first, simulate_visual(SMALL, "A", 10.0, []))
    assert not np.array_equal(first, simulate_visual(SMALL, "B", 10.0, []))
    assert not np.array_equal(first, simulate_visual(replace(SMALL, seed=1), "A", 10.0, []))


def test_content_words_are_stems_without_function_words() -> None:
    assert content_words(["a", "person", "opens", "the", "door", "."]) == {"open", "door"}
    assert content_words(["opening", "doors"]) == {"open", "door"}


def test_without_words_the_chance_is_the_share_of_audible_moments() -> None:
    audibility = fit_audibility([frozenset()] * 4, np.array([1.0, 0.0, 0.0, 0.5]))
    assert audibility.chance(frozenset()) == pytest.approx(1.5 / 4)
    assert audibility.chance(DOOR) == pytest.approx(1.5 / 4)


def test_words_of_audible_moments_raise_the_chance() -> None:
    moments = [LAUGH] * 40 + [DOOR] * 40 + [frozenset({"sit"})] * 40
    audible = np.array([1.0] * 36 + [0.0] * 4 + [1.0, 0.0] * 20 + [0.0] * 40)
    audibility = fit_audibility(moments, audible)
    chances = [audibility.chance(words) for words in (LAUGH, DOOR, frozenset({"sit"}))]
    # The shares 0.9, 0.5 and 0, drawn towards each other by the ridge.
    assert chances == [
        pytest.approx(0.86, abs=0.04),
        pytest.approx(0.5, abs=0.02),
        pytest.approx(0.04, abs=0.03),
    ]


def query(name: str, split: str, video: str, start: float, sentence: str, fault: str = "") -> Query:
    return Query(name, split, video, 20.0, start, start + 5.0, sentence, fault)


def test_a_test_moment_is_audible_where_audiomatter_holds_one_of_its_queries() -> None:
    test = [
        query("q0", "test", "A", 0.0, "a person laughs"),
        query("q1", "test", "A", 0.0, "someone is laughing loudly"),
        query("q2", "test", "A", 10.0, "a person sits"),
        query("q3", "test", "B", 0.0, "a person laughs", fault="it has no end"),
    ]
    moments = plan_moments(
        [*test, query("q1", "audiomatter", "A", 0.0, "someone is laughing loudly")], seed=0
    )
    assert moments == {
        "A": [
            Moment(0.0, 5.0, frozenset({"laugh", "loudli"}), True),
            Moment(10.0, 15.0, frozenset({"sit"}), False),
        ]
    }


def test_training_moments_are_audible_as_often_as_test_moments_of_the_same_words() -> None:
    test = [query(f"q{i}", "test", f"T{i}", 0.0, ("laughs", "sits")[i % 2]) for i in range(100)]
    heard_of = [query(f"q{i}", "audiomatter", f"T{i}", 0.0, "laughs") for i in range(0, 80, 2)]
    train = [query(f"t{i}", "train", f"R{i}", 0.0, ("laughs", "sits")[i % 2]) for i in range(1000)]
    moments = plan_moments([*test, *heard_of, *train], seed=0)
    shares = [np.mean([moments[f"R{i}"][0].audible for i in range(first, 1000, 2)]) for first in (0, 1)]
    # 40 of 50 and none of 50 in the test split.
    assert shares == [pytest.approx(0.8, abs=0.07), pytest.approx(0.0, abs=0.05)]
    assert moments == plan_moments([*test, *heard_of, *train], seed=0)
    assert moments != plan_moments([*test, *heard_of, *train], seed=1)


@pytest.mark.slow
@pytest.mark.skipif(not CHARADES.is_dir(), reason=f"the real annotations are not at {CHARADES}")
def test_real_training_moments_are_audible_as_often_as_real_test_moments() -> None:
    splits = {split: CHARADES / name for split, name in FILES.items()}
    queries = read_queries(
        Annotations(format="charades_sta", splits=splits, durations=CHARADES / "charades.json")
    )
    moments = plan_moments(queries, seed=0)
    assert len(moments) == 6672
    of_split: dict[str, list[bool]] = {"train": [], "test": []}
    for video, split in {query.video: query.split for query in queries if query.split in of_split}.items():
        of_split[split] += [moment.audible for moment in moments[video]]
    assert {split: len(audible) for split, audible in of_split.items()} == {"train": 9193, "test": 2577}
    assert np.mean(of_split["train"]) == pytest.approx(np.mean(of_split["test"]), abs=0.02)


@pytest.fixture
def arguments(tmp_path: Path) -> list[str]:
    texts = {
        "train": "A 0.0 5.0##qid_0##a person laughs.\nB 2.0 6.0##qid_1##a person sits.\n",
        "test": "C 1.0 4.0##qid_2##a person laughs.\n",
        "audiomatter": "C 1.0 4.0##qid_2##a person laughs.\n",
    }
    durations = {video: {"duration": 10.0} for video in "ABC"}
    (tmp_path / "durations.json").write_text(json.dumps(durations))
    options = ["--durations", str(tmp_path / "durations.json"), "--out", str(tmp_path / "made")]
    for split, text in texts.items():
        (tmp_path / f"{split}.txt").write_text(text)
        options += [f"--{split}", str(tmp_path / f"{split}.txt")]
    return [sys.executable, str(SCRIPT), *options, "--factors", "3", "--visual-width", "7"]


def test_the_command_writes_an_array_of_each_sense_for_every_video(
    arguments: list[str], tmp_path: Path
) -> None:
    subprocess.run(arguments, check=True, capture_output=True)
    for sense, shape in (("visual", (20, 7)), ("audio", (10, 2048))):
        paths = sorted((tmp_path / "made" / sense).iterdir())
        assert [path.name for path in paths] == ["A.npy", "B.npy", "C.npy"]
        arrays = [np.load(path, allow_pickle=False) for path in paths]
        assert [(array.shape, array.dtype.name) for array in arrays] == [(shape, "float16")] * 3
    assert sorted(path.name for path in (tmp_path / "made").iterdir()) == ["audio", "visual"]


def test_a_folder_with_something_in_it_is_left_alone(arguments: list[str], tmp_path: Path) -> None:
    kept = tmp_path / "made" / "audio" / "real.npy"
    kept.parent.mkdir(parents=True)
    kept.write_text("somebody's")
    found = subprocess.run(arguments, capture_output=True, text=True)
    assert found.returncode == 2
    assert "made/audio: expected no folder, or an empty one; remove it first" in found.stderr
    assert sorted(path.name for path in (tmp_path / "made").iterdir()) == ["audio"]
    assert kept.read_text() == "somebody's"
