import pytest
from project import Project, new_project, write_small_data


@pytest.fixture(scope="session")
def small_data(tmp_path_factory):
    """A folder with videos and annotations, made once."""
    folder = tmp_path_factory.mktemp("data") / "data"
    write_small_data(folder)
    return folder


@pytest.fixture(scope="session")
def finished(tmp_path_factory, small_data) -> Project:
    """A project whose metrics are made; tests take copies of it."""
    project = new_project(tmp_path_factory.mktemp("finished") / "project")
    Project(small_data).copy(project.folder / "data")
    project.make()
    return project


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
