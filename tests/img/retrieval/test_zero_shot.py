"""Asked without training: what packaged networks know of a photograph."""

import importlib.util
import json
from pathlib import Path

import av
import numpy as np
import pytest
from encoding import encode_video
from PIL import Image

from extractors.storage.packaged import EFFICIENTNET_LITE0
from img.__main__ import main
from img.retrieval.zero_shot import open_zero_shot, write_zero_shot_run
from img.runs.opening import open_run


def photographs() -> Path:
    found = importlib.util.find_spec("gradio")
    if found is None or found.origin is None:
        pytest.skip("the extra `page` brings the photographs")
    return Path(found.origin).parent / "media_assets" / "images"


def frame_of(path: Path) -> np.ndarray:
    with Image.open(path) as file:
        return np.asarray(file.convert("RGB").resize((160, 160)))


def test_the_run_names_the_pinned_weights(tmp_path: Path) -> None:
    run = open_run(write_zero_shot_run(tmp_path / "run"))
    assert run.options.model.kind == "similarity"
    (part,) = run.reads["streams"]["visual"]
    assert part["extractor"]["parameters"]["weights"] == f"sha256:{EFFICIENTNET_LITE0.sha256}"


@pytest.mark.slow
def test_animals_are_found_where_they_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    cheetah, tower = (frame_of(photographs() / name) for name in ("cheetah.jpg", "tower.jpg"))
    path = tmp_path / "mine.mp4"
    frames = [tower] * 12 + [cheetah] * 12 + [tower] * 8
    encode_video(path, frames, 4, lambda: np.zeros(8 * 32_000, np.float32))
    with av.open(str(path)) as container:
        assert container.duration == pytest.approx(8e6, abs=1e5)
    retriever = open_zero_shot(tmp_path / "store")
    video = retriever.encode(path)
    for query in ("a cheetah", "a wild cat is running"):
        (answer,) = retriever.answer(video, query, answers=1)
        assert answer.start == pytest.approx(3, abs=0.75)
        assert answer.end == pytest.approx(6, abs=0.75)
    out = tmp_path / "answers.json"
    asked = ["--zero-shot", "--query", "a cheetah", "--answers", "1", "--out", str(out)]
    assert main(["retrieve", str(path), *asked, "--store", str(tmp_path / "store")]) == 0
    (row,) = json.loads(out.read_text())
    assert row["start"] == pytest.approx(retriever.answer(video, "a cheetah", answers=1)[0].start, abs=0.01)
    (unknown,) = retriever.answer(video, "a qwxzzy", answers=1)
    assert unknown.unknown == ("qwxzzy",)


def test_a_run_or_none_and_not_both(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for chosen in ([], ["--zero-shot", "--run", "r"]):
        with pytest.raises(SystemExit):
            main(["retrieve", "a.mp4", "--query", "a cat", *chosen])
    assert "not allowed with argument" in capsys.readouterr().err
