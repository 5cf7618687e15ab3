"""A run on small videos, made once for each file of tests."""

from collections.abc import Iterator

import pytest
from small_run import SmallRun, make_small_run, tiny_networks


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> SmallRun:
    return make_small_run(tmp_path_factory.mktemp("small"))


@pytest.fixture
def tiny() -> Iterator[None]:
    """Networks of a few hundred weights take the place of I3D and CNN14."""
    with tiny_networks():
        yield
