"""CSV as a spreadsheet writes it: what is read from it, in seconds, and what is refused."""

import csv
import logging
import math
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from shared_data import CHARADES, needs_annotations

from img.config.dataset import Annotations
from img.data.annotations.query import Query
from img.data.annotations.reading import read_queries
from img.data.annotations.times import parse_time

HEADER = "video,start,end,sentence\n"


def read(folder: Path, content: str | bytes) -> list[Query]:
    path = folder / "train.csv"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return read_queries(Annotations(format="csv", splits={"train": path}))


def test_a_row_is_a_query_called_after_its_place_in_the_sheet(tmp_path: Path) -> None:
    first, second = read(
        tmp_path, HEADER + "kitchen 1,0.5,2,A man opens the fridge.\n\nb,0:03,1:06.5,He sits.\n"
    )
    assert (first.query, first.video, first.start, first.end) == ("train_2", "kitchen 1", 0.5, 2.0)
    assert (first.sentence, first.fault) == ("A man opens the fridge.", "")
    assert math.isnan(first.duration)
    assert (second.query, second.video, second.start, second.end) == ("train_4", "b", 3.0, 66.5)


@pytest.mark.parametrize(
    "content",
    [
        "sentence;Start; END ;video\nHe sits, then stands.;1,5;0:02:03,25;a\n",
        'note\tvideo\tstart\tend\tsentence\nx\ta\t1.5\t2:03.25\t"He sits, then stands."\n',
        'end,start,"video",sentence,,\n123.25,1.5,a,"He sits, then stands.",,\n',
        '\ufeffvideo,start,end,sentence\r\n a , 1.5 ,2:03.25,"He sits, then stands."\r\n\r\n',
        'video,start,end,sentence\ra,1.5,2:03.25,"He sits, then stands."\r',
    ],
    ids=["semicolons and decimal commas", "tabs", "any order", "byte order mark and CRLF", "CR"],
)
def test_what_spreadsheets_write_is_read_alike(tmp_path: Path, content: str) -> None:
    (query,) = read(tmp_path, content)
    assert (query.video, query.start, query.end) == ("a", 1.5, 123.25)
    assert query.sentence == "He sits, then stands."


def test_a_duration_in_any_row_of_a_video_is_that_of_all_its_rows(tmp_path: Path) -> None:
    rows = "a,0:10,0,2,One.\na,,8,12,Two.\nb,,0,99,Three.\na,10,11,12,Four.\n"
    queries = read(tmp_path, "video,duration,start,end,sentence\n" + rows)
    assert [query.duration for query in queries[:2]] == [10.0, 10.0]
    assert (queries[1].end, queries[1].fault) == (10.0, "")
    assert math.isnan(queries[2].duration)
    assert queries[2].end == 99.0
    assert queries[3].fault == "its start 11 s lies outside the video of 10 s"


@pytest.mark.parametrize(
    ("content", "place", "reason"),
    [
        ("video,start,sentence\na,1,x\n", "row 1", "missing: end; found 'video,start,sentence'"),
        ("video|start|end|sentence\na|1|2|x\n", "row 1", "missing: video, start, end, sentence"),
        ("", "row 1", "expected a header"),
        (HEADER + "a,1,2,He sits, then stands.\n", "row 2", "found 5: 'a,1,2,He sits, then stands.'"),
        (HEADER + "a,1,2\n", "row 2", "expected 4 cells as in the header, found 3"),
        (HEADER + "a,1,2,x\na,1:5,2,x\n", "row 3: start", "expected seconds, m:ss or h:mm:ss, found '1:5'"),
        (HEADER + 'a,"1,5",2,x\n', "row 2: start", "found '1,5'"),
        (HEADER + "a,1,,x\n", "row 2: end", "found ''"),
        (HEADER + ",1,2,x\n", "row 2", "expected ids of videos that can name files, found ''"),
        (HEADER + "videos/a.mp4,1,2,x\n", "row 2", "found 'videos/a.mp4'"),
        (HEADER + 'a,1,2,"x\n', "row 2", "expected CSV, found something else (unexpected end of data)"),
        ("video,start,end,end,sentence\na,1,2,3,x\n", "row 1", "found end 2 times"),
        (
            "video,start,end,sentence,duration\na,1,2,x,9\na,1,2,x,8\n",
            "row 3: duration",
            "expected one duration of video 'a', found 8 s after 9 s",
        ),
    ],
)  # fmt: skip
def test_a_fault_is_refused_with_its_file_and_row(
    tmp_path: Path, content: str, place: str, reason: str
) -> None:
    with pytest.raises(ValueError, match="expected") as error:
        read(tmp_path, content)
    assert str(error.value).startswith(f"{tmp_path / 'train.csv'}, {place}: ")
    assert reason in str(error.value)


