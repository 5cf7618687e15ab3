import math
from itertools import combinations

import pytest
import torch
from model_batches import random_batch, small_model

from img.models.blocks.streams import Mask
from img.models.fusion.importance import entropy_importance, fusion_weight, similarity_importance
from img.models.fusion.importance_aware import (
    Concatenation,
    ImportanceAwareFusion,
    MomentProjection,
    MultiScale,
    WeightedSum,
)
from img.models.img.options import ImgOptions

WEIGHTS = ("importance", "addition", "concatenation", "similarity", "entropy")
SUBSETS = [s for size in (1, 2, 3) for s in combinations(("local", "event", "global"), size)]


def options(**changes) -> ImgOptions:
    return ImgOptions.model_validate({"width": 8, "heads": 2, "dropout": 0.0, **changes})


def all_real(batch: int, clips: int) -> Mask:
    return Mask.of(torch.ones(batch, clips, dtype=torch.bool), zero_padding=True)


def test_fusion_weight_moves_from_one_half_to_the_importance():
    weights = [fusion_weight(torch.tensor(0.9), trust).item() for trust in (0.0, 0.25, 1.0)]
    assert weights == pytest.approx([0.5, 0.6, 0.9])


def test_sound_like_sight_weighs_one_and_its_opposite_nothing():
    visual = torch.tensor([[2.0, 0.0], [4.0, 0.0], [9.0, 9.0]]).expand(4, -1, -1)
    mean = torch.tensor([[1.0, 0.0], [-5.0, 0.0], [0.0, 1.0], [1.0, math.sqrt(3)]])
    audio = torch.stack((mean, mean, torch.full_like(mean, -9.0)), 1)
    mask = Mask.of(torch.tensor([[True, True, False]]).expand(4, -1), zero_padding=True)
    weight = similarity_importance(torch.stack((visual, audio)), mask)
    assert weight.tolist() == pytest.approx([1.0, 0.0, 0.5, 0.75])


def test_the_sharper_attention_weighs_more():
    uniform, certain = [0.5, 0.5, 0.0], [0.0, 1.0, 0.0]
    visual = torch.tensor([[uniform, uniform, certain], [certain, uniform, uniform]])
    audio = torch.tensor([[certain, certain, uniform], [uniform, certain, certain]])
    mask = Mask.of(torch.tensor([[True, True, False], [True, True, False]]), zero_padding=True)
    # Mean entropies: ln 2 against 0, and ln(2) / 2 against the same.
    weight = entropy_importance(torch.stack((visual, audio)), mask)
    assert weight.tolist() == pytest.approx([2 / 3, 0.5])


def test_attention_that_leaves_words_out_has_finite_gradients():
    logits = torch.tensor([0.0, -1e30, 2.0]).expand(2, 1, 1, 3).clone().requires_grad_()
    weight = entropy_importance(
        logits.softmax(-1) ** torch.tensor([1.0, 2.0]).view(2, 1, 1, 1), all_real(1, 1)
    )
    weight.sum().backward()
    assert logits.grad.isfinite().all()
    assert logits.grad.any()


def test_weighted_sum_by_hand():
    # Layer norm of (1, 3) and of (5, 1) is (-1, 1) and (1, -1).
    streams = torch.tensor([[[[1.0, 3.0]]], [[[5.0, 1.0]]]])
    fused = WeightedSum(2)(streams, torch.tensor([0.25]))
    assert fused.flatten().tolist() == pytest.approx([-0.5, 0.5])


def test_concatenation_by_hand_with_and_without_sound():
    streams = torch.tensor([[[[1.0, 3.0]]], [[[5.0, 1.0]]]]).expand(-1, 2, -1, -1)
    join = Concatenation(2)
    join.linear.weight.data = torch.tensor([[1.0, 0.0, 10.0, 0.0], [0.0, 1.0, 0.0, 10.0]])
    fused = join(streams, torch.tensor([1.0, 0.0]))
    assert fused.flatten().tolist() == pytest.approx([9.0, -9.0, -1.0, 1.0], rel=1e-5)


@pytest.mark.parametrize("kind", WEIGHTS)
def test_only_what_is_predicted_has_a_predictor_and_its_loss(kind):
    model, batch = small_model(fusion_weight=kind), random_batch([6, 9], [3, 4])
    predictor = [name for name, _ in model.named_parameters() if name.startswith("fusion.importance")]
    assert bool(predictor) == (kind == "importance")
    assert ("importance" in model.loss_terms(model(batch, 0), batch, 0)) == (kind == "importance")


