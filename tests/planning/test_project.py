"""Where a project's files are found, and what they hold together."""

import shutil
from pathlib import Path

import pytest
import yaml
from planning.project import read_project

ROOT = Path(__file__).parents[2]


def test_the_shipped_files_are_read_wherever_snakemake_runs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    project = read_project(ROOT, {})
    assert project.papers["img"].paper_file == ROOT / "config/papers/img/paper.yaml"
    assert project.resources.source == ROOT / "resources/manifest.yaml"
    assert "demo" in project.datasets


def test_files_of_the_working_directory_come_before_the_shipped_ones(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "config/datasets").mkdir(parents=True)
    shutil.copyfile(ROOT / "config/datasets/demo.yaml", tmp_path / "config/datasets/mine.yaml")
    project = read_project(ROOT, {"datasets": ["mine"]})
    assert list(project.datasets) == ["mine"]
    with pytest.raises(ValueError, match=r"datasets: expected some of \['mine'\], found 'demo'"):
        read_project(ROOT, {"datasets": ["demo"]})


def test_an_extractor_is_found_by_its_dataset_and_name(project):
    kind, parameters = project.find_extractor("demo", "pann")
    assert (kind.name, kind.modality) == ("pann", "audio")
    assert parameters.model_dump()["weights"] == "random"
    with pytest.raises(ValueError, match=r"config/datasets/demo\.yaml: extractors: expected 'vggish' among"):
        project.find_extractor("demo", "vggish")


def test_a_key_given_twice_is_refused(tmp_path):
    twice = tmp_path / "config.yaml"
    twice.write_text("fresh: true\nfresh: false\n")
    with pytest.raises(ValueError, match="fresh"):
        read_project(ROOT, {"fresh": False}, [twice])


@pytest.mark.parametrize(
    ("file", "changes", "messages"),
    [
        (
            "datasets/demo.yaml",
            {"extractors": {"i3d": {"kind": "i3d", "weights": "random", "frame_rat": 8, "crop": "wide"}}},
            ["config/datasets/demo.yaml:", "extractors.i3d.frame_rat: ", "extractors.i3d.crop: "],
        ),
        (
            "papers/img/variants.yaml",
            {"quiet": {"description": "no sound", "trainin": {}, "model": 3}},
            ["config/papers/img/variants.yaml: quiet:", "trainin: ", "model: "],
        ),
    ],
)
def test_unknown_keys_and_wrong_types_of_a_file_are_all_named(folder, file, changes, messages):
    path = folder / "config" / file
    path.write_text(yaml.safe_dump({**yaml.safe_load(path.read_text()), **changes}))
    with pytest.raises(ValueError, match="unknown key") as refused:
        read_project(ROOT, {})
    assert [message for message in messages if message not in str(refused.value)] == []


def test_unknown_keys_and_wrong_types_of_the_configuration_are_all_named(folder):
    with pytest.raises(ValueError, match=r"config/config\.yaml:\n(.*\n)?stor: ") as refused:
        read_project(ROOT, {"stor": "shared", "decoding_timeout": "soon"})
    assert "decoding_timeout: " in str(refused.value)
