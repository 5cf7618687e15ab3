import pytest

from extractors.media.decoding import Decoded, Finished, Passed, Restarted
from extractors.media.errors import MediaError
from extractors.media.sampling import Window
from extractors.media.writing import write_videos
from extractors.storage.texts import Text, read_texts, write_texts


def test_texts_are_read_as_they_were_written(tmp_path):
    texts = [
        Text(0.0, 1.25, 'He says "hé\u2028ho"\n\ttwice'),
        Text(3.0, 3.0, "one frame"),
        Text(2.0, 9.0, "x"),
    ]
    write_texts(tmp_path / "a.jsonl", texts)
    assert read_texts(tmp_path / "a.jsonl") == texts
    assert (tmp_path / "a.jsonl").read_text(encoding="utf-8").count("\n") == 3


def test_no_texts_are_an_empty_file(tmp_path):
    write_texts(tmp_path / "a.jsonl", [])
    assert (tmp_path / "a.jsonl").read_bytes() == b""
    assert read_texts(tmp_path / "a.jsonl") == []


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        ('{"start": 0, "end": 1}', "expected the keys start, end and text"),
        ('{"start": 0, "end": 1, "text": "a", "more": 1}', "expected the keys start, end and text"),
        ('{"start": 2, "end": 1, "text": "a"}', "expected an end that is not before the start 2, found 1"),
        ('{"start": -1, "end": 1, "text": "a"}', "start: expected seconds from 0, found -1"),
        ('{"start": true, "end": 1, "text": "a"}', "start: expected seconds from 0, found True"),
        ('{"start": 0, "end": NaN, "text": "a"}', "end: expected seconds from 0, found nan"),
        ('{"start": 0, "end": 1, "text": " "}', "text: expected words"),
        ('{"start": 0, "start": 1, "end": 1, "text": "a"}', "expected each key of an object once"),
        ("[1]", "expected the keys"),
        ("word", "expected JSON"),
    ],
)
def test_a_line_that_is_no_text_is_named(tmp_path, line, fault):
    path = tmp_path / "a.jsonl"
    path.write_text('{"start": 0, "end": 1, "text": "good"}\n' + line + "\n")
    with pytest.raises(ValueError, match=rf"a\.jsonl, line 2: .*{fault}"):
        read_texts(path)


def test_blank_texts_are_not_written(tmp_path):
    with pytest.raises(ValueError, match="line 1: text: expected words"):
        write_texts(tmp_path / "a.jsonl", [Text(0, 1, "  ")])
    assert not (tmp_path / "a.jsonl").exists()


class Counter:
    """Writes how many windows it was given at a time."""

    facts: dict[str, object] = {}  # noqa: RUF012

    def __init__(self, windows_at_once=None):
        self.windows_at_once = windows_at_once

    def write(self, windows):
        return [Text(windows[0].start, windows[-1].end, f"{len(windows)} windows")]


def decoded(video, *seconds):
    return [Decoded(video, Window(None, float(second), second + 1.0)) for second in seconds]


def test_a_videos_windows_are_written_together_and_with_no_other_videos():
    events = [*decoded(0, 0, 1, 2), Finished(0, "pyav"), *decoded(1, 0), Finished(1, "pyav")]
    first, second = (texts for _, texts in write_videos(Counter(), events))
    assert first.texts == (Text(0, 3, "3 windows"),)
    assert (first.covered, first.windows, first.decoder) == (3, 3, "pyav")
    assert second.texts == (Text(0, 1, "1 windows"),)


def test_a_writer_may_take_a_videos_windows_a_few_at_a_time():
    events = [*decoded(0, 0, 1, 2), *decoded(1, 0), Finished(0, "pyav"), Finished(1, "pyav")]
    found = dict(write_videos(Counter(2), events))
    assert [text.text for text in found[0].texts] == ["2 windows", "1 windows"]
    assert [text.text for text in found[1].texts] == ["1 windows"]


def test_a_decoder_that_begins_again_is_heard_once_and_faults_are_handed_on():
    reason = MediaError("bad")
    events = [
        *decoded(0, 0, 1),
        Restarted(0, reason),
        *decoded(0, 0),
        Finished(0, "second"),
        Passed(1),
        *decoded(2, 0),
        Finished(2, "second", reason),
        Finished(3, "second"),
    ]
    found = dict(write_videos(Counter(), events))
    assert found[0].texts == (Text(0, 1, "1 windows"),)
    assert found[1] is None
    assert found[2] is reason
    assert "found no window" in str(found[3])
