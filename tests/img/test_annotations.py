import json
from pathlib import Path

import pytest
from shared_data import ACTIVITYNET, CHARADES, needs_annotations

from img.config.dataset import Annotations
from img.data.annotations.durations import read_durations
from img.data.annotations.reading import read_queries


def charades(folder: Path, text: str, durations: dict[str, float] | None = None) -> Annotations:
    """Annotations with a train split only."""
    (folder / "train.txt").write_text(text)
    videos = {"AO8RW": 33.67, "Y6R7T": 30.0} if durations is None else durations
    (folder / "durations.json").write_text(json.dumps({v: {"duration": d} for v, d in videos.items()}))
    return Annotations(
        format="charades_sta",
        splits={"train": folder / "train.txt"},
        durations=folder / "durations.json",
    )


def activitynet(folder: Path, content: object) -> Annotations:
    """Annotations with a train split only."""
    (folder / "train.json").write_text(json.dumps(content))
    return Annotations(format="activitynet_captions", splits={"train": folder / "train.json"})


def test_a_charades_line_without_an_id_is_named_after_its_place(tmp_path: Path) -> None:
    (query,) = read_queries(charades(tmp_path, "AO8RW 0.0 6.9##a person is putting a book on a shelf.\n"))
    assert (query.query, query.split, query.video) == ("train_0", "train", "AO8RW")
    assert (query.duration, query.start, query.end) == (33.67, 0.0, 6.9)
    assert query.sentence == "a person is putting a book on a shelf."
    assert query.fault == ""


def test_a_charades_line_with_an_id_keeps_it(tmp_path: Path) -> None:
    (query,) = read_queries(charades(tmp_path, "Y6R7T 20.8 30.0##qid_12##person begins to play.\n"))
    assert (query.query, query.sentence) == ("qid_12", "person begins to play.")


def test_a_charades_sentence_may_hold_any_separator(tmp_path: Path) -> None:
    (query,) = read_queries(charades(tmp_path, "Y6R7T 1 2##a ## b\x0bc\u2028d\n"))
    assert query.sentence == "a ## b\x0bc\u2028d"


def test_an_end_after_the_video_is_clamped_to_its_duration(tmp_path: Path) -> None:
    (query,) = read_queries(charades(tmp_path, "AO8RW 30.0 40.5##someone leaves.\n"))
    assert (query.start, query.end, query.fault) == (30.0, 33.67, "")


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("AO8RW 33.67 40##someone leaves.", "its start 33.67 s lies outside the video of 33.67 s"),
        ("AO8RW -1 4##someone leaves.", "its start -1 s lies before the video"),
        ("AO8RW 5 5##someone leaves.", "its end 5 s does not come after its start 5 s"),
        ("AO8RW 5 4##someone leaves.", "its end 4 s does not come after its start 5 s"),
        ("AO8RW 5 6## ", "its sentence is empty"),
    ],
)
def test_a_query_that_cannot_be_used_says_why_and_the_others_go_on(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, line: str, reason: str
) -> None:
    text = f"Y6R7T 1 2##one.\n{line}\nY6R7T 3 4##two.\n"
    first, faulty, last = read_queries(charades(tmp_path, text))
    assert (first.fault, faulty.fault, last.fault) == ("", reason, "")
    assert f"train_1 of video AO8RW is left out: {reason}" in caplog.text
    assert "1 of 3 queries are left out" in caplog.text


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (
            "AO8RW 1 2 someone leaves.",
            "expected `video start end##sentence`, found 'AO8RW 1 2 someone leaves.'",
        ),
        ("AO8RW 1##someone leaves.", "expected `video start end##sentence`"),
        ("AO8RW one 2##someone leaves.", "expected seconds, found 'one'"),
        ("AO8RW 1 nan##someone leaves.", "expected seconds, found 'nan'"),
        ("XXXXX 1 2##someone leaves.", "video 'XXXXX' has no entry in the durations file"),
    ],
)
def test_a_malformed_charades_line_is_refused_with_its_file_and_number(
    tmp_path: Path, line: str, message: str
) -> None:
    annotations = charades(tmp_path, f"Y6R7T 1 2##one.\n\n{line}\n")
    with pytest.raises(ValueError, match=r"expected|has no entry") as error:
        read_queries(annotations)
    assert str(error.value).startswith(f"{tmp_path / 'train.txt'}, line 3: ")
    assert message in str(error.value)


def test_a_file_without_queries_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"train\.txt: expected queries, found none"):
        read_queries(charades(tmp_path, "\n\n"))


