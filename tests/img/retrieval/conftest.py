"""Small videos and a run on them, made once."""

from collections.abc import Iterator

import pytest
from small_run import Media, SmallRun, make_media, make_small_run, tiny_networks


@pytest.fixture(scope="session")
def media(tmp_path_factory: pytest.TempPathFactory) -> Media:
    return make_media(tmp_path_factory.mktemp("media"))


@pytest.fixture(scope="session")
def small(media: Media, tmp_path_factory: pytest.TempPathFactory) -> SmallRun:
    return make_small_run(media, tmp_path_factory.mktemp("small"))


@pytest.fixture
def tiny() -> Iterator[None]:
    """Networks of a few hundred weights take the place of I3D and CNN14."""
    with tiny_networks():
        yield
