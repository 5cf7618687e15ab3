from dataclasses import fields, replace
from itertools import combinations

import pytest
import torch
from model_batches import random_batch, small_model

from img.models.blocks.importance import ImportancePredictor


def test_every_branch_is_decoded_the_preferred_one_first():
    model, batch = small_model(), random_batch([4, 6], [2, 3])
    assert list(model.decode(model(batch, 0), batch)) == list(model.branches) == ["fusion", "visual", "audio"]


@pytest.mark.parametrize("preset", ["paper", "reference"])
def test_gradient_reaches_every_parameter(preset):
    model = small_model(preset=preset, dropout=0.1, gamma=1000.0).train()
    batch = random_batch([16, 9, 12, 16], [6, 3, 8, 12])
    batch.words[0, 0], batch.characters[0, 0, :4] = 1, torch.tensor([1, 2, 3, 4])
    model.losses(model(batch, 5), batch, 5)["total"].backward()
    unreached = {n for n, p in model.named_parameters() if p.grad is None or not p.grad.any()}
    # Constants that differences and softmaxes cancel: their gradient is zero, or a rounding error.
    cancelled = {"saliency.bias", "predictor.start.output.bias", "predictor.end.output.bias"}
    cancelled |= {n for n, _ in model.named_parameters() if n.endswith("attention.key.bias")}
    assert unreached <= cancelled


def test_predicted_importance_is_phased_in_only_while_training():
    model, batch = small_model(), random_batch([6, 9], [3, 4])

    def fused(epoch: int) -> torch.Tensor:
        torch.manual_seed(0)  # for the slots' noise
        return model(batch, epoch).branches["fusion"].start_logits[1]

    assert torch.equal(fused(0), fused(50))
    model.train()
    assert not torch.allclose(fused(0), fused(50))


@pytest.mark.parametrize("size", [1, 2, 3])
def test_any_levels_can_be_left_out(size):
    batch = random_batch([6, 9], [3, 4])
    for levels in combinations(("local", "event", "global"), size):
        model = small_model(levels=levels)
        model.losses(model(batch, 0), batch, 0)["total"].backward()
        assert set(model.fusion.levels) == set(levels)
        assert len(model.fusion.multi_scale.pairs) == {1: 1, 2: 1, 3: 3}[size]


def test_importance_predictor_of_the_paper_has_a_hidden_layer():
    assert sum(p.numel() for p in ImportancePredictor(128, 1).parameters()) == 513
    assert sum(p.numel() for p in ImportancePredictor(128, 2).parameters()) == 256 + 256 * 128 + 128 + 129


def test_weight_decay_spares_biases_and_norms():
    spared = small_model().undecayed_parameters()
    names = {name for name, _ in small_model().named_parameters()}
    assert spared < names
    assert {
        "fusion.levels.event.slots.slot_norm.weight",
        "saliency.bias",
        "predictor.start.layer_norm.weight",
    } < spared
    assert not any("norm" in name for name in names - spared)
    assert {"predictor.encoder.position.weight", "fusion.multi_scale.joint.weight_hh_l0"} <= names - spared


def test_reference_decays_the_slots_norms_as_by_the_authors_rule():
    model = small_model(preset="reference")
    names = {name for name, _ in model.named_parameters()}
    by_rule = {name for name in names if "bias" in name or "layer_norm" in name}
    assert model.undecayed_parameters() == by_rule


def test_batch_moves_whole_but_for_the_counts_of_clips_that_stay_on_the_cpu():
    batch = random_batch([3, 2], [2, 2])
    moved = batch.to("meta")
    assert {f.name for f in fields(moved) if not getattr(moved, f.name).is_meta} == {"clip_counts"}
    assert moved.clip_counts.tolist() == [3, 2]
    assert batch.to("cpu") is batch


@pytest.mark.parametrize("preset", ["paper", "reference"])
def test_packed_grus_as_on_a_gpu_give_the_same_answers_and_losses(preset):
    model = small_model(preset=preset, slot_noise_at_inference="fixed")
    batch = random_batch([9, 5, 12, 3], [6, 3, 8, 1])
    counted = replace(batch, clip_counts=batch.clip_mask.sum(1))
    outputs, packed = model(batch, 5), model(counted, 5)
    torch.testing.assert_close(packed.branches["fusion"].end_logits, outputs.branches["fusion"].end_logits)
    torch.testing.assert_close(model.losses(packed, counted, 5), model.losses(outputs, batch, 5))


def test_a_small_batch_is_learned_by_heart():
    model = small_model(width=32).train()
    batch = random_batch([9, 5, 12, 8], [6, 3, 8, 4])
    batch = replace(batch, start=torch.tensor([1, 0, 7, 3]), end=torch.tensor([4, 2, 10, 3]))
    optimiser = torch.optim.AdamW(model.parameters(), lr=3e-3)
    history = []
    for _ in range(60):
        losses = model.losses(model(batch, 0), batch, 0)
        optimiser.zero_grad()
        losses["total"].backward()
        optimiser.step()
        history.append(losses["fusion"].item())
    spans = model.eval().decode(model(batch, 0), batch)["fusion"]
    assert history[-1] < 0.2 * history[0]
    found = spans.start.flatten().tolist(), spans.end.flatten().tolist()
    assert found == (batch.start.tolist(), batch.end.tolist())


def test_answers_are_the_same_in_inference_mode():
    model, batch = small_model(), random_batch([6, 9], [3, 4])
    expected = model(batch, 0).branches["fusion"].end_logits
    with torch.inference_mode():
        assert torch.equal(model(batch, 0).branches["fusion"].end_logits, expected)