def test_an_activitynet_entry_gives_a_query_for_each_sentence(tmp_path: Path) -> None:
    content = {
        "v_a-_b": {
            "duration": 80,
            "timestamps": [[0.5, 19], [60, 99.5]],
            "sentences": ["A dance. ", " It ends."],
        },
        "v_c": {"duration": 10.5, "timestamps": [[0, 10.5]], "sentences": ["All."]},
    }
    queries = read_queries(activitynet(tmp_path, content))
    assert [q.query for q in queries] == ["v_a-_b_0", "v_a-_b_1", "v_c_0"]
    assert [q.video for q in queries] == ["v_a-_b", "v_a-_b", "v_c"]
    assert [(q.duration, q.start, q.end) for q in queries] == [(80, 0.5, 19), (80, 60, 80), (10.5, 0, 10.5)]
    assert [q.sentence for q in queries] == ["A dance.", "It ends.", "All."]


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ({"duration": 5, "timestamps": []}, r"expected the keys .*; missing: sentences"),
        ([], "expected the keys"),
        (7, "expected the keys"),
        (
            {"duration": 5, "timestamps": [[0, 1]], "sentences": ["a", "b"]},
            "expected as many timestamps as sentences, found 1 and 2",
        ),
        ({"duration": None, "timestamps": [[0, 1]], "sentences": ["a"]}, "expected seconds, found None"),
        (
            {"duration": 5, "timestamps": [[0]], "sentences": ["a"]},
            r"expected a start and an end, found \[0\]",
        ),
        ({"duration": 5, "timestamps": [3], "sentences": ["a"]}, "expected a start and an end, found 3"),
        ({"duration": 5, "timestamps": [[0, 1]], "sentences": [None]}, "expected a sentence, found None"),
    ],
)
def test_a_malformed_activitynet_entry_is_refused_with_its_file_and_video(
    tmp_path: Path, entry: object, message: str
) -> None:
    with pytest.raises(ValueError, match=message) as error:
        read_queries(activitynet(tmp_path, {"v_x": entry}))
    assert str(error.value).startswith(f"{tmp_path / 'train.json'}, video v_x: ")


@pytest.mark.parametrize("text", ["{", '["v_x"]'])
def test_an_activitynet_file_that_is_no_object_is_refused_with_its_name(tmp_path: Path, text: str) -> None:
    annotations = activitynet(tmp_path, {})
    (tmp_path / "train.json").write_text(text)
    with pytest.raises(ValueError, match=r"train\.json: expected"):
        read_queries(annotations)


@pytest.mark.parametrize("text", ["[]", '{"a": 3}', '{"a": {"length": 3}}', '{"a": {"duration": "long"}}'])
def test_malformed_durations_are_refused_with_the_file_and_the_format(tmp_path: Path, text: str) -> None:
    path = tmp_path / "durations.json"
    path.write_text(text)
    with pytest.raises(ValueError, match=r'durations\.json: expected \{video: \{"duration": seconds\}\}'):
        read_durations(path)


@needs_annotations
@pytest.mark.parametrize("suffix", ["", "_qid"])
def test_the_real_charades_sta_parses_completely(suffix: str) -> None:
    queries = read_queries(
        Annotations(
            format="charades_sta",
            splits={
                "train": CHARADES / f"charades_sta_train{suffix}.txt",
                "test": CHARADES / f"charades_sta_test{suffix}.txt",
                "audiomatter": CHARADES / "charades_audiomatter_qid.txt",
            },
            durations=CHARADES / "charades.json",
        )
    )
    by_split = {split: [q for q in queries if q.split == split] for split in ("train", "test", "audiomatter")}
    assert {split: len(found) for split, found in by_split.items()} == {
        "train": 12408,
        "test": 3720,
        "audiomatter": 1196,
    }
    assert len({q.video for q in by_split["train"]}) == 5338
    assert len({q.video for q in by_split["test"]}) == 1334
    assert all(len({q.query for q in found}) == len(found) for found in by_split.values())
    assert not any(q.fault for q in queries)
    assert all(0 <= q.start < q.end <= q.duration for q in queries)
    assert {q.video for q in by_split["audiomatter"]} <= {q.video for q in by_split["test"]}


@pytest.mark.slow
@needs_annotations
def test_the_real_activitynet_captions_parse_completely() -> None:
    queries = read_queries(
        Annotations(
            format="activitynet_captions",
            splits={
                "train": ACTIVITYNET / "train.json",
                "test": ACTIVITYNET / "val_1.json",
                "val_2": ACTIVITYNET / "val_2.json",
            },
        )
    )
    counts = {split: sum(q.split == split for q in queries) for split in ("train", "test", "val_2")}
    assert counts == {"train": 37421, "test": 17505, "val_2": 17031}
    raw = json.loads((ACTIVITYNET / "train.json").read_text())
    backwards = sum(
        min(end, entry["duration"]) <= start for entry in raw.values() for start, end in entry["timestamps"]
    )
    assert sum(bool(q.fault) for q in queries if q.split == "train") == backwards > 0
    assert all(0 <= q.start < q.end <= q.duration for q in queries if not q.fault)


@pytest.mark.parametrize("video", ["../a", "a/b", ".a", "a\tb", "a  b", " a", ""])
def test_an_id_that_can_name_no_file_is_refused(tmp_path: Path, video: str) -> None:
    path = tmp_path / "train.json"
    path.write_text(json.dumps({video: {"duration": 3, "timestamps": [[0, 1]], "sentences": ["a."]}}))
    with pytest.raises(ValueError, match=r"train\.json: expected ids of videos that can name files, found"):
        read_queries(Annotations(format="activitynet_captions", splits={"train": path}))


def test_a_file_that_is_no_utf_8_is_refused_with_its_name(tmp_path: Path) -> None:
    (tmp_path / "train.txt").write_bytes("a 0.0 1.0##un café.".encode("latin-1"))
    (tmp_path / "durations.json").write_text('{"a": {"duration": 3}}')
    settings = Annotations(
        format="charades_sta",
        splits={"train": tmp_path / "train.txt"},
        durations=tmp_path / "durations.json",
    )
    with pytest.raises(ValueError, match=r"train\.txt: expected text in UTF-8"):
        read_queries(settings)
