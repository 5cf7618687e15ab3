"""A project folder with the shipped configuration, whose files tests may change."""

import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml
from planning.project import Project, read_project

ROOT = Path(__file__).parents[2]


@pytest.fixture
def folder(tmp_path, monkeypatch) -> Path:
    """A project folder of the test's own, which is the working directory."""
    shutil.copytree(ROOT / "config", tmp_path / "config")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def read(folder):
    """Reads the project after changes to datasets' files."""

    def change(changes: dict[str, dict[str, Any]] | None = None, **values: Any) -> Project:
        for dataset, changed in (changes or {}).items():
            path = folder / "config" / "datasets" / f"{dataset}.yaml"
            settings = yaml.safe_load(path.read_text()) if path.exists() else {}
            path.write_text(yaml.safe_dump({**settings, **changed}, sort_keys=False))
        return read_project(ROOT, values)

    return change


@pytest.fixture(scope="session")
def shipped() -> Project:
    """The shipped configuration, read once."""
    return read_project(ROOT, {})


@pytest.fixture
def project(folder, shipped) -> Project:
    """The shipped configuration in a project folder of the test's own."""
    return shipped
