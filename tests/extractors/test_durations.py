import json

import pytest

from extractors.provenance.known_durations import Duration, described_durations, read_durations


def test_json_of_seconds_or_of_objects_is_read(tmp_path):
    content = {"a": 3.5, "b": {"duration": 20, "subset": "training"}, "c": {"seconds": 1, "fps": 25}}
    (tmp_path / "d.json").write_text(json.dumps(content))
    assert read_durations(tmp_path / "d.json") == {
        "a": Duration(3.5),
        "b": Duration(20.0),
        "c": Duration(1.0, 25.0),
    }


@pytest.mark.parametrize("header", ["video\tseconds\tfps", "id\tduration\tframe_rate"])
def test_a_tab_separated_table_is_read(tmp_path, header):
    (tmp_path / "d.tsv").write_text(f"{header}\na\t3.5\t25\nb\t4\t\n")
    assert read_durations(tmp_path / "d.tsv") == {"a": Duration(3.5, 25.0), "b": Duration(4.0)}


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("d.json", "[1]", "expected an object of ids to durations, found list"),
        ("d.json", '{"a": {"length": 3}}', "a: expected a duration in seconds"),
        ("d.json", '{"a": -1}', "a: expected a duration in seconds"),
        ("d.json", '{"a": "long"}', "a: expected a duration in seconds"),
        ("d.tsv", "name\tseconds\na\t1\n", r"expected a tab-separated table with a column video or id"),
        ("d.tsv", "video\tseconds\na\t\n", "a: expected a duration in seconds"),
        ("d.tsv", "video\tseconds\na\t1\nb\t2\na\t3\n", "expected a row for each id, found a twice"),
        ("d.tsv", "video\tseconds\tfps\na\t1\t-25\n", "a: expected a duration .* and, if any, a frame rate"),
        (
            "d.json",
            '{"a": {"seconds": 1, "fps": "nan"}}',
            "a: expected a duration .* and, if any, a frame rate",
        ),
    ],
)
def test_what_is_no_duration_is_named(tmp_path, name, text, message):
    (tmp_path / name).write_text(text)
    with pytest.raises(ValueError, match=rf"{name}: {message}"):
        read_durations(tmp_path / name)


def described(frame_rate, windows, row_seconds, window=16):
    parameters = {"window": window, "frame_rate": frame_rate}
    return {"parameters": parameters, "windows": windows, "row_seconds": row_seconds}


def test_descriptions_tell_the_duration_and_at_the_native_rate_the_frame_rate():
    native = described(None, 2, [[0, 0.32], [0.32, 0.64], [0.64, 0.96], [0.96, 1.28]])
    resampled = described(24, 2, [[0, 1], [1, 2]], window=24)
    moved_back = described(24, 2, [[0, 1], [0.5, 1.5]], window=24)
    assert described_durations([("a", native), ("b", resampled), ("c", moved_back)]) == {
        "a": Duration(1.28, pytest.approx(25)),
        "b": Duration(2),
        "c": Duration(1.5),
    }


def test_a_video_of_one_window_tells_no_frame_rate():
    assert described_durations([("a", described(None, 1, [[0, 0.1]]))]) == {"a": Duration(0.1)}
