import math

import pytest
import torch

from img.models.blocks.embedding import CharacterConvolution
from img.models.blocks.encoder import SinusoidalPosition
from img.models.blocks.streams import (
    Dropout,
    Mask,
    StreamDepthwise,
    StreamLayerNorm,
    StreamLinear,
    StreamPool,
)
from img.models.fusion.slots import SlotAttention


def test_stream_layers_are_as_many_plain_layers():
    torch.manual_seed(0)
    x = torch.randn(2, 3, 5, 4)
    linear, norm, depthwise = (
        StreamLinear(2, 4, 6),
        StreamLayerNorm(2, 4),
        StreamDepthwise(2, 4, 3, bias=True),
    )
    for parameter in (norm.weight, norm.bias, depthwise.bias):
        torch.nn.init.normal_(parameter)
    for s in range(2):
        plain = torch.nn.functional.linear(x[s], linear.weight[s], linear.bias[s])
        torch.testing.assert_close(linear(x)[s], plain)
        plain = torch.nn.functional.layer_norm(x[s], (4,), norm.weight[s], norm.bias[s], eps=1e-6)
        torch.testing.assert_close(norm(x)[s], plain)
        plain = torch.nn.functional.conv1d(
            x[s].transpose(1, 2), depthwise.weight[s], depthwise.bias[s], padding=1, groups=4
        )
        torch.testing.assert_close(depthwise(x)[s], plain.transpose(1, 2))


def test_weights_of_each_stream_are_drawn_as_those_of_a_layer_of_its_own():
    weight = StreamLinear(3, 200, 100).weight
    bound = math.sqrt(6 / 300)
    assert weight.abs().max() <= bound
    assert weight.abs().amax((1, 2)).min() > 0.99 * bound


def test_pool_of_equal_scores_is_the_mean_of_the_real_steps():
    pool = StreamPool(1, 2)
    torch.nn.init.zeros_(pool.weight)
    x = torch.tensor([[[[1.0, 2.0], [3.0, 6.0], [100.0, 100.0]]]])
    mask = Mask.of(torch.tensor([[True, True, False]]), zero_padding=True)
    assert pool(x, mask).tolist() == [[[2.0, 4.0]]]


def test_dropout_keeps_the_mean_and_the_rate():
    torch.manual_seed(0)
    dropped = Dropout(0.2)(torch.ones(100_000))
    assert set(dropped.unique().tolist()) == {0.0, 1.25}
    assert (dropped == 0).float().mean().item() == pytest.approx(0.2, abs=0.005)


def test_dropout_does_nothing_outside_training():
    x = torch.randn(10)
    assert torch.equal(Dropout(0.5).eval()(x), x)


def test_positions_over_time_are_the_usual_sinusoids():
    added = SinusoidalPosition(4, 8, "time")(torch.zeros(1, 2, 3, 4))
    expected = [math.sin(2), math.cos(2), math.sin(2 / 100), math.cos(2 / 100)]
    assert added[0, 1, 2].tolist() == pytest.approx(expected)


def test_positions_over_the_batch_are_the_same_at_every_step():
    added = SinusoidalPosition(4, 8, "batch")(torch.zeros(1, 3, 2, 4))
    expected = [math.sin(2), math.cos(2 * 10), math.sin(2 * 100), math.cos(2 * 1000)]
    assert added[0, 2, 0].tolist() == pytest.approx(expected, abs=1e-5)
    assert torch.equal(added[0, 2, 0], added[0, 2, 1])


def test_more_steps_than_positions_are_refused():
    with pytest.raises(ValueError, match="knows 8, the batch needs 9"):
        SinusoidalPosition(4, 8, "time")(torch.zeros(1, 1, 9, 4))


def test_character_maximum_runs_over_windows_inside_the_word():
    convolution = CharacterConvolution(1, 1, 2)
    torch.nn.init.zeros_(convolution.weight)
    convolution.weight.data[0, 0, 0] = 1.0  # the sum of two neighbours in the first channel
    characters = torch.zeros(2, 50, 5)
    characters[0, 0] = torch.tensor([1.0, 2.0, 0.0, 0.0, 9.0])
    characters[1, 0] = torch.tensor([4.0, 0.0, 0.0, 8.0, 9.0])
    masked = convolution(characters, torch.tensor([3, 1]))
    assert masked.flatten().tolist() == [3.0, 4.0]
    assert convolution(characters, None).flatten().tolist() == [9.0, 17.0]


def slot_attention(**changes) -> SlotAttention:
    torch.manual_seed(0)
    arguments = {"iterations": 2, "competition": True, "noise_at_inference": "fixed"} | changes
    return SlotAttention(1, 4, 3, **arguments).eval()


def test_competing_slots_share_each_clip_and_average_their_own():
    mask = Mask.of(torch.tensor([[True, True, False]]), zero_padding=True)
    logits = torch.log(torch.tensor([[[[1.0, 3.0, 5.0], [1.0, 1.0, 5.0]]]]))
    shares = torch.tensor([[0.5, 0.75, 0.0], [0.5, 0.25, 0.0]])
    weights = slot_attention()._weights(logits, mask)[0, 0]
    torch.testing.assert_close(weights, shares / shares.sum(1, keepdim=True))
    alone = slot_attention(competition=False)._weights(logits, mask)[0, 0]
    torch.testing.assert_close(alone, torch.tensor([[0.25, 0.75, 0.0], [0.5, 0.5, 0.0]]))


@pytest.mark.parametrize(
    ("noise", "repeatable", "distinct"), [("fixed", 1, 1), ("fresh", 0, 1), ("none", 1, 0)]
)
def test_slot_noise_at_inference(noise, repeatable, distinct):
    slots, x = slot_attention(noise_at_inference=noise), torch.randn(1, 2, 5, 4)
    mask = Mask.of(torch.ones(2, 5, dtype=torch.bool), zero_padding=True)
    first, second = slots(x, mask), slots(x, mask)
    assert torch.equal(first, second) == bool(repeatable)
    assert torch.equal(first[:, :, 0], first[:, :, 1]) != bool(distinct)


def test_slot_cell_is_a_gru_cell():
    cell, plain = slot_attention().cell, torch.nn.GRUCell(4, 4)
    plain.load_state_dict({name: value[0] for name, value in cell.state_dict().items()})
    x, state = torch.randn(1, 6, 4), torch.randn(1, 6, 4)
    torch.testing.assert_close(cell(x, state)[0], plain(x[0], state[0]))


@pytest.mark.parametrize("iterations", [1, 2, 5])
def test_slots_are_updated_as_often_as_asked(iterations, monkeypatch):
    updates = []
    slots = slot_attention(iterations=iterations)
    cell = slots.cell.forward
    monkeypatch.setattr(slots.cell, "forward", lambda x, state: updates.append(x) or cell(x, state))
    mask = Mask.of(torch.ones(2, 5, dtype=torch.bool), zero_padding=True)
    assert slots(torch.randn(1, 2, 5, 4), mask).shape == (1, 2, 3, 4)
    assert len(updates) == iterations
