import ast
import errno
import json
import math
import os
import shutil
import socket
from collections import namedtuple
from pathlib import Path

import pytest

from extractors.storage import files as module
from extractors.storage.cells import as_cell, from_cell
from extractors.storage.files import StorageError, replacing, sha256_of, write_json, write_text, writing

ROOT = Path(__file__).parents[2]
DUMPS = ("dump", "dumps")


def calls_without_allow_nan(source):
    """Lines that turn a value into JSON by the library and let NaN through."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and ast.unparse(node.func) in [f"json.{name}" for name in DUMPS]:
            options = {keyword.arg: ast.unparse(keyword.value) for keyword in node.keywords}
            if options.get("allow_nan") != "False":
                yield node.lineno


def test_no_json_is_written_with_nan():
    sources = [
        path
        for folder in ("extractors", "img", "benchmarks", "workflow/scripts")
        for path in (ROOT / folder).rglob("*.py")
    ]
    assert len(sources) > 50
    found = [f"{path}:{line}" for path in sources for line in calls_without_allow_nan(path.read_text())]
    assert found == []


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf])
def test_a_number_that_json_does_not_know_is_refused_by_its_place(tmp_path, number):
    path = tmp_path / "metrics.json"
    value = {"protocols": {"last": [{"mIoU": 1.0}, {"mIoU": number}]}, "none": None}
    with pytest.raises(
        ValueError, match=r"metrics\.json: .*, found -?(nan|inf) at value\.protocols\.last\[1\]\.mIoU"
    ):
        write_json(path, value)
    assert list(tmp_path.iterdir()) == []
    write_json(path, {"none": None})
    assert path.read_text() == '{\n "none": null\n}\n'


@pytest.mark.parametrize("length", [1, 217, 251, 255])
def test_a_file_of_any_legal_name_is_written(tmp_path, length):
    path = tmp_path / ("n" * length)
    write_text(path, "text")
    assert [entry.read_text() for entry in tmp_path.iterdir()] == ["text"]


def test_a_name_that_is_no_unicode_is_written_as_json(tmp_path):
    name = os.fsdecode(b"caf\xe9")
    write_json(tmp_path / "a.json", {"name": name})
    assert json.loads((tmp_path / "a.json").read_text()) == {"name": name}


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (errno.ENOSPC, r"cannot be written \(No space left on device\): the disk is full; free some"),
        (errno.EDQUOT, r"cannot be written \(Disk quota exceeded\): your quota is used up; free some"),
        (errno.EROFS, r"cannot be written \(Read-only file system\): .* mounted for writing"),
        (errno.EACCES, r"cannot be written \(Permission denied\): .* ask its owner"),
    ],
)
def test_what_stops_writing_is_told_with_a_cure(tmp_path, number, words):
    def write():
        with replacing(tmp_path / "a.txt") as temporary:
            temporary.write_text("half")
            raise OSError(number, os.strerror(number))

    with pytest.raises(StorageError, match=rf"a\.txt: {words}"):
        write()
    assert list(tmp_path.iterdir()) == []


def test_a_library_that_does_not_say_why_it_could_not_write_is_explained_by_the_full_disk(
    tmp_path, monkeypatch
):
    usage = namedtuple("usage", "free")

    def write():
        with writing(tmp_path / "not made yet" / "resume.pt"):
            raise RuntimeError("file write failed")

    with pytest.raises(RuntimeError, match="file write failed"):
        write()
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: usage(free=1000))
    with pytest.raises(StorageError, match=r"resume\.pt: cannot be written \(No space left"):
        write()


@pytest.fixture
def irregular(tmp_path, monkeypatch):
    """Things that are no files, by what a message calls them. A short path: a socket's is limited."""
    monkeypatch.chdir(tmp_path)
    os.mkfifo("pipe.mp4")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind("socket.mp4")
        Path("folder.mp4").mkdir()
        Path("device.mp4").symlink_to("/dev/zero")
        yield {name: Path(f"{name}.mp4") for name in ("pipe", "socket", "folder", "device")}


def test_what_is_no_file_is_not_opened(irregular, monkeypatch):
    def refuse(*arguments, **options):
        raise AssertionError("it was opened")

    monkeypatch.setattr(Path, "open", refuse)
    for name, path in irregular.items():
        with pytest.raises(OSError, match=rf"{name}\.mp4: expected a regular file, found a (named )?{name}"):
            module.sha256_of(path)


def test_an_absent_file_is_absent(tmp_path):
    with pytest.raises(FileNotFoundError):
        sha256_of(tmp_path / "gone")


@pytest.mark.parametrize(
    "text",
    [
        "v_1",
        "a b",
        "  two  spaces ",
        "tab\there",
        "line\nbreak\r",
        "back\\u000aslash",
        "\u2028",
        "\udcff",
        "",
    ],
)
def test_any_text_is_a_cell_and_comes_back(text):
    cell = as_cell(text)
    assert from_cell(cell) == text
    assert cell.isprintable()
    assert "\t" not in cell
    cell.encode()
