"""Annotation files with one seeded fault each: refused with the file and the place, or read right."""

import codecs
import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from img.config.dataset import Annotations
from img.data.annotations.durations import read_durations
from img.data.annotations.query import Query
from img.data.annotations.reading import read_queries
from img.data.text.vocabulary import Vocabulary

SEEDS = range(2)
LINES = [f"V{n} {n}.5 {n + 4}##qid_{n}##a person does thing {n}." for n in range(6)]
ENTRIES: dict[str, Any] = {
    f"v_{n}": {
        "duration": 20.5 + n,
        "timestamps": [[0.5, 4], [3, 9.25]],
        "sentences": [f"Thing {n} begins.", "It ends."],
    }
    for n in range(6)
}

Random = random.Random


def read_charades(folder: Path, content: bytes, videos: int = 6) -> list[Query]:
    (folder / "train.txt").write_bytes(content)
    durations = {f"V{n}": {"duration": 20.0} for n in range(videos)}
    (folder / "durations.json").write_text(json.dumps(durations))
    return read_queries(
        Annotations(
            format="charades_sta",
            splits={"train": folder / "train.txt"},
            durations=folder / "durations.json",
        )
    )


def read_activitynet(folder: Path, content: bytes) -> list[Query]:
    (folder / "train.json").write_bytes(content)
    return read_queries(Annotations(format="activitynet_captions", splits={"train": folder / "train.json"}))


def refuse(read: Callable[[], object], file: Path, *places: str) -> None:
    """Expects a refusal that names the file and the place, in words that can be printed."""
    with pytest.raises(ValueError, match=r"expected|has no entry") as error:
        read()
    message = str(error.value)
    assert message.startswith(str(file))
    for place in places:
        assert place in message
    assert len(message.encode()) < 1000 + len(str(file))


def change_start(*values: str) -> Callable[[str, Random], str]:
    return lambda line, draw: line.replace(line.split()[1], draw.choice(values))


LINE_FAULTS: dict[str, Callable[[str, Random], str]] = {
    "no separator": lambda line, _: line.replace("##", " "),
    "no end": lambda line, _: line.replace(line.split("##")[0], " ".join(line.split("##")[0].split()[:2])),
    "a word for a number": lambda line, r: line.replace(
        line.split()[1], r.choice(["one", "0x1", "--1", "1.2.3"])
    ),
    "no number": lambda line, r: line.replace(line.split()[1], r.choice(["nan", "inf", "-Infinity", "NaN"])),
    "a number that Python alone reads": lambda line, r: line.replace(
        line.split()[1], r.choice(["1_0", "\u0663"])
    ),
    "a number too large": lambda line, r: line.replace(
        line.split()[1], r.choice(["1e300", "1e400", "9" * 400])
    ),
    "an unknown video": lambda line, _: "X" + line,
    "a path for a video": lambda line, r: r.choice(["../", ".", "a/"]) + line,
    "an unseen letter in a video": lambda line, r: r.choice(["\0", "\u200b", "\x7f"]) + line,
    "no number in an id": lambda line, r: line.replace("qid_", r.choice(["qid", "query_", "qid_x"])),
    "two records in a line": lambda line, _: f"{line}V0 1 2##a person leaves.",
    "one half of a query": lambda line, r: line[: r.randrange(1, line.index("##"))],
}


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("fault", LINE_FAULTS)
def test_a_fault_in_a_line_is_refused_with_its_number(tmp_path: Path, fault: str, seed: int) -> None:
    draw = Random(f"{fault} {seed}")
    place = draw.randrange(len(LINES))
    lines = [*LINES]
    lines[place] = LINE_FAULTS[fault](lines[place], draw)
    assert lines != LINES
    content = "\n".join(lines).encode()
    refuse(lambda: read_charades(tmp_path, content), tmp_path / "train.txt", f"line {place + 1}: ")


@pytest.mark.parametrize("seed", SEEDS)
def test_an_id_given_again_is_refused_with_both_lines_and_their_number(tmp_path: Path, seed: int) -> None:
    first, second, third = sorted(Random(seed).sample(range(len(LINES)), 3))
    lines = [*LINES]
    for place in (second, third):
        lines[place] = lines[place].replace(f"qid_{place}#", f"qid_{first}#")
    places = [f"qid_{first} in lines {first + 1} and {place + 1}" for place in (second, third)]
    content = "\n".join(lines).encode()
    refuse(
        lambda: read_charades(tmp_path, content), tmp_path / "train.txt", "found 2 ids given again", *places
    )


