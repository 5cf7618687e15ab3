import pytest
import torch
from hypothesis import settings

# No test asserts a time: a busy machine is no fault of the code.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")


@pytest.fixture(autouse=True, scope="session")
def one_thread():
    """Small tensors are fastest on one thread, and sums come out the same on every machine."""
    torch.set_num_threads(1)