@pytest.mark.parametrize("kind", WEIGHTS)
def test_importance_is_the_weight_of_the_sound_where_there_is_one(kind):
    batch = random_batch([6, 9, 7], [3, 4, 2])
    batch.streams["audio"].present[1] = False
    importance = small_model(fusion_weight=kind)(batch, 0).importance
    if kind == "concatenation":
        assert importance.isnan().all()
    else:
        assert importance[1] == 0
        assert ((importance[[0, 2]] > 0) & (importance[[0, 2]] < 1)).all()
    if kind == "addition":
        assert importance.tolist() == [0.5, 0.0, 0.5]


@pytest.mark.parametrize("kind", ["importance", "similarity", "entropy"])
def test_every_weight_starts_as_addition_and_ends_as_its_own(kind):
    batch = random_batch([6, 9], [3, 4])
    addition, model = small_model(fusion_weight="addition"), small_model(fusion_weight=kind)
    model.load_state_dict(addition.state_dict(), strict=False)
    expected = addition.compute(batch, 1.0).branches["fusion"].start_logits
    torch.testing.assert_close(model.compute(batch, 0.0).branches["fusion"].start_logits, expected)
    own = model.compute(batch, 1.0)
    assert not torch.allclose(own.branches["fusion"].start_logits, expected)
    # The importance it reports is the weight it used.
    for sample, weight in enumerate(own.importance.tolist()):
        forced = addition.compute(batch, 1.0, weight).branches["fusion"].start_logits[sample]
        torch.testing.assert_close(forced, own.branches["fusion"].start_logits[sample])


@pytest.mark.parametrize("kind", ["importance", "addition", "concatenation", "similarity"])
def test_fusion_needs_no_more_than_two_sequences_and_a_mask(kind):
    torch.manual_seed(0)
    fusion = ImportanceAwareFusion(options(fusion_weight=kind))
    visual, audio = torch.randn(2, 3, 5, 8)
    fused = fusion(visual, audio, all_real(3, 5), torch.tensor([True, False, True]), 1.0)
    assert fused.sequence.shape == (3, 5, 8)


def test_entropy_without_attention_is_refused():
    visual, audio = torch.randn(2, 3, 5, 8)
    with pytest.raises(ValueError, match="entropy: expected the clips' attention"):
        ImportanceAwareFusion(options(fusion_weight="entropy"))(
            visual, audio, all_real(3, 5), torch.ones(3, dtype=torch.bool), 1.0
        )


@pytest.mark.parametrize("levels", SUBSETS)
def test_levels_left_pass_through_the_grus_of_their_pairs_and_a_single_one_through_its_own(levels):
    torch.manual_seed(0)
    module = MultiScale(options(levels=levels))
    pairs = {
        1: [levels],
        2: [levels],
        3: [("local", "event"), ("event", "global"), ("local", "global")],
    }[len(levels)]
    assert [(gru.input_size, gru.hidden_size, gru.num_layers) for gru in module.pairs] == [
        (8 * len(names), 4, 3) for names in pairs
    ]
    assert (module.joint.input_size, module.joint.hidden_size, module.joint.num_layers) == (
        8 * len(pairs),
        8,
        1,
    )
    given = {name: torch.randn(2, 6, 8) for name in levels}
    scales = [
        gru(torch.cat([given[name] for name in names], -1))[0]
        for gru, names in zip(module.pairs, pairs, strict=True)
    ]
    expected = module.linear(module.joint(torch.cat(scales, -1))[0])
    torch.testing.assert_close(module(given, all_real(2, 6)), expected)


@pytest.mark.parametrize("levels", SUBSETS)
def test_levels_left_out_leave_no_parameters(levels):
    model = small_model(levels=levels)
    assert list(model.fusion.levels) == list(model.fusion.joins) == list(levels)


def test_slots_are_supervised_only_if_so_weighted():
    batch = random_batch([6, 9], [3, 4])
    plain, supervised = small_model(), small_model(slot_supervision_weight=2)
    assert not any(isinstance(module, MomentProjection) for module in plain.modules())
    assert "slots" not in plain.loss_terms(plain(batch, 0), batch, 0)
    losses = supervised.loss_terms(supervised(batch, 0), batch, 0)
    rest = {"total", "slots", "importance", "distillation_visual", "distillation_audio"}
    without = sum(
        loss * (0.5 if "saliency" in name else 1) for name, loss in losses.items() if name not in rest
    )
    torch.testing.assert_close(losses["total"] - without - 5 * losses["importance"], 2 * losses["slots"])


def test_without_the_event_level_there_is_nothing_to_supervise():
    model, batch = small_model(slot_supervision_weight=1, levels=["local"]), random_batch([6, 9], [3, 4])
    assert "slots" not in model.loss_terms(model(batch, 0), batch, 0)


def test_supervision_of_slots_reaches_the_slots():
    model, batch = small_model(slot_supervision_weight=1), random_batch([6, 9], [3, 4])
    model.loss_terms(model(batch, 0), batch, 0)["slots"].backward()
    assert model.fusion.levels["event"].slots.mean.grad.any()
    assert model.predictor.start.output.weight.grad is None
