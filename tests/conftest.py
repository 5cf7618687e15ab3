import pytest
import torch


@pytest.fixture(autouse=True, scope="session")
def one_thread():
    """Small tensors are fastest on one thread, and sums come out the same on every machine."""
    torch.set_num_threads(1)