def test_a_line_given_again_without_an_id_is_a_query_of_its_own(tmp_path: Path) -> None:
    queries = read_charades(tmp_path, b"V0 1 2##a person sits.\nV0 1 2##a person sits.\n")
    assert [query.query for query in queries] == ["train_0", "train_1"]


@pytest.mark.parametrize("codec", ["utf-16", "utf-32", "latin-1", "cp1252"])
def test_text_of_another_encoding_is_refused_with_its_file(tmp_path: Path, codec: str) -> None:
    content = "\n".join(LINES).replace("person", "\u00e9l\u00e8ve").encode(codec)
    refuse(lambda: read_charades(tmp_path, content), tmp_path / "train.txt")


@pytest.mark.parametrize(
    "write",
    [
        lambda text: codecs.BOM_UTF8 + text.encode(),
        lambda text: text.replace("\n", "\r\n").encode(),
        lambda text: text.replace("\n", "\r").encode(),
        lambda text: text.replace("\n", "\n \n\n").encode(),
        lambda text: text.replace(".5 ", ".50 ").encode(),
        lambda text: text.replace(".5 ", ".5e0 ").encode(),
    ],
    ids=["byte order mark", "CRLF", "CR", "blank lines", "zeros", "exponents"],
)
def test_what_other_programs_write_is_read_right(tmp_path: Path, write: Callable[[str], bytes]) -> None:
    plain = read_charades(tmp_path, "\n".join(LINES).encode())
    assert [(query.start, query.end) for query in plain] == [(n + 0.5, n + 4) for n in range(6)]
    assert read_charades(tmp_path, write("\n".join(LINES))) == plain


def change(key: str, *values: Any) -> Callable[[dict[str, Any], Random], None]:
    def apply(entry: dict[str, Any], draw: Random) -> None:
        entry[key] = draw.choice(values)

    return apply


ENTRY_FAULTS: dict[str, Callable[[dict[str, Any], Random], None]] = {
    "no duration": lambda entry, _: entry.pop("duration"),
    "null for a duration": change("duration", None),
    "a truth value for a duration": change("duration", True, False),
    "text for a duration": change("duration", "12.5", "", "1_0"),
    "a list for a duration": change("duration", [12.5], [], {}),
    "no number for a duration": change("duration", float("nan"), float("inf"), -float("inf")),
    "a duration too large": change("duration", 1e300, 10**400, -(10**30)),
    "null for timestamps": change("timestamps", None, 3, "0, 1"),
    "a mapping for timestamps": change("timestamps", {"0": [0, 1], "1": [0, 1]}),
    "a span of another length": change("timestamps", [[0, 1], [0]], [[0, 1], [0, 1, 2]], [[0, 1], []]),
    "a span one list too deep": change("timestamps", [[[0, 1], [1, 2]]] * 2, [[0, 1], [[0, 1]]]),
    "a truth value for a time": change("timestamps", [[0, 1], [False, True]]),
    "text for a time": change("timestamps", [["0", "1"], [0, 1]]),
    "no number for a time": change("timestamps", [[0, float("nan")], [0, 1]], [[0, 1], [0, float("inf")]]),
    "fewer sentences": change("sentences", ["One."], []),
    "letters for sentences": change("sentences", "ab"),
    "null for a sentence": change("sentences", ["One.", None], [None, "Two."]),
    "a number for a sentence": change("sentences", ["One.", 2], [["One."], "Two."]),
    "half a character in a sentence": change("sentences", ["One \ud83d.", "Two."], ["One.", "\udc00"]),
}


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("fault", ENTRY_FAULTS)
def test_a_fault_in_an_entry_is_refused_with_its_video(tmp_path: Path, fault: str, seed: int) -> None:
    draw = Random(f"{fault} {seed}")
    entries = json.loads(json.dumps(ENTRIES))
    video = draw.choice(sorted(entries))
    ENTRY_FAULTS[fault](entries[video], draw)
    content = json.dumps(entries).encode()
    refuse(lambda: read_activitynet(tmp_path, content), tmp_path / "train.json", f"video {video}: ")


@pytest.mark.parametrize("entry", [None, True, 3, "text", []])
def test_an_entry_that_is_no_object_is_refused_with_its_video(tmp_path: Path, entry: object) -> None:
    content = json.dumps({**ENTRIES, "v_9": entry}).encode()
    refuse(lambda: read_activitynet(tmp_path, content), tmp_path / "train.json", "video v_9: ")


