from dataclasses import replace

import pytest
import torch
from model_batches import changed, random_batch, small_model, sound

from img.models.fusion.importance import ImportancePredictor


def test_every_branch_is_decoded_the_preferred_one_first():
    model, batch = small_model(), random_batch([4, 6], [2, 3])
    assert list(model.decode(model(batch, 0), batch)) == list(model.branches) == ["fusion", "visual", "audio"]


def test_predicted_importance_is_phased_in_only_while_training():
    model, batch = small_model(), random_batch([6, 9], [3, 4])

    def fused(epoch: int) -> torch.Tensor:
        torch.manual_seed(0)  # for the slots' noise
        return model(batch, epoch).branches["fusion"].start_logits[1]

    assert torch.equal(fused(0), fused(50))
    model.train()
    assert not torch.allclose(fused(0), fused(50))


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
    streams = [tensor for stream in moved.streams.values() for tensor in (stream.values, stream.present)]
    texts = [moved.word_mask, moved.words, moved.characters]
    tensors = [*streams, *vars(moved.targets).values(), *texts, moved.clip_mask]
    assert len(tensors) == 13
    assert all(tensor.is_meta for tensor in tensors)
    assert not moved.clip_counts.is_meta
    assert moved.query_features is None
    assert moved.clip_counts.tolist() == [3, 2]
    assert batch.to("cpu") is batch


@pytest.mark.parametrize("preset", ["paper", "reference"])
def test_packed_grus_as_on_a_gpu_give_the_same_answers_and_losses(preset):
    model = small_model(preset=preset, slot_noise_at_inference="fixed")
    batch = random_batch([9, 5, 12, 3], [6, 3, 8, 1])
    counted = replace(batch, clip_counts=batch.clip_mask.sum(1))
    outputs, packed = model(batch, 5), model(counted, 5)
    torch.testing.assert_close(packed.branches["fusion"].end_logits, outputs.branches["fusion"].end_logits)
    torch.testing.assert_close(model.loss_terms(packed, counted, 5), model.loss_terms(outputs, batch, 5))


def test_a_visual_model_reads_no_sound_and_has_no_part_for_it():
    model, batch = small_model(modalities="visual"), random_batch([6, 9], [3, 4])
    assert model.branches == ("visual",)
    assert not any(name.startswith(("audio", "fusion")) for name, _ in model.named_parameters())
    streams = [p for n, p in model.named_parameters() if not n.startswith("visual_projection")]
    assert all(len(parameter) == 1 for parameter in streams)
    mute = changed(
        batch,
        audio=torch.full_like(sound(batch), torch.nan),
        has_audio=~batch.streams["audio"].present,
    )
    outputs, others = model(batch, 0), model(mute, 0)
    assert torch.equal(outputs.branches["visual"].start_logits, others.branches["visual"].start_logits)
    assert outputs.importance.isnan().all()
    losses = model.loss_terms(outputs, batch, 0)
    assert list(losses) == ["total", "visual", "saliency_visual"]
    torch.testing.assert_close(losses["total"], losses["visual"] + 0.5 * losses["saliency_visual"])


def test_answers_are_the_same_in_inference_mode():
    model, batch = small_model(), random_batch([6, 9], [3, 4])
    expected = model(batch, 0).branches["fusion"].end_logits
    with torch.inference_mode():
        assert torch.equal(model(batch, 0).branches["fusion"].end_logits, expected)
