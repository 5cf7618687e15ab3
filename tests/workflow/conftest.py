import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from filelock import FileLock
from project import Project, new_project, write_small_data


def make_once(factory: pytest.TempPathFactory, name: str, make: Callable[[Path], None]) -> Path:
    """Makes a folder once for all of pytest-xdist's workers; the others wait for it."""
    root = factory.getbasetemp()
    shared = root.parent if "PYTEST_XDIST_WORKER" in os.environ else root
    folder, made = shared / name, shared / f"{name}.made"
    with FileLock(shared / f"{name}.lock"):
        if not made.exists():
            shutil.rmtree(folder, ignore_errors=True)
            make(folder)
            made.touch()
    return folder


@pytest.fixture(scope="session")
def small_data(tmp_path_factory):
    """A folder with videos and annotations, made once."""
    return make_once(tmp_path_factory, "small_data", write_small_data)


@pytest.fixture(scope="session")
def finished(tmp_path_factory, small_data) -> Project:
    """A project whose metrics are made; tests take copies of it."""

    def make(folder: Path) -> None:
        project = new_project(folder)
        Project(small_data).copy(project.folder / "data")
        project.make()

    return Project(make_once(tmp_path_factory, "finished", make))


@pytest.fixture
def project(finished, tmp_path) -> Project:
    """A project of the test's own in which everything is made."""
    return finished.copy(tmp_path / "project")


@pytest.fixture
def fresh(tmp_path, small_data) -> Project:
    """A project of the test's own in which nothing is made yet."""
    project = new_project(tmp_path / "project")
    Project(small_data).copy(project.folder / "data")
    return project
