from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from cluster import Slurm, why_not
from project import Project, new_project, write_small_data
from submission import DATASET, make


@pytest.fixture(scope="session")
def slurm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Slurm]:
    """A Slurm of two nodes, stopped at the end."""
    if reason := why_not():
        pytest.skip(f"no throwaway Slurm: {reason}")
    cluster = Slurm.start(tmp_path_factory.mktemp("cluster") / "slurm")
    yield cluster
    cluster.stop()


@pytest.fixture(scope="session")
def blank(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A project with videos and annotations in which nothing is made; tests take copies of it."""
    project = replace(new_project(tmp_path_factory.mktemp("blank") / "project", DATASET), tiny=False)
    write_small_data(project.path("data"))
    return project


@pytest.fixture(scope="session")
def undisturbed(slurm: Slurm, blank: Project, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A project made on Slurm without any fault; tests take copies of it."""
    project = blank.copy(tmp_path_factory.mktemp("undisturbed") / "project")
    make(project)
    return project


@pytest.fixture
def project(undisturbed: Project, tmp_path: Path) -> Project:
    """A project of the test's own in which everything is made."""
    return undisturbed.copy(tmp_path / "project")
