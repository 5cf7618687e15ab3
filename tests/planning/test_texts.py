"""Extractors that write texts, and those that read them."""

from typing import Any

import pytest
from planning import features, shards

SPEECH: dict[str, Any] = {
    "extractors": {
        "i3d": {"kind": "i3d", "weights": "random"},
        "pann": {"kind": "pann", "weights": "random"},
        "speech": {"kind": "speech", "weights": "whisper"},
        "minilm": {"kind": "sentence", "weights": "encoder", "reads": "speech"},
    },
    "streams": {"visual": "i3d", "audio": "pann", "speech": "minilm"},
}


def changed(name: str, **settings: Any) -> dict[str, Any]:
    extractors = {**SPEECH["extractors"], name: {**SPEECH["extractors"][name], **settings}}
    return {"demo": {**SPEECH, "extractors": extractors}}


def test_a_shard_of_rows_is_made_of_the_same_shard_of_texts(read, folder):
    project = read({"demo": SPEECH})
    table = folder / "videos.tsv"
    table.write_text("video\tshard\tpath\tothers\na\t002\tdata/a.mp4\t\n")
    texts = "results/demo/features/speech/shards/002.tsv"
    assert shards.list_sources(project, "demo", "minilm", "002", table) == [texts]
    assert features.write_reads_option(project, "demo", "minilm", "002") == f"--reads {texts}"
    assert features.write_reads_option(project, "demo", "speech", "002") == ""
    assert features.write_reads_option(project, "demo", "i3d", "002") == ""


def test_every_file_of_a_models_folder_is_an_input(read, folder):
    (folder / "encoder" / "more").mkdir(parents=True)
    for name in ("config.json", "more/words.txt", ".cache"):
        (folder / "encoder" / name).write_text("")
    project = read({"demo": SPEECH})
    files = features.list_files(project, "demo", "minilm")
    assert [str(file) for file in files] == ["encoder/config.json", "encoder/more/words.txt"]


def test_models_read_no_texts(read):
    with pytest.raises(ValueError, match="'speech' of kind speech, which gives texts; name one of"):
        read({"demo": {**SPEECH, "streams": {**SPEECH["streams"], "speech": "speech"}}})


@pytest.mark.parametrize("reads", ["i3d", "minilm", "nobody"])
def test_who_reads_texts_names_who_writes_them(read, reads):
    with pytest.raises(
        ValueError, match=rf"extractors\.minilm\.reads: expected .* one of \['speech'\], found '{reads}'"
    ):
        read(changed("minilm", reads=reads))


def test_texts_are_read_of_somebody(read):
    extractors = dict(SPEECH["extractors"])
    extractors["minilm"] = {"kind": "sentence", "weights": "encoder"}
    with pytest.raises(ValueError, match=r"extractors\.minilm\.reads: .* found None"):
        read({"demo": {**SPEECH, "extractors": extractors}})


def test_only_texts_are_laid_by_the_rules_for_texts(read):
    streams = {**SPEECH["streams"], "speech": {"extractors": "minilm", "align": "whole_seconds"}}
    read({"demo": {**SPEECH, "streams": streams}})
    streams["audio"] = {"extractors": "pann", "align": "nearest"}
    with pytest.raises(ValueError, match=r"audio\.align: expected seconds or share, .* found nearest"):
        read({"demo": {**SPEECH, "streams": streams}})
