"""The tiny dataset, and a small model trained on it, made once for each file of tests."""

from pathlib import Path

import pytest
from toy_dataset import Toy, make_toy, small_options

from extractors.storage.store import Store
from img.runs.making import make_run


@pytest.fixture(scope="module")
def toy(tmp_path_factory: pytest.TempPathFactory) -> Toy:
    return make_toy(tmp_path_factory.mktemp("toy"))


@pytest.fixture(scope="module")
def trained(toy: Toy, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a run of two epochs."""
    store = Store(tmp_path_factory.mktemp("store"))
    options = small_options({"epochs": 2, "learning_rate": 5e-3})
    folder, _ = make_run(toy.data(), options, 0, store, "cpu", False)
    return folder
