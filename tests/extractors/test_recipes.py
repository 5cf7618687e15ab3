import numpy as np
import pytest

from extractors.media.sampling import Timed, frames_at_rate
from extractors.media.windows import cut_windows
from extractors.provenance.sampling_recipes import ENDINGS, RECIPES, Length, Recipe, rank
from extractors.registry import parse

SECONDS = np.random.default_rng(0).gamma(8, 4, size=60).tolist()


def lengths_by(recipe, ending, frame_rates=(25.0, 29.97, 30.0)):
    """Lengths of 60 videos of 10 to 70 seconds, their rows as the recipe gives them."""
    videos = [Length(0, s, frame_rates[i % len(frame_rates)]) for i, s in enumerate(SECONDS)]
    return [Length(recipe.rows(video, ending), video.seconds, video.frame_rate) for video in videos]


@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize("recipe", RECIPES, ids=lambda recipe: recipe.name)
def test_rows_made_by_a_recipe_are_explained_by_it_among_all(recipe, ending):
    best = rank(lengths_by(recipe, ending))[0]
    assert best.recipe == recipe
    assert (best.error, best.exact, best.videos, best.explains) == (0, 1, 60, True)


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda recipe: recipe.name)
def test_durations_that_are_a_little_off_change_nothing(recipe):
    noise = np.random.default_rng(1).normal(0, 0.04, size=60).tolist()
    lengths = [
        Length(length.rows, length.seconds + off, length.frame_rate)
        for length, off in zip(lengths_by(recipe, "full"), noise, strict=True)
    ]
    best = rank(lengths)[0]
    assert best.recipe == recipe
    assert best.explains


def test_rows_of_no_known_recipe_are_explained_by_none():
    lengths = [Length(round(3.4 * seconds), seconds, 30) for seconds in SECONDS]
    assert not any(fit.explains for fit in rank(lengths))


@pytest.mark.parametrize(
    ("ending", "rows"),
    # 21 units, windows of 8 every 4, begin at 0, 4, 8, 12, 16, 20. The one at 12 is the last full one; that
    # at 16 holds 5 units, more than half, and reaches the end; 5 strides are whole.
    [("every", 6), ("cover", 5), ("half", 5), ("full", 4), ("floor", 5)],
)
def test_the_endings_of_a_video(ending, rows):
    assert Recipe("", 1, 8, 4).rows(Length(0, 21.0), ending) == rows
    assert Recipe("", 1, 8, 4, 2).rows(Length(0, 21.0), ending) == 2 * rows


def test_a_last_window_less_than_half_filled_is_dropped_by_half_alone():
    # 17 units: the window at 12 holds 5 of 8; 15 units: that at 8 holds 7; every 8: that at 8 holds 3 of 8.
    assert Recipe("", 1, 8, 8).rows(Length(0, 11.0), "half") == 1
    assert Recipe("", 1, 8, 8).rows(Length(0, 12.0), "half") == 2
    assert Recipe("", 1, 8, 8).rows(Length(0, 11.0), "cover") == 2


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_video_shorter_than_a_window_has_one(ending):
    assert Recipe("", 24, 24, 24, 2).rows(Length(0, 0.3), ending) == 2


def test_without_a_frame_rate_recipes_at_the_native_rate_are_left_out():
    lengths = [Length(length.rows, length.seconds) for length in lengths_by(RECIPES[0], "every")]
    assert {fit.recipe.rate for fit in rank(lengths)} == {recipe.rate for recipe in RECIPES} - {None}


def test_where_some_frame_rates_are_known_native_recipes_are_held_to_those_videos():
    native = next(recipe for recipe in RECIPES if recipe.rate is None)
    lengths = [*lengths_by(native, "every", frame_rates=(None, 30.0))[1::2], Length(5, 5.0)]
    fit = next(fit for fit in rank(lengths) if fit.recipe == native)
    assert fit.videos == 30


@pytest.mark.parametrize("seconds", [0.5, 1.0, 1.05, 9.99, 10.0, 33.3])
def test_the_charades_recipe_counts_what_this_packages_own_sampling_gives(seconds):
    _, parameters = parse({"kind": "i3d", "preset": "charades", "weights": "random"})
    frames = [Timed(None, k / 30, (k + 1) / 30) for k in range(round(seconds * 30))]
    shown = (slot for slots in frames_at_rate(frames, parameters.frame_rate) for slot in slots)
    windows = len(list(cut_windows(shown, parameters.window, parameters.stride)))
    assert RECIPES[0].rows(Length(0, len(frames) / 30), "every") == 2 * windows


def test_bias_tells_on_which_side_the_rows_lie():
    (fit,) = rank([Length(12, 10.0), Length(22, 20.0)], [Recipe("", 1, 1, 1)])
    assert (fit.error, fit.bias, fit.exact) == (2, 2, 0)
    assert fit.relative_error == pytest.approx(2 / 17)
