"""Top-n spans against plain searches over all pairs of clips."""

import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st

from img.models.blocks.best_spans import decode
from img.models.blocks.clip_logits import Branch

VIDEOS = st.lists(st.integers(1, 9), min_size=1, max_size=4)
SEEDS = st.integers(0, 2**32 - 1)

Span = tuple[int, int]


def random_branch(
    clips: list[int], seed: int, spread: float, steps: float = 0.0
) -> tuple[Branch, torch.Tensor]:
    """Random logits, those of padded clips too; whole multiples of `steps` where that is given."""
    rng = torch.Generator().manual_seed(seed)
    start, end = (spread * torch.randn(len(clips), max(clips), generator=rng) for _ in range(2))
    if steps:
        start, end = (steps * (logits / steps).round() for logits in (start, end))
    mask = torch.arange(max(clips)) < torch.tensor(clips)[:, None]
    return Branch(start, end, torch.zeros_like(start)), mask


def joint_of(branch: Branch, sample: int, count: int) -> dict[Span, float]:
    start = branch.start_logits[sample, :count].double().softmax(0)
    end = branch.end_logits[sample, :count].double().softmax(0)
    return {(i, j): (start[i] * end[j]).item() for j in range(count) for i in range(j + 1)}


def overlap(one: Span, other: Span) -> float:
    clips = set(range(one[0], one[1] + 1)), set(range(other[0], other[1] + 1))
    return len(clips[0] & clips[1]) / len(clips[0] | clips[1])


@settings(max_examples=60, deadline=None)
@given(clips=VIDEOS, seed=SEEDS, spread=st.sampled_from([0.5, 5.0, 60.0]))
def test_the_first_span_is_the_best_of_all_pairs(clips: list[int], seed: int, spread: float) -> None:
    branch, mask = random_branch(clips, seed, spread)
    spans = decode(branch, mask)
    for b, count in enumerate(clips):
        joint = joint_of(branch, b, count)
        found = (spans.start[b, 0].item(), spans.end[b, 0].item())
        assert joint[found] == pytest.approx(max(joint.values()), rel=1e-3)
        assert spans.score[b, 0].item() == pytest.approx(max(joint.values()), rel=1e-3, abs=1e-30)


@settings(max_examples=60, deadline=None)
@given(
    clips=VIDEOS, seed=SEEDS, spread=st.sampled_from([0.5, 5.0]), threshold=st.sampled_from([0.0, 0.5, 1.0])
)
def test_every_span_is_the_best_of_those_that_overlap_no_earlier_one_too_much(
    clips: list[int], seed: int, spread: float, threshold: float
) -> None:
    branch, mask = random_branch(clips, seed, spread)
    spans = decode(branch, mask, 6, threshold)
    assert spans.start.shape == spans.end.shape == spans.score.shape == (len(clips), 6)
    for b, count in enumerate(clips):
        left = joint_of(branch, b, count)
        for found, score in zip(
            zip(spans.start[b].tolist(), spans.end[b].tolist(), strict=True), spans.score[b], strict=True
        ):
            if not left:
                assert (found, score) == ((-1, -1), 0)
                continue
            assert left[found] == pytest.approx(max(left.values()), rel=1e-3)
            assert score.item() == pytest.approx(left[found], rel=1e-3)
            left = {
                span: p for span, p in left.items() if span != found and overlap(span, found) <= threshold
            }


@settings(max_examples=60, deadline=None)
@given(clips=VIDEOS, seed=SEEDS, answers=st.integers(1, 4))
@example(clips=[7, 1], seed=119234, answers=4)
def test_of_equally_probable_spans_the_first_to_end_is_first_then_the_shortest(
    clips: list[int], seed: int, answers: int
) -> None:
    # Logits that are multiples of 60: most pairs tie with others, exactly.
    branch, mask = random_branch(clips, seed, 40.0, steps=60.0)
    spans = decode(branch, mask, answers)
    for b, count in enumerate(clips):
        start, end = (logits[b, :count] for logits in (branch.start_logits, branch.end_logits))
        order = sorted(joint_of(branch, b, count), key=lambda s: (-(start[s[0]] + end[s[1]]), s[1], -s[0]))
        expected = (order + [(-1, -1)] * answers)[:answers]
        assert list(zip(spans.start[b].tolist(), spans.end[b].tolist(), strict=True)) == expected


def test_suppression_by_hand() -> None:
    # P(start) = 0.6, 0.3, 0.1, 0; P(end) = 0, 0.1, 0.3, 0.6: (0, 3), then (0, 2) and (1, 3) at IoU 0.75.
    start = torch.tensor([[0.6, 0.3, 0.1, 0.0]]).log()
    branch = Branch(start, start.flip(1), torch.zeros(1, 4))
    mask = torch.ones(1, 4, dtype=torch.bool)

    def spans(threshold: float) -> list[Span]:
        found = decode(branch, mask, 3, threshold)
        return list(zip(found.start[0].tolist(), found.end[0].tolist(), strict=True))

    assert spans(1.0) == [(0, 3), (0, 2), (1, 3)]
    assert spans(0.75) == [(0, 3), (0, 2), (1, 3)]
    # (0, 2) and (1, 3) are out; of those left (1, 2) has 0.09, (0, 1) and (2, 3) have 0.06.
    assert spans(0.74) == [(0, 3), (1, 2), (0, 1)]
    # All overlap the whole video; nothing is left.
    assert spans(0.2) == [(0, 3), (-1, -1), (-1, -1)]


def test_a_sample_is_decoded_alike_alone_and_in_a_padded_batch() -> None:
    branch, mask = random_branch([5, 9], 0, 2.0)
    together = decode(branch, mask, 5, 0.5)
    part = Branch(branch.start_logits[:1, :5], branch.end_logits[:1, :5], branch.saliency[:1, :5])
    alone = decode(part, mask[:1, :5], 5, 0.5)
    for name in ("start", "end"):
        assert torch.equal(getattr(together, name)[:1], getattr(alone, name))
