"""`python -m img retrieve`: answers as text, as files, as pictures and as videos; faults in words."""

import csv
import json
from pathlib import Path

import av
import numpy as np
import pytest
from media import write_sound
from small_run import SILENT, SmallRun

from img.__main__ import main
from img.retrieval import Retriever
from img.retrieval.asking.writing import clock

pytestmark = [pytest.mark.usefixtures("tiny"), pytest.mark.slow]


def retrieve(small: SmallRun, *arguments: str | Path) -> int:
    shared = ["--run", str(small.folder), "--store", str(small.store)]
    return main(["retrieve", *shared, *map(str, arguments)])


@pytest.mark.parametrize(
    ("seconds", "told"),
    [(0, "0:00.0"), (59.94, "0:59.9"), (59.96, "1:00.0"), (61.25, "1:01.2"), (3725.0, "62:05.0")],
)
def test_times_are_minutes_and_seconds(seconds: float, told: str) -> None:
    assert clock(seconds) == told


def test_answers_are_told_and_written(
    small: SmallRun, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    four, silent = small.videos["four"], small.videos[SILENT]
    out = tmp_path / "answers"
    asked = ["--query", "the red fridge", "--answers", "2", "--branch", "visual"]
    for suffix in (".csv", ".json", ".jsonl"):
        assert retrieve(small, four, silent, *asked, "--out", out.with_suffix(suffix)) == 0
    told = capsys.readouterr()
    assert f"{SILENT}: no audio: the file has none" in told.err
    rows = list(csv.DictReader(out.with_suffix(".csv").open()))
    records = json.loads(out.with_suffix(".json").read_text())
    assert records == [json.loads(line) for line in out.with_suffix(".jsonl").read_text().splitlines()]
    retriever = Retriever.open(small.folder, small.store)
    answers = retriever.answer(retriever.encode(four), "the red fridge", 2, "visual")
    assert [(row["video"], row["rank"]) for row in rows] == [
        *(("four", str(rank)) for rank in range(1, len(answers) + 1)),
        *((row["video"], row["rank"]) for row in rows[len(answers) :]),
    ]
    for row, record, answer in zip(rows, records, answers, strict=False):
        assert (float(row["start"]), float(row["end"])) == (answer.start, answer.end)
        assert (record["start"], record["score"], record["branch"]) == (answer.start, answer.score, "visual")
        assert (row["unknown"], record["unknown"]) == ("fridge", ["fridge"])
        assert f"{clock(answer.start)}  {clock(answer.end)}" in told.out
    assert "importance" in told.out
    assert records[0]["importance"] is not None
    assert records[-1]["video"] == SILENT
    assert records[-1]["importance"] is None


def test_queries_of_a_file_are_asked_of_their_videos(
    small: SmallRun, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = tmp_path / "queries.txt"
    lines.write_text("the light\n\na blue light, far away\n")
    table = tmp_path / "queries.csv"
    table.write_text('Query,video\n"the light, again",four.mp4\nthe red light,silent\n')
    videos = small.videos["four"], small.videos[SILENT]
    assert retrieve(small, *videos, "--queries", lines) == 0
    assert capsys.readouterr().out.count("“a blue light, far away”") == 2
    assert retrieve(small, *videos, "--queries", table) == 0
    told = capsys.readouterr().out
    assert f"{videos[0]}: “the light, again”" in told
    assert f"{videos[1]}: “the red light”" in told
    assert told.count("“") == 2


def test_a_picture_and_the_moments_as_files(small: SmallRun, tmp_path: Path) -> None:
    picture, cuts, out = tmp_path / "a.png", tmp_path / "cuts", tmp_path / "a.json"
    asked = ["--query", "the light", "--answers", "2"]
    files = ["--picture", picture, "--cut", cuts, "--out", out]
    assert retrieve(small, small.videos["four"], *asked, *files) == 0
    assert picture.read_bytes().startswith(b"\x89PNG")
    records = json.loads(out.read_text())
    assert sorted(path.name for path in cuts.iterdir()) == [
        f"four_query1_rank{record['rank']}.mp4" for record in records
    ]
    for record in records:
        with av.open(str(cuts / f"four_query1_rank{record['rank']}.mp4")) as container:
            times = [frame.time for frame in container.decode(video=0)]
        # At 8 pictures a second, one lasts 0.125 s.
        assert times[-1] + 0.125 == pytest.approx(record["end"] - record["start"], abs=0.13)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["gone.mp4", "--query", "a"], "gone.mp4: expected a video file, found nothing"),
        (["garbage.mp4", "--query", "a"], "garbage.mp4: damaged, or not a media file"),
        (["heard.wav", "--query", "a"], "heard.wav: expected a video stream, found only audio"),
        (["{four}"], "--query: expected a sentence, or a file of them by --queries, found neither"),
        (["{four}", "--query", "  "], "query: expected a sentence, found no word"),
        (["{four}", "--query", "a", "--branch", "touch"], "branch: expected one of"),
        (["{four}", "--query", "a", "--out", "a.txt"], "expected a name that ends in .csv, .json, .jsonl"),
        (["{four}", "--query", "a", "--window", "0.1"], "window: expected at least 1 s, found 0.1"),
        (["{four}", "--query", "a", "--weights", "i3d"], "--weights: expected NAME=PATH, found 'i3d'"),
        (
            ["{four}", "{four}", "--query", "a"],
            "expected videos of different names, found several called four",
        ),
        (["{four}", "--query", "a", "--answers", "0"], "answers"),
    ],
    ids=lambda value: "",
)
def test_faults_are_told_in_words(
    small: SmallRun,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    told: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("garbage.mp4").write_bytes(bytes(range(256)) * 8)
    write_sound(Path("heard.wav"), np.zeros((1, 16000)), 16000)
    filled = [argument.format(four=small.videos["four"]) for argument in arguments]
    assert retrieve(small, *filled) == 1
    assert told in capsys.readouterr().err


def test_one_faulty_video_does_not_stop_the_others(
    small: SmallRun, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "a.csv"
    videos = [tmp_path / "gone.mp4", small.videos["four"]]
    assert retrieve(small, *videos, "--query", "the light", "--out", out) == 1
    assert {row["video"] for row in csv.DictReader(out.open())} == {"four"}
    assert "gone.mp4: expected a video file, found nothing" in capsys.readouterr().err
