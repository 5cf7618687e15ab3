"""From videos to inputs that hold what is said in them: speech to text, text to rows, rows to clips."""

import json

import pytest
from project import new_project
from safetensors.numpy import load_file

from extractors.storage.texts import Text, read_texts

pytestmark = pytest.mark.workflow

pytest.importorskip("transformers")

SPEECH = {
    "speech": {"kind": "speech", "weights": "whisper", "max_new_tokens": 8},
    "minilm": {"kind": "sentence", "weights": "bert", "reads": "speech"},
}


def is_said(text: Text, start: float, end: float) -> bool:
    if text.start == text.end:
        return start <= text.start <= end
    return text.start < end and start < text.end


def test_what_is_said_becomes_a_stream(tmp_path, small_data):
    from tiny_text import save_tiny_bert
    from tiny_whisper import save_tiny_whisper

    project = new_project(tmp_path / "project")
    project.folder.joinpath("data").symlink_to(small_data)
    save_tiny_whisper(project.path("whisper"))
    save_tiny_bert(project.path("bert"))
    project.edit(
        {"streams": {"visual": "i3d", "audio": "pann", "speech": "minilm"}, "inputs": {}, "shards": 1}
    )
    for name, settings in SPEECH.items():
        project.edit({f"extractors.{name}": settings})

    inputs = "results/small/inputs/i3d+pann+minilm"
    outcome = project.make(f"{inputs}/features.safetensors")
    assert outcome.jobs["extract_features"] == 4
    index = json.loads(project.path(f"{inputs}/index.json").read_text())
    (part,) = index["reads"]["streams"]["speech"]
    assert part["texts"]["name"] == "speech"
    assert part["texts"]["extractor"]["parameters"]["max_new_tokens"] == 8
    values = load_file(project.path(f"{inputs}/features.safetensors"))
    assert values["speech"].shape == (len(values["visual"]), 16)
    folder = project.path("results/small/features")
    heard = 0
    for video, place in index["videos"].items():
        texts = folder / "speech" / f"{video}.jsonl"
        clips = values["speech"][place["first"] : place["first"] + place["clips"]]
        if not texts.is_file() or not read_texts(texts):
            assert not clips.any()
            continue
        heard += 1
        length = place["seconds"] / place["clips"]
        for number, clip in enumerate(clips):
            start, end = number * length, (number + 1) * length
            assert clip.any() == any(is_said(text, start, end) for text in read_texts(texts))
    assert heard

    # Texts that were lost come back from the store, and are read as before.
    assert project.snakemake("--", f"{inputs}/features.safetensors").did_nothing
    video = next(path.stem for path in (folder / "speech").glob("*.jsonl"))
    before = (folder / "speech" / f"{video}.jsonl").read_bytes()
    (folder / "speech" / f"{video}.jsonl").unlink()
    project.make(f"{inputs}/features.safetensors")
    assert (folder / "speech" / f"{video}.jsonl").read_bytes() == before
    assert project.computed("speech")[0] == 0
