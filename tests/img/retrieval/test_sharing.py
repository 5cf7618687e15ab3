"""A shared run: a folder without pickles that answers like the run it was made of."""

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml
from safetensors import safe_open
from small_run import SEEN, Media, SmallRun, make_small_run

from extractors.jobs.extraction import identify
from extractors.registry import parse
from extractors.storage.files import write_json
from img.__main__ import main
from img.retrieval import Retriever

pytestmark = [pytest.mark.usefixtures("tiny"), pytest.mark.slow]

METRICS = {
    "dataset": "lamps",
    "variant": "img",
    "description": "as published",
    "options": {"inference": {"answers": 3, "nms_threshold": 0.4}},
    "protocols": {"last": {"test": {"fusion": {"R1@0.5": 12.345, "mIoU": 20.0}}}},
    "best_constant": {"test": {"R1@0.5": 30.0, "mIoU": 31.0}},
    "evaluation": {"mode": "covered_queries", "scored": {"test": 4}},
}


@pytest.fixture
def evaluated(media: Media, tmp_path: Path) -> SmallRun:
    run = make_small_run(media, tmp_path / "run", inputs={"standardise": True})
    write_json(run.folder / "metrics.json", METRICS)
    return run


def test_a_shared_run_answers_like_the_run(
    evaluated: SmallRun, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "shared"
    assert main(["export", str(evaluated.folder), str(out), "--simulated"]) == 0
    assert {path.name for path in out.iterdir()} == {
        *("README.md", "config.json", "model.safetensors", "vocabulary.json")
    }
    answers = []
    for folder in (evaluated.folder, out):
        retriever = Retriever.open(folder, evaluated.store, embedding="random")
        assert retriever.run.inference.nms_threshold == 0.4
        video = retriever.encode(evaluated.videos["four"])
        answers.append(retriever.answer(video, "the red fridge", answers=5))
    assert answers[0] == answers[1]
    assert answers[0][0].unknown == ()
    # Exported again it is the same, and what is there is not overwritten.
    assert main(["export", str(out), str(tmp_path / "again")]) == 0
    assert main(["export", str(out), str(out)]) == 1
    assert "expected nothing there, found a file or folder" in capsys.readouterr().err
    for name in ("model.safetensors", "vocabulary.json"):
        assert (tmp_path / "again" / name).read_bytes() == (out / name).read_bytes()


def test_the_card_tells_data_protocol_metrics_and_use(evaluated: SmallRun, tmp_path: Path) -> None:
    assert main(["export", str(evaluated.folder), str(tmp_path / "s"), "--simulated"]) == 0
    card = (tmp_path / "s" / "README.md").read_text()
    _, header, body = card.split("---\n", 2)
    assert yaml.safe_load(header)["library_name"] == "img-pipeline"
    for told in (
        "# img, trained on lamps",
        "**The data is made up",
        "| visual | i3d | i3d | 16 |",
        "`last`: the weights after the last epoch",
        "### test, 4 queries",
        "| branch | R1@0.5 | mIoU |\n| --- | ---: | ---: |\n| fusion | 12.35 | 20.00 |\n",
        "| *best constant* | 30.00 | 31.00 |",
        "Retriever.open(",
        "To be filled in",
    ):
        assert told in body
    assert main(["export", str(evaluated.folder), str(tmp_path / "real")]) == 0
    assert "made up" not in (tmp_path / "real" / "README.md").read_text()


def test_what_is_shared_is_tensors_and_json(small: SmallRun, tmp_path: Path) -> None:
    out = tmp_path / "s"
    assert main(["export", str(small.folder), str(out), "--protocol", "best_on_test"]) == 0
    with safe_open(out / "model.safetensors", "pt") as file:
        assert "img" in file.metadata()
    config = json.loads((out / "config.json").read_text())
    assert (config["protocol"], config["sizes"]["streams"]) == ("best_on_test", {"visual": 16, "audio": 16})
    assert config["inputs"]["streams"]["visual"][0]["extractor"]["parameters"]["crop"] == 32
    assert "The run was not evaluated." in (out / "README.md").read_text()
    retriever = Retriever.open(out, small.store)
    assert retriever.run.protocols == ["best_on_test"]


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"format": "img-pipeline/9"}, "expected format img-pipeline/1, found 'img-pipeline/9'"),
        (None, "found no"),
    ],
)
def test_a_strange_config_is_refused(small: SmallRun, tmp_path: Path, change: dict | None, told: str) -> None:
    out = tmp_path / "s"
    assert main(["export", str(small.folder), str(out)]) == 0
    config = json.loads((out / "config.json").read_text())
    write_json(out / "config.json", {**config, **change} if change else {"model_type": "bert"})
    with pytest.raises(ValueError, match=told):
        Retriever.open(out, small.store)


