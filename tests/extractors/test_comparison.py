import csv
import json
import math
import os
import weakref
from collections.abc import Mapping

import numpy as np
import pytest
from PIL import Image

from extractors.__main__ import main
from extractors.provenance.pairs import TIME_BINS, Centred, Pair, average_parts, compare, match, similarity
from extractors.provenance.sampling_recipes import RECIPES, Length
from extractors.storage.cells import from_cell


def save(folder, arrays):
    folder.mkdir(exist_ok=True)
    for name, array in arrays.items():
        np.save(folder / f"{name}.npy", np.asarray(array, np.float32))
    return folder


def test_videos_are_matched_by_id_then_without_the_prefix():
    a = dict.fromkeys(["v_1", "2", "v_3", "3", "only_a"])
    b = dict.fromkeys(["1", "v_2", "v_3", "only_b"])
    assert match(a, b) == [
        Pair("2", "v_2"),
        Pair("v_1", "1"),
        Pair("v_3", "v_3"),
        Pair("3", None),
        Pair("only_a", None),
        Pair(None, "only_b"),
    ]


def test_equal_parts_of_time_are_averaged():
    rows = np.array([[0.0], [3.0], [6.0]])
    assert average_parts(rows, 1).tolist() == [[3]]
    # Each half holds one row and half of the middle one.
    assert average_parts(rows, 2) == pytest.approx(np.array([[1.0], [5.0]]))
    assert average_parts(rows, 3) == pytest.approx(rows)
    assert average_parts(rows, 6) == pytest.approx(np.array([[0], [0], [3], [3], [6], [6]]))


def test_the_cosine_is_that_of_the_vectors():
    angle = math.radians(30)
    a = np.tile([1.0, 0.0], (7, 1))
    b = 5 * np.tile([math.cos(angle), math.sin(angle)], (3, 1))
    found = similarity(a, b)
    assert found.mean == pytest.approx(math.sqrt(3) / 2)
    assert found.over_time == pytest.approx(np.full(TIME_BINS, math.sqrt(3) / 2))


def test_the_cosine_over_time_shows_where_two_arrays_part():
    a = np.tile([1.0, 0.0], (40, 1))
    b = np.concatenate([np.tile([2.0, 0.0], (10, 1)), np.tile([0.0, 2.0], (10, 1))])
    found = similarity(a, b)
    assert found.over_time == pytest.approx([1] * 10 + [0] * 10)
    assert found.mean == pytest.approx(0.5)


def test_rows_of_zeros_are_like_nothing():
    assert similarity(np.zeros((3, 2)), np.ones((3, 2))).mean == 0


def test_other_widths_have_no_cosine():
    assert similarity(np.ones((3, 2)), np.ones((3, 4))) is None


def test_the_baseline_pairs_each_video_with_another():
    # One direction each: alike to itself alone.
    rows = {f"video{index}": np.eye(5)[[index]] for index in range(5)}
    videos = list(compare(rows, rows))
    assert [video.similarity.mean for video in videos] == pytest.approx([1] * 5)
    assert [video.unrelated.mean for video in videos] == pytest.approx([0] * 5)


def test_centring_takes_off_what_all_rows_have_in_common():
    common, own = np.array([100.0, 0.0]), np.array([[0.0, 1.0], [0.0, 3.0]])
    rows = {"up": common + own, "down": common - own, "broad": np.ones((1, 3))}
    centred = Centred(rows)
    assert centred["up"].tolist() == [[0, 1], [0, 3]]
    assert centred["down"].tolist() == [[0, -1], [0, -3]]
    with pytest.raises(ValueError, match="broad: expected rows of width 2 to centre, found 3"):
        centred["broad"]
    assert similarity(rows["up"], rows["down"]).mean == pytest.approx(1, abs=1e-2)
    assert similarity(centred["up"], centred["down"]).mean == pytest.approx(-1)


def test_a_single_video_has_no_baseline():
    (video,) = compare({"a": np.ones((1, 2))}, {"a": np.ones((1, 2))})
    assert video.similarity.mean == pytest.approx(1)
    assert video.unrelated is None


class Watched(Mapping):
    """Arrays made when asked for, which counts how many of them are alive."""

    def __init__(self, names):
        self.names, self.made, self.most = names, [], 0

    def __getitem__(self, name):
        array = np.ones((2, 2))
        self.made.append(weakref.ref(array))
        self.most = max(self.most, sum(made() is not None for made in self.made))
        return array

    def __iter__(self):
        return iter(self.names)

    def __len__(self):
        return len(self.names)


def test_only_a_few_arrays_are_in_memory_at_a_time():
    names = [f"v{index}" for index in range(30)]
    a, b = Watched(names), Watched(names)
    assert len(list(compare(a, b))) == 30
    # The one at hand and the one before it.
    assert (a.most, b.most) == (2, 2)


def by_recipe(recipe, ending, seconds, prefix=""):
    return {
        f"{prefix}{name}": np.ones((recipe.rows(Length(0, duration), ending), 4)) + np.eye(4)[index % 4]
        for index, (name, duration) in enumerate(seconds.items())
    }