def test_an_empty_sentence_is_left_out_and_told(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    queries = read(tmp_path, HEADER + "a,1,2,x\na,1,2,  \n")
    assert [query.fault for query in queries] == ["", "its sentence is empty"]
    assert "train_3 of video a is left out: its sentence is empty" in caplog.text


def test_a_file_of_which_nothing_can_be_used_is_refused_and_milliseconds_are_named(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="found none among its 2") as error:
        read(tmp_path, "video,start,end,sentence,duration\na,1500,2000,x,9\na,3000,4000,y,9\n")
    assert "as milliseconds its times would lie inside, but times are in seconds" in str(error.value)


def test_videos_that_are_trained_on_and_asked_about_are_counted(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    for split, videos in (("train", "ab"), ("test", "bc")):
        rows = "".join(f"{video},1,2,x\n" for video in videos)
        (tmp_path / f"{split}.csv").write_text(HEADER + rows)
    splits = {split: tmp_path / f"{split}.csv" for split in ("train", "test")}
    with caplog.at_level(logging.WARNING):
        read_queries(Annotations(format="csv", splits=splits))
    assert "1 of 2 videos of split test are in split train too, such as b" in caplog.text


def test_an_id_with_and_without_suffix_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"found 'arm\.mp4' and 'arm'"):
        read(tmp_path, HEADER + "arm,1,2,x\narm.mp4,1,2,x\n")


@needs_annotations
@pytest.mark.parametrize(("delimiter", "decimal"), [(",", "."), (";", ","), ("\t", ".")])
def test_the_real_charades_reads_the_same_as_a_sheet(tmp_path: Path, delimiter: str, decimal: str) -> None:
    test, durations = CHARADES / "charades_sta_test.txt", CHARADES / "charades.json"
    real = Annotations(format="charades_sta", splits={"train": test}, durations=durations)
    expected = read_queries(real)
    with (tmp_path / "train.csv").open("w", newline="", encoding="utf-8-sig") as file:
        table = csv.writer(file, delimiter=delimiter)
        table.writerow(["sentence", "duration", "end", "start", "video"])
        for query in expected:
            times = (str(time).replace(".", decimal) for time in (query.duration, query.end, query.start))
            table.writerow([query.sentence, *times, query.video])
    found = read_queries(Annotations(format="csv", splits={"train": tmp_path / "train.csv"}))
    assert len(found) == 3_720
    assert [replace(query, query="") for query in found] == [replace(query, query="") for query in expected]


HUNDREDTHS = st.integers(0, 359_999_99)


@given(HUNDREDTHS)
def test_every_time_reads_the_same_however_it_is_written(hundredths: int) -> None:
    seconds, part = divmod(hundredths, 100)
    expected = float(f"{seconds}.{part:02d}")
    minutes, rest = divmod(seconds, 60)
    clock = f"{rest:02d}.{part:02d}"
    for text in (
        f"{seconds}.{part:02d}",
        f"{minutes}:{clock}",
        f"{minutes // 60}:{minutes % 60:02d}:{clock}",
        f"0{minutes // 60}:{minutes % 60:02d}:{clock}",
    ):
        # Sums of minutes and seconds differ from the decimal number in the last bits at most.
        assert math.isclose(parse_time(text, "here"), expected, rel_tol=1e-15, abs_tol=1e-12)


@given(st.integers(0, 500), st.integers(60, 99))
def test_sixty_seconds_or_minutes_after_a_colon_are_refused(minutes: int, beyond: int) -> None:
    for text in (f"{minutes}:{beyond}", f"{minutes}:{beyond}:00", f"{minutes}:00:{beyond}"):
        with pytest.raises(ValueError, match="expected seconds, m:ss or h:mm:ss"):
            parse_time(text, "here")


@given(st.text("0123456789:.,+-eE _", max_size=12))
def test_any_text_is_read_as_a_time_or_refused_in_words(text: str) -> None:
    try:
        seconds = parse_time(text, "here")
    except ValueError as error:
        seconds = 0.0 if str(error).startswith("here: expected seconds") else math.nan
    assert -1e6 <= seconds <= 1e6