@pytest.mark.parametrize(
    "video", ["v_\ud800", "v\0", "v_\n1", "v_\u2028", "x" * 251, "\u00e9" * 126, "..", "a/../b"]
)
def test_an_id_that_can_name_no_file_is_refused_with_its_file(tmp_path: Path, video: str) -> None:
    content = json.dumps({**ENTRIES, video: ENTRIES["v_0"]}).encode()
    refuse(lambda: read_activitynet(tmp_path, content), tmp_path / "train.json", "found")


@pytest.mark.parametrize("seed", SEEDS)
def test_a_video_listed_twice_is_refused_by_its_name(tmp_path: Path, seed: int) -> None:
    video = Random(seed).choice(sorted(ENTRIES))
    content = json.dumps(ENTRIES)[:-1] + f', "{video}": {json.dumps(ENTRIES["v_0"])}}}'
    refuse(lambda: read_activitynet(tmp_path, content.encode()), tmp_path / "train.json", repr(video))


def test_two_names_of_one_file_are_refused(tmp_path: Path) -> None:
    content = json.dumps({**ENTRIES, "3": ENTRIES["v_0"]}).encode()
    refuse(lambda: read_activitynet(tmp_path, content), tmp_path / "train.json", "'3' and 'v_3'")


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize(
    "damage",
    [
        lambda text, draw: text[: draw.randrange(1, len(text))].encode(),
        lambda text, draw: text.replace("}", ",}").encode(),
        lambda text, draw: f"[{text}]".encode(),
        lambda text, draw: b"[" * 100_000,
        lambda text, draw: b'{"v_0":' * 100_000,
        lambda text, draw: text.encode("utf-16"),
        lambda text, draw: text.replace("20.5", "2" * 5000).encode(),
        lambda text, draw: bytes(draw.randrange(256) for _ in range(200)),
        lambda text, draw: b"",
        lambda text, draw: b"{}",
    ],
    ids=["cut", "comma", "list", "deep", "deep objects", "UTF-16", "digits", "noise", "empty", "no videos"],
)
def test_a_file_that_is_no_object_of_videos_is_refused_with_its_name(
    tmp_path: Path, damage: Callable[[str, Random], bytes], seed: int
) -> None:
    content = damage(json.dumps(ENTRIES), Random(seed))
    refuse(lambda: read_activitynet(tmp_path, content), tmp_path / "train.json")


def test_a_byte_order_mark_and_escaped_characters_are_read_right(tmp_path: Path) -> None:
    entry = {"duration": 5, "timestamps": [[0, 1]], "sentences": ["A \U0001f600 for $5 \\alpha."]}
    content = codecs.BOM_UTF8 + json.dumps({"v_a": entry}).encode()
    (query,) = read_activitynet(tmp_path, content)
    assert (query.sentence, query.duration, query.end) == ("A \U0001f600 for $5 \\alpha.", 5.0, 1.0)


@pytest.mark.parametrize(
    "entry",
    ["null", "3", "[]", "{}", '"3"']
    + [
        f'{{"duration": {value}}}'
        for value in ("null", "true", '"3"', "NaN", "Infinity", "1e400", "[3]", "{}")
    ],
)
def test_a_duration_that_is_none_is_refused_with_its_video(tmp_path: Path, entry: str) -> None:
    path = tmp_path / "durations.json"
    path.write_text(f'{{"a": {{"duration": 3}}, "b": {entry}}}')
    refuse(lambda: read_durations(path), path, "for video 'b'")


def test_a_duration_given_twice_is_refused_by_its_video(tmp_path: Path) -> None:
    path = tmp_path / "durations.json"
    path.write_text('{"a": {"duration": 3}, "a": {"duration": 4}}')
    refuse(lambda: read_durations(path), path, "found 1 given more than once, such as 'a'")


@pytest.mark.parametrize(
    ("content", "place"),
    [
        ('{"words": ["a", "b", "a"], "characters": []}', "words: expected each once, found 1 given again"),
        ('{"words": [], "characters": ["a", "a"]}', "characters: expected each once"),
        ('{"words": "ab", "characters": []}', "words: expected a list of texts"),
        ('{"words": [1], "characters": []}', "words: expected a list of texts"),
        ('{"words": ["a"]}', "expected the keys words and characters"),
        ("[]", "expected the keys words and characters"),
        ('{"words": [], "words": ["a"], "characters": []}', "given more than once, such as 'words'"),
    ],
)
def test_a_vocabulary_whose_ids_are_not_sure_is_refused(tmp_path: Path, content: str, place: str) -> None:
    path = tmp_path / "vocabulary.json"
    path.write_text(content)
    refuse(lambda: Vocabulary.load(path), path, place)
