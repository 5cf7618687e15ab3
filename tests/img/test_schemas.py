import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator

from extractors.registry import KINDS
from img.__main__ import main
from img.config.schemas import build_schemas

PROJECT = Path(__file__).parents[2]
COMMITTED = PROJECT / "workflow" / "schemas"


def demo() -> dict[str, Any]:
    values: dict[str, Any] = yaml.safe_load((PROJECT / "config" / "datasets" / "demo.yaml").read_text())
    return values


def faults(schema: str, values: Any) -> list[str]:
    validator = Draft202012Validator(build_schemas()[schema])
    return [f"{'.'.join(map(str, error.path))}: {error.message}" for error in validator.iter_errors(values)]


@pytest.mark.parametrize("name", ["config", "dataset", "variants"])
def test_schemas_are_valid_json_schema(name: str) -> None:
    Draft202012Validator.check_schema(build_schemas()[name])


def test_the_projects_schemas_are_those_of_the_settings() -> None:
    written = {path.name: json.loads(path.read_text()) for path in COMMITTED.glob("*.json")}
    expected = {f"{name}.schema.json": schema for name, schema in build_schemas().items()}
    assert written == expected, "run: python -m img schemas --out workflow/schemas"


def test_the_command_writes_a_file_for_each_schema(tmp_path: Path) -> None:
    assert main(["schemas", "--out", str(tmp_path)]) == 0
    assert {path.name for path in tmp_path.iterdir()} == {path.name for path in COMMITTED.glob("*.json")}


@pytest.mark.parametrize(
    ("schema", "file"),
    [("config", "config.yaml"), ("variants", "papers/img/variants.yaml")]
    + [("dataset", f"datasets/{path.name}") for path in (PROJECT / "config" / "datasets").glob("*.yaml")],
)
def test_the_projects_files_follow_their_schemas(schema: str, file: str) -> None:
    values = yaml.safe_load((PROJECT / "config" / file).read_text())
    assert faults(schema, values) == []


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("colour",), "red"),
        (("training", "epoch"), 3),
        (("training", "epochs"), "many"),
        (("model",), {"head": 3}),
        (("model",), {"heads": "many"}),
        (("extractors", "a b"), {"kind": "pann", "weights": "random"}),
        (("extractors", "i3d", "windows"), 3),
        (("extractors", "i3d", "preset"), "ucf"),
        (("extractors", "pann", "preset"), "charades"),
        (("extractors", "pann"), {"kind": "pann"}),
        (("extractors", "pann"), {"kind": "other", "weights": "random"}),
    ],
)
def test_a_wrong_key_or_value_is_refused_by_the_schema(path: tuple[str, ...], value: Any) -> None:
    values = demo()
    place = values
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    assert len(faults("dataset", values)) == 1


def test_every_model_option_and_kind_may_be_written_in_a_dataset() -> None:
    values = demo()
    values["model"] = {"preset": "reference", "levels": ["local", "event"], "eps_max": None, "gamma": 2}
    values["extractors"]["recipe"] = {"kind": "i3d", "preset": "charades", "weights": "w.pt"}
    values["extractors"]["r50"] = {"kind": "i3d_r50", "weights": "random"}
    values["extractors"]["vggish"] = {"kind": "vggish", "weights": "w.pt", "pca": "p.npz"}
    for kind in ("clip", "slowfast"):
        values["extractors"][kind] = {"kind": kind, "preset": "moment_detr", "weights": "w.pt"}
    values["extractors"]["eva_clip"] = {"kind": "eva_clip", "preset": "hirest", "weights": "w.pt"}
    values["extractors"]["image"] = {"kind": "image"}
    values["extractors"]["clap"] = {"kind": "clap", "weights": "folder"}
    values["extractors"]["yamnet"] = {"kind": "yamnet", "weights": "YamNet.onnx.zip", "output": "classes"}
    values["extractors"]["speech"] = {"kind": "speech", "weights": "folder"}
    values["extractors"]["speech_rows"] = {"kind": "sentence", "weights": "folder", "reads": "speech"}
    values["extractors"]["made_elsewhere"] = {
        "kind": "imported",
        "modality": "visual",
        "arrays": ["a", "b"],
        "width": 3,
    }
    assert set(KINDS) == {settings["kind"] for settings in values["extractors"].values()}
    assert faults("dataset", values) == []