def with_weights(small: SmallRun, folder: Path, weights: Path) -> Path:
    """A copy of a run whose pictures were seen by a network with weights of a file."""
    folder.mkdir()
    for path in small.folder.iterdir():
        if path.is_file():
            (folder / path.name).write_bytes(path.read_bytes())
    reads = json.loads((folder / "inputs.json").read_text())
    (part,) = reads["streams"]["visual"]
    kind, parameters = parse({**SEEN, "weights": str(weights)})
    part["extractor"] = identify(kind, parameters)
    part["file_names"] = {"weights": weights.name}
    write_json(folder / "inputs.json", reads)
    return folder


def test_weights_of_extractors_are_found_by_their_content(
    small: SmallRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    weights = tmp_path / "elsewhere" / "seen.pt"
    weights.parent.mkdir()
    rng = np.random.default_rng(0)
    rows = torch.from_numpy(rng.standard_normal((16, 48)).astype(np.float32))
    torch.save({"rows.weight": rows, "rows.bias": torch.zeros(16)}, weights)
    run = with_weights(small, tmp_path / "run", weights)
    sha = hashlib.sha256(weights.read_bytes()).hexdigest()
    video = small.videos["four"]
    missing = Retriever.open(run, small.store)
    with pytest.raises(
        ValueError, match=rf"i3d: expected the file .* seen\.pt \(SHA-256 {sha}\), found none"
    ):
        missing.encode(video)
    named = Retriever.open(run, small.store, weights={"i3d": weights})
    expected = named.answer(named.encode(video), "the light")
    other = tmp_path / "resources" / "weights" / "of another name.pt"
    other.parent.mkdir(parents=True)
    other.write_bytes(weights.read_bytes())
    found = Retriever.open(run, small.store)
    assert found.answer(found.encode(video), "the light") == expected
    torch.save({"rows.weight": rows + 1, "rows.bias": torch.zeros(16)}, weights)
    with pytest.raises(
        ValueError, match=r"expected the file that i3d's .* in training, seen\.pt .*, found another"
    ):
        Retriever.open(run, small.store, weights={"i3d": weights})
    with pytest.raises(ValueError, match=r"weights: expected names of \['i3d', 'pann'\], found \['clip'\]"):
        Retriever.open(run, small.store, weights={"clip": weights})


def test_a_shared_run_does_not_have_pickles_run_code(small: SmallRun, tmp_path: Path) -> None:
    weights = tmp_path / "seen.pt"
    torch.save({"model": {"rows.weight": torch.zeros(16, 48)}, "sampler": np.random.RandomState(0)}, weights)
    run = with_weights(small, tmp_path / "run", weights)
    assert main(["export", str(run), str(tmp_path / "shared")]) == 0
    video = small.videos["four"]
    shared = Retriever.open(tmp_path / "shared", small.store, weights={"i3d": weights})
    with pytest.raises(ValueError, match="found one that is damaged or holds other objects"):
        shared.encode(video)
    for folder, trust in ((run, None), (tmp_path / "shared", True)):
        trusting = Retriever.open(folder, small.store, weights={"i3d": weights}, trust_weights=trust)
        # Loaded as a whole, and found not to be a state dict.
        with pytest.raises(ValueError, match="expected a state dict of tensors"):
            trusting.encode(video)
