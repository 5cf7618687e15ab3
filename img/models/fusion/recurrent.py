"""Bidirectional GRUs over padded sequences, several of equal shape at once.

cuDNN runs packed GRUs fast. On a CPU PyTorch's packed GRUs take over a third of a training step, so there the
recurrences of all GRUs and both directions advance together, with a backward pass written by hand that leaves
everything but the recurrence itself outside the loop over time. The parameters are those of `torch.nn.GRU`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence


class _Recurrence(torch.autograd.Function):
    """h_t of P independent GRU directions, from what the inputs give to their gates.

    With a = W h_(t-1) + b and reset gate r, update gate z and candidate n in this order along the 3H axis:
    r = s(x_r + a_r), z = s(x_z + a_z), n = tanh(x_n + r a_n), h_t = (z h_(t-1) + (1 - z) n) keep_t.
    Zeroing the state at padded steps lets a reversed direction start at its sequence's last real step.
    """

    @staticmethod
    def forward(ctx: Any, gates: Tensor, weight: Tensor, bias: Tensor, keep: Tensor) -> Tensor:
        """Run over time.

        Args:
            ctx: keeps what the backward pass needs.
            gates: [T, P, B, 3H].
            weight: [P, 3H, H].
            bias: [P, 3H].
            keep: [T, P, B, 1], 1 for real steps, 0 for padding.

        Returns:
            [T, P, B, H].
        """
        steps, parallel, batch, triple = gates.shape
        width = triple // 3
        weight_t, bias = weight.transpose(1, 2), bias[:, None]
        states = gates.new_zeros(steps + 1, parallel, batch, width)
        reset_update = gates.new_empty(steps, parallel, batch, 2 * width)
        candidate, recurrent = torch.empty_like(states[1:]), torch.empty_like(states[1:])
        for t in range(steps):
            from_state = torch.baddbmm(bias, states[t], weight_t)
            torch.add(
                gates[t, ..., : 2 * width], from_state[..., : 2 * width], out=reset_update[t]
            ).sigmoid_()
            recurrent[t] = from_state[..., 2 * width :]
            reset, update = reset_update[t].chunk(2, -1)
            torch.addcmul(gates[t, ..., 2 * width :], reset, recurrent[t], out=candidate[t]).tanh_()
            torch.lerp(candidate[t], states[t], update, out=states[t + 1]).mul_(keep[t])
        ctx.save_for_backward(weight, states, reset_update, candidate, recurrent, keep)
        return states[1:]

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, Tensor, Tensor, None]:
        """Run back over time; only what depends on the later step's gradient is inside the loop."""
        weight, states, reset_update, candidate, recurrent, keep = ctx.saved_tensors
        steps, _, _, width = candidate.shape
        reset, update = reset_update.chunk(2, -1)
        to_candidate = (1 - update) * (1 - candidate.square())
        to_update = (states[:-1] - candidate) * update * (1 - update)
        to_reset = recurrent * reset * (1 - reset)
        # Gradients of W h + b; the candidate's part of the inputs' gates is the one that differs.
        grad_recurrent = grad.new_empty(*grad.shape[:-1], 3 * width)
        grad_candidate = torch.empty_like(candidate)
        grad_state = torch.zeros_like(candidate[0])
        for t in reversed(range(steps)):
            grad_step = (grad[t] + grad_state).mul_(keep[t])
            torch.mul(grad_step, to_candidate[t], out=grad_candidate[t])
            torch.mul(grad_candidate[t], to_reset[t], out=grad_recurrent[t, ..., :width])
            torch.mul(grad_step, to_update[t], out=grad_recurrent[t, ..., width : 2 * width])
            torch.mul(grad_candidate[t], reset[t], out=grad_recurrent[t, ..., 2 * width :])
            grad_state = torch.baddbmm(grad_step.mul_(update[t]), grad_recurrent[t], weight)
        by_direction = grad_recurrent.transpose(0, 1).flatten(1, 2)
        grad_weight = by_direction.transpose(1, 2) @ states[:-1].transpose(0, 1).flatten(1, 2)
        grad_gates = torch.cat((grad_recurrent[..., : 2 * width], grad_candidate), -1)
        return grad_gates, grad_weight, by_direction.sum(1), None


def _stacked(grus: Sequence[nn.GRU], name: str, layer: int) -> Tensor:
    """Collect a parameter of all GRUs and both directions, [G, 2, ...]."""
    return torch.stack(
        [
            torch.stack([getattr(gru, f"{name}_l{layer}{direction}") for direction in ("", "_reverse")])
            for gru in grus
        ]
    )


def _together(grus: Sequence[nn.GRU], x: Tensor, keep: Tensor) -> Tensor:
    """Advance all GRUs and directions at once; see `run_bidirectional`."""
    count, batch, steps, _ = x.shape
    forward_keep = keep.t()[:, None, None, :, None].expand(-1, 1, count, -1, -1)
    both_keep = torch.cat((forward_keep, forward_keep.flip(0)), 1).flatten(1, 2)
    for layer in range(grus[0].num_layers):
        weight_in, bias_in = _stacked(grus, "weight_ih", layer), _stacked(grus, "bias_ih", layer)
        weight, bias = _stacked(grus, "weight_hh", layer), _stacked(grus, "bias_hh", layer)
        gates = torch.baddbmm(
            bias_in.flatten(1)[:, None], x.flatten(1, 2), weight_in.flatten(1, 2).transpose(1, 2)
        )
        forward, backward = gates.view(count, batch, steps, 2, -1).permute(3, 2, 0, 1, 4)
        states = _Recurrence.apply(
            torch.cat((forward, backward.flip(0)), 1),
            weight.transpose(0, 1).flatten(0, 1),
            bias.transpose(0, 1).flatten(0, 1),
            both_keep,
        )
        forward, backward = states.chunk(2, 1)
        x = torch.cat((forward, backward.flip(0)), -1).permute(1, 2, 0, 3)
    return x


def _packed(grus: Sequence[nn.GRU], x: Tensor, keep: Tensor, lengths: Tensor) -> Tensor:
    """Run the GRUs one after the other on packed sequences; see `run_bidirectional`."""
    # Sorted here, on both sides alike: packing would carry its own order to the device and wait for it.
    lengths = lengths.sort(descending=True, stable=True).values
    order = keep.sum(1).argsort(descending=True, stable=True)
    results = []
    for gru, sequence in zip(grus, x.index_select(1, order), strict=True):
        packed = pack_padded_sequence(sequence, lengths, batch_first=True)
        results.append(pad_packed_sequence(gru(packed)[0], batch_first=True, total_length=x.shape[2])[0])
    return torch.stack(results).index_select(1, order.argsort())


def run_bidirectional(grus: Sequence[nn.GRU], x: Tensor, keep: Tensor, lengths: Tensor | None) -> Tensor:
    """Run G bidirectional GRUs of equal shape (batch_first, no dropout), each on a sequence of its own.

    Args:
        grus: G modules.
        x: [G, B, T, inputs].
        keep: [B, T] float, 1 for the real steps, which come first, 0 for padding.
        lengths: [B] int64 on the CPU, the real steps, where the GRUs are to run packed; else None.

    Returns:
        [G, B, T, 2 * hidden], zero at padded steps.
    """
    if lengths is None:
        return _together(grus, x, keep)
    return _packed(grus, x, keep, lengths)
