import pytest
import torch
from torch import nn

from img.models.fusion.recurrent import _Recurrence, run_bidirectional

LENGTHS = torch.tensor([5, 2, 7, 2])


def gru(inputs: int, layers: int) -> nn.GRU:
    return nn.GRU(inputs, 3, layers, batch_first=True, bidirectional=True).double()


@pytest.fixture
def keep() -> torch.Tensor:
    return (torch.arange(7) < LENGTHS[:, None]).double()


@pytest.mark.parametrize("count", [1, 3])
@pytest.mark.parametrize("layers", [1, 3])
def test_running_together_equals_packed_grus_in_values_and_gradients(count, layers, keep):
    torch.manual_seed(0)
    grus = [gru(4, layers) for _ in range(count)]
    x = torch.randn(count, 4, 7, 4, dtype=torch.float64, requires_grad=True)
    towards = torch.randn(count, 4, 7, 6, dtype=torch.float64)
    parameters = [p for one in grus for p in one.parameters()]

    together, packed = run_bidirectional(grus, x, keep, None), run_bidirectional(grus, x, keep, LENGTHS)
    torch.testing.assert_close(together, packed)
    assert (together * (1 - keep)[:, :, None] == 0).all()
    expected = torch.autograd.grad((packed * towards).sum(), [x, *parameters])
    found = torch.autograd.grad((together * towards).sum(), [x, *parameters])
    for one, other in zip(found, expected, strict=True):
        torch.testing.assert_close(one, other)


def test_gradient_of_the_recurrence_is_the_numerical_one():
    torch.manual_seed(0)
    steps, parallel, batch, width = 4, 2, 3, 2
    gates = torch.randn(steps, parallel, batch, 3 * width, dtype=torch.float64, requires_grad=True)
    weight = torch.randn(parallel, 3 * width, width, dtype=torch.float64, requires_grad=True)
    bias = torch.randn(parallel, 3 * width, dtype=torch.float64, requires_grad=True)
    keep = (
        (torch.arange(steps)[:, None, None] < torch.tensor([4, 2, 3]))
        .double()[..., None]
        .expand(-1, 2, -1, 1)
    )
    assert torch.autograd.gradcheck(_Recurrence.apply, (gates, weight, bias, keep))
