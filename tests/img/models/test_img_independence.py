"""With the `paper` preset a sample's answer depends on that sample alone, whatever the variant."""

import pytest
import torch
from model_batches import changed, random_batch, rows, sight, small_model, sound, trimmed
from shipped_variants import representative_models

from img.models.fusion.slots import SlotAttention
from img.models.img.model import IMG, Outputs
from img.models.protocol import Batch

CLIPS, WORDS = [9, 5, 12, 3], [6, 3, 8, 1]
VARIANTS = {name: changes for name, changes in representative_models().items() if name != "reference"}


def answer(model: IMG, batch: Batch) -> Outputs:
    return model(batch, epoch=5)


def batch_for(model: IMG) -> Batch:
    """The batch in the model's own precision."""
    batch, kind = random_batch(CLIPS, WORDS), model.saliency.weight.dtype
    return changed(batch, visual=sight(batch).to(kind), audio=sound(batch).to(kind))


def assert_same_answers(found: Outputs, expected: Outputs, sample: int, atol: float = 1e-9) -> None:
    """Sample 0 of `found` against sample `sample` of `expected`."""
    clips = CLIPS[sample]
    for name, branch in expected.branches.items():
        for values, wanted in zip(vars(found.branches[name]).values(), vars(branch).values(), strict=True):
            torch.testing.assert_close(values[0, :clips], wanted[sample, :clips], rtol=0, atol=atol)
    torch.testing.assert_close(
        found.importance[0], expected.importance[sample], rtol=0, atol=atol, equal_nan=True
    )


@pytest.fixture
def equal_noise(monkeypatch) -> None:
    """In training too, slots start from the fixed draw: fresh noise differs between any two calls."""
    monkeypatch.setattr(
        SlotAttention, "_noise", lambda self, batch: self.fixed_noise.expand(-1, batch, -1, -1)
    )


@pytest.fixture(params=VARIANTS.values(), ids=VARIANTS.keys())
def model(request, equal_noise) -> IMG:
    """In double precision, where no dependence hides among rounding errors."""
    return small_model(**request.param).double()


@pytest.fixture(params=["importance", "addition", "concatenation", "similarity", "entropy"])
def fusing_model(request, equal_noise) -> IMG:
    return small_model(fusion_weight=request.param, slot_supervision_weight=1)


@pytest.mark.parametrize("training", [False, True])
def test_alone_and_unpadded_a_sample_gets_the_answer_it_gets_in_a_batch(model, training):
    model.train(training)
    batch = batch_for(model)
    expected = answer(model, batch)
    for sample in range(4):
        assert_same_answers(answer(model, trimmed(rows(batch, [sample]))), expected, sample)


@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize("sample", range(4))
def test_in_single_precision_it_is_the_same_to_1e_5(equal_noise, training, sample):
    model = small_model().train(training)
    batch = batch_for(model)
    found = answer(model, trimmed(rows(batch, [sample])))
    assert_same_answers(found, answer(model, batch), sample, atol=1e-5)


@pytest.mark.parametrize("training", [False, True])
def test_order_within_the_batch_changes_nothing(model, training):
    model.train(training)
    batch = batch_for(model)
    shuffled = rows(batch, [2, 0, 3, 1])
    assert_same_answers(answer(model, shuffled), answer(model, batch), 2)


def test_what_stands_at_padded_clips_changes_nothing(model):
    batch = batch_for(model)
    outside = ~batch.clip_mask[:, :, None]
    noisy = changed(
        batch,
        visual=sight(batch) + torch.randn_like(sight(batch)) * outside,
        audio=sound(batch) + torch.randn_like(sound(batch)) * outside,
    )
    expected = answer(model, batch)
    for sample in range(4):
        assert_same_answers(answer(model, rows(noisy, [sample])), expected, sample)


def test_losses_and_gradients_of_a_batch_are_the_means_of_its_samples_alone(model):
    model.train()
    batch = batch_for(model)

    def losses_and_gradients(batch: Batch) -> dict[str, torch.Tensor]:
        model.zero_grad()
        losses = model.loss_terms(answer(model, batch), batch, 5)
        losses["total"].backward()
        gradients = {n: p.grad.clone() for n, p in model.named_parameters() if p.grad is not None}
        return {name: loss.detach() for name, loss in losses.items()} | gradients

    together = losses_and_gradients(batch)
    alone = [losses_and_gradients(trimmed(rows(batch, [sample]))) for sample in range(4)]
    for name, value in together.items():
        mean = torch.stack([one[name] for one in alone]).mean(0)
        torch.testing.assert_close(value, mean, rtol=1e-7, atol=1e-7, msg=lambda m, n=name: f"{n}: {m}")


def test_two_evaluations_agree_also_through_a_checkpoint():
    model, batch = small_model(), random_batch(CLIPS, WORDS)
    copy = small_model()
    torch.nn.init.zeros_(copy.fusion.levels["event"].slots.fixed_noise)
    copy.load_state_dict(model.state_dict())
    for other in (model, copy):
        first, again = model(batch, 0), other(batch, 0)
        assert torch.equal(first.branches["fusion"].start_logits, again.branches["fusion"].start_logits)


def test_the_reference_preset_does_depend_on_the_batch():
    model = small_model(preset="reference", slot_noise_at_inference="none")
    batch = random_batch(CLIPS, WORDS)
    together = answer(model, batch).branches["visual"].start_logits[1, :5]
    alone = answer(model, trimmed(rows(batch, [1]))).branches["visual"].start_logits[0]
    assert (together - alone).abs().max() > 1e-3


def test_without_sound_the_audio_array_changes_neither_fusion_nor_losses(fusing_model):
    batch = random_batch(CLIPS, WORDS)
    silent = changed(batch, has_audio=torch.tensor([True, False, True, True]))
    louder = changed(silent, audio=sound(silent) + 5 * (torch.arange(4) == 1)[:, None, None])
    first, second = answer(fusing_model, silent), answer(fusing_model, louder)
    fusion, other = first.branches["fusion"], second.branches["fusion"]
    torch.testing.assert_close(fusion.start_logits, other.start_logits)
    torch.testing.assert_close(fusion.end_logits, other.end_logits)
    assert first.importance[1] == 0 or first.importance.isnan().all()
    assert not torch.allclose(
        first.branches["audio"].start_logits[1], second.branches["audio"].start_logits[1]
    )
    losses, others = (fusing_model.loss_terms(first, silent, 20), fusing_model.loss_terms(second, louder, 20))
    for name, loss in losses.items():
        torch.testing.assert_close(loss, others[name], msg=lambda m, n=name: f"{n}: {m}")


def test_a_batch_without_any_sound_has_no_audio_losses_and_finite_gradients(fusing_model):
    batch = changed(random_batch(CLIPS, WORDS), has_audio=torch.zeros(4, dtype=torch.bool))
    losses = fusing_model.loss_terms(answer(fusing_model, batch), batch, 20)
    for name in {"audio", "saliency_audio", "distillation_audio", "importance"} & losses.keys():
        assert losses[name] == 0
    losses["total"].backward()
    assert all(p.grad is None or p.grad.isfinite().all() for p in fusing_model.parameters())


def test_more_clips_than_the_model_knows_are_refused():
    with pytest.raises(ValueError, match="max_clips = 16"):
        answer(small_model(), random_batch([17], [2]))