SECONDS = {f"video{index}": 11.3 + 3.7 * index for index in range(12)}


def test_the_command_writes_a_table_a_summary_and_a_picture(tmp_path, capsys):
    charades, every_second = (
        RECIPES[0],
        next(recipe for recipe in RECIPES if recipe.name.startswith("a row a")),
    )
    save(tmp_path / "a", by_recipe(charades, "every", SECONDS, prefix="v_"))
    save(tmp_path / "b", by_recipe(every_second, "floor", {**SECONDS, "more": 5.0}))
    (tmp_path / "b" / "video3.npy").write_bytes(b"broken")
    (tmp_path / "durations.json").write_text(json.dumps(SECONDS))
    arguments = ["compare", str(tmp_path / "a"), str(tmp_path / "b"), "--out", str(tmp_path / "out")]
    assert main([*arguments, "--durations", str(tmp_path / "durations.json")]) == 0
    out = capsys.readouterr().out
    assert "12 in both (12 of them matched without the prefix v_), 0 only in A, 1 only in B, 1 that" in out
    assert f"*    0.00    +0.00  100 %      12  {charades.name}; a window begins at every stride" in out
    assert f"*    0.00    +0.00  100 %      11  {every_second.name}; only full windows" in out

    with (tmp_path / "out" / "comparison.tsv").open() as file:
        rows = {row["video"]: row for row in csv.DictReader(file, delimiter="\t")}
    assert set(rows) == {*(f"v_{name}" for name in SECONDS), "more"}
    # 11.3 s at 24 frames per second are 271 frames, 12 windows of two rows; 11 whole seconds.
    first = rows["v_video0"]
    assert [first[key] for key in ("id_b", "rows_a", "rows_b", "seconds")] == ["video0", "24", "11", "11.3"]
    assert float(first["cosine"]) == pytest.approx(1)
    assert float(first["ratio"]) == pytest.approx(11 / 24, rel=1e-4)
    assert "video3.npy: expected an array of numbers" in rows["v_video3"]["fault"]
    assert rows["v_video3"]["cosine"] == rows["v_video3"]["rows_b"] == rows["more"]["rows_a"] == ""

    summary = json.loads((tmp_path / "out" / "summary.json").read_text())
    assert summary["recipes"]["a"][0]["explains"] is True
    assert len(summary["cosine_over_time"]) == TIME_BINS
    with Image.open(tmp_path / "out" / "comparison.png") as picture:
        assert picture.width > 800


def test_without_durations_the_line_through_the_lengths_is_told(tmp_path, capsys):
    charades, every_two = RECIPES[0], next(recipe for recipe in RECIPES if "every 2 s" in recipe.name)
    save(tmp_path / "a", by_recipe(charades, "every", SECONDS))
    save(tmp_path / "b", by_recipe(every_two, "floor", SECONDS))
    (tmp_path / "b" / "video0.json").write_text('{"title": "what a publisher has to say"}')
    main(["compare", str(tmp_path / "a"), str(tmp_path / "b"), "--out", str(tmp_path / "out")])
    out = capsys.readouterr().out
    assert "nothing describes how they were made" in out
    assert "recipes: no durations are known" in out
    assert "; about 1 : 4\n" in out
    assert f"could be those of A by: {charades.name}; B by: {every_two.name}\n" in out


def test_lengths_that_are_all_equal_have_no_line_through_them(tmp_path, capsys):
    save(tmp_path / "a", by_recipe(RECIPES[0], "every", SECONDS))
    save(tmp_path / "b", {name: np.ones((64, 4)) for name in SECONDS})
    assert main(["compare", str(tmp_path / "a"), str(tmp_path / "b"), "--out", str(tmp_path / "out")]) == 0
    assert "lengths: fewer than 3 different lengths in one of them, no line" in capsys.readouterr().out


def test_lengths_that_are_too_alike_tell_no_rate(tmp_path, capsys):
    a, b = (30, 31, 32, 30, 31), (11, 11, 12, 12, 11)
    save(tmp_path / "a", {str(video): np.ones((rows, 2)) for video, rows in enumerate(a)})
    save(tmp_path / "b", {str(video): np.ones((rows, 2)) for video, rows in enumerate(b)} | {"5": [[1, 1]]})
    save(tmp_path / "a", {"5": np.ones((33, 2))})
    main(["compare", str(tmp_path / "a"), str(tmp_path / "b"), "--out", str(tmp_path / "out")])
    assert "; too uncertain to tell the recipes' rates from it\n" in capsys.readouterr().out


def test_lengths_that_no_recipe_gives_are_said_to_be_unexplained(tmp_path, capsys):
    odd = {name: np.ones((round(3.7 * seconds), 2)) for name, seconds in SECONDS.items()}
    save(tmp_path / "a", odd)
    (tmp_path / "d.tsv").write_text("video\tseconds\n" + "".join(f"{n}\t{s}\n" for n, s in SECONDS.items()))
    arguments = ["compare", str(tmp_path / "a"), str(tmp_path / "a"), "--out", str(tmp_path / "out")]
    assert main([*arguments, "--durations", str(tmp_path / "d.tsv")]) == 0
    out = capsys.readouterr().out
    assert "recipes for the rows of A: none explains them" in out
    assert "recipes at the native rate were not tried: no frame rates are known" in out


