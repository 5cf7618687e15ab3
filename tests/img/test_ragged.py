from __future__ import annotations

import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.nn.utils.rnn import pad_sequence

from img.data.ragged import Ragged


def test_sequences_are_padded_with_zeros_to_the_longest_among_the_samples() -> None:
    ragged = Ragged.of([[1, 2, 3], [4], [5, 6]])
    assert ragged.pad(torch.tensor([2, 1])).tolist() == [[5, 6], [4, 0]]
    assert ragged.mask(torch.tensor([2, 1])).tolist() == [[True, True], [True, False]]


def test_rows_of_values_shared_by_two_sequences_are_gathered_for_both() -> None:
    rows = torch.arange(8.0).view(4, 2)
    ragged = Ragged(rows, torch.tensor([1, 1, 3]), torch.tensor([2, 2, 1]))
    padded = ragged.pad(torch.tensor([0, 2, 1]))
    assert padded.tolist() == [[[2, 3], [4, 5]], [[6, 7], [0, 0]], [[2, 3], [4, 5]]]


def test_padding_leaves_the_rows_as_they_were() -> None:
    ragged = Ragged.of([[1, 2], [3]])
    ragged.pad(torch.tensor([0, 1])).fill_(9)
    assert ragged.rows.tolist() == [1, 2, 3]


@given(st.lists(st.lists(st.integers(1, 99), max_size=5), min_size=1, max_size=6), st.data())
def test_padding_equals_that_of_torch(sequences: list[list[int]], data: st.DataObject) -> None:
    chosen = data.draw(st.lists(st.sampled_from(range(len(sequences))), min_size=1, max_size=8))
    if not any(sequences):
        return
    expected = pad_sequence([torch.tensor(sequences[i], dtype=torch.int64) for i in chosen], batch_first=True)
    assert Ragged.of(sequences).pad(torch.tensor(chosen)).equal(expected)