def test_descriptions_tell_durations_frame_rates_and_their_own_recipe(tmp_path, capsys):
    native = next(recipe for recipe in RECIPES if recipe.rate is None)
    a = {name: np.ones((native.rows(Length(0, s, 25.0), "floor"), 2)) for name, s in SECONDS.items()}
    save(tmp_path / "a", a)
    save(tmp_path / "b", by_recipe(RECIPES[0], "every", SECONDS))
    for name, array in a.items():
        made = {
            **{"kind": "i3d", "code_version": 1, "source_sha256": "0", "libraries": {}, "key": "0"},
            "files": {},
            "parameters": {
                **{"weights": "random", "seed": 0, "precision": "float32", "frame_rate": None, "window": 16},
                **{"stride": 16, "shorter_side": 224, "shrink": True, "crop": 224},
            },
            "windows": len(array),
            "row_seconds": [[0.64 * row, 0.64 * (row + 1)] for row in range(len(array))],
        }
        (tmp_path / "a" / f"{name}.json").write_text(json.dumps(made))
    main(["compare", str(tmp_path / "a"), str(tmp_path / "b"), "--out", str(tmp_path / "out")])
    out = capsys.readouterr().out
    assert "   12 described as i3d: every frame, windows of 16 every 16, shorter side scaled to 224" in out
    assert "durations: of 12 videos, from the descriptions of A" in out
    assert f"*    0.00    +0.00  100 %      12  {native.name}" in out
    assert f"{RECIPES[0].name}; a window begins at every stride" in out


def test_other_widths_are_said_and_the_rest_is_compared(tmp_path, capsys):
    save(tmp_path / "a", {"x": np.ones((4, 2)), "y": np.ones((6, 2))})
    save(tmp_path / "b", {"x": np.ones((2, 3)), "y": np.ones((3, 3))})
    assert main(["compare", str(tmp_path / "a"), str(tmp_path / "b"), "--out", str(tmp_path / "out")]) == 0
    out = capsys.readouterr().out
    assert "cosine: not computed, for no video has the same width in both (A [2], B [3])" in out
    assert (tmp_path / "out" / "comparison.png").is_file()


def test_centring_is_a_choice_and_is_said(tmp_path, capsys):
    rows = {name: 100 + np.tile(direction, (3, 1)) for name, direction in zip("xyz", np.eye(3), strict=True)}
    save(tmp_path / "a", rows)
    arguments = ["compare", str(tmp_path / "a"), str(tmp_path / "a"), "--out", str(tmp_path / "out")]
    for options, unrelated in (([], 1.0), (["--centre"], -0.5)):
        assert main([*arguments, *options]) == 0
        assert ("(of rows less the mean row of their folder)" in capsys.readouterr().out) == bool(options)
        summary = json.loads((tmp_path / "out" / "summary.json").read_text())
        assert summary["quantiles"]["cosine"]["median"] == pytest.approx(1, abs=1e-6)
        median = summary["quantiles"]["cosine of unrelated videos"]["median"]
        # Three directions around their mean lie 120 degrees apart.
        assert median == pytest.approx(unrelated, abs=1e-3)


def test_folders_without_a_common_video_are_refused_with_a_name_of_each(tmp_path, capsys):
    save(tmp_path / "a", {"x": np.ones((4, 2))})
    save(tmp_path / "b", {"y": np.ones((4, 2))})
    assert main(["compare", str(tmp_path / "a"), str(tmp_path / "b"), "--out", str(tmp_path / "out")]) == 1
    assert "expected videos in both, found none" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_names_with_line_breaks_tabs_and_no_unicode_are_compared_and_told(tmp_path, capsys):
    generator = np.random.default_rng(0)
    names = ["line\nbreak", "tab\there", os.fsdecode(b"caf\xe9"), "plain"]
    arrays = {name: generator.normal(size=(5, 3)) for name in names}
    for side in "ab":
        save(tmp_path / side, arrays)
    assert main(["compare", str(tmp_path / "a"), str(tmp_path / "b"), "--out", str(tmp_path / "out")]) == 0
    assert "4 in both" in capsys.readouterr().out
    lines = (tmp_path / "out" / "comparison.tsv").read_text().splitlines()
    assert sorted(from_cell(line.split("\t")[0]) for line in lines[1:]) == sorted(names)


def test_numbers_too_large_to_compare_are_an_unreadable_array(tmp_path, capsys):
    for side in "ab":
        save(tmp_path / side, {"good": np.ones((5, 3)), "huge": np.full((5, 3), 1e20)})
    assert main(["compare", str(tmp_path / "a"), str(tmp_path / "b"), "--out", str(tmp_path / "out")]) == 0
    assert "1 that cannot be read" in capsys.readouterr().out
