"""With the `paper` preset a sample's answer depends on that sample alone."""

from dataclasses import replace

import pytest
import torch
from model_batches import random_batch, rows, small_model, trimmed

from img.models.blocks.slots import SlotAttention
from img.models.img import IMG
from img.models.protocol import Batch, Outputs

CLIPS, WORDS = [9, 5, 12, 3], [6, 3, 8, 1]


def answer(model: IMG, batch: Batch) -> Outputs:
    return model(batch, epoch=5)


def assert_same_answers(found: Outputs, expected: Outputs, sample: int, clips: int) -> None:
    """Sample 0 of `found` against sample `sample` of `expected`."""
    for name, branch in expected.branches.items():
        other = found.branches[name]
        for values, wanted in (
            (other.start_logits, branch.start_logits),
            (other.end_logits, branch.end_logits),
            (other.saliency, branch.saliency),
        ):
            torch.testing.assert_close(values[0, :clips], wanted[sample, :clips], rtol=0, atol=1e-5)
    torch.testing.assert_close(found.importance[0], expected.importance[sample], rtol=0, atol=1e-5)


@pytest.fixture
def model(monkeypatch) -> IMG:
    """In training too, slots start from the fixed draw: fresh noise differs between any two calls."""
    monkeypatch.setattr(
        SlotAttention, "_noise", lambda self, batch: self.fixed_noise.expand(-1, batch, -1, -1)
    )
    return small_model()


@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize("sample", range(4))
def test_alone_and_unpadded_a_sample_gets_the_answer_it_gets_in_a_batch(model, training, sample):
    model.train(training)
    batch = random_batch(CLIPS, WORDS)
    alone = trimmed(rows(batch, [sample]))
    assert_same_answers(answer(model, alone), answer(model, batch), sample, CLIPS[sample])


@pytest.mark.parametrize("training", [False, True])
def test_order_within_the_batch_changes_nothing(model, training):
    model.train(training)
    batch = random_batch(CLIPS, WORDS)
    shuffled = rows(batch, [2, 0, 3, 1])
    assert_same_answers(answer(model, shuffled), answer(model, batch), 2, CLIPS[2])


def test_what_stands_at_padded_clips_changes_nothing(model):
    batch = random_batch(CLIPS, WORDS)
    noise = torch.randn_like(batch.visual) * ~batch.clip_mask[:, :, None]
    noisy = replace(batch, visual=batch.visual + noise)
    for sample in range(4):
        found = answer(model, rows(noisy, [sample]))
        assert_same_answers(found, answer(model, batch), sample, CLIPS[sample])


def test_gradient_of_a_samples_answer_is_the_same_alone_and_in_a_batch(model):
    model.train()
    batch = random_batch(CLIPS, WORDS)

    def gradients(batch: Batch, sample: int) -> dict[str, torch.Tensor]:
        model.zero_grad()
        branch = answer(model, batch).branches["fusion"]
        (branch.start_logits[sample, :5].sum() + branch.end_logits[sample, :5].square().sum()).backward()
        return {n: p.grad.clone() for n, p in model.named_parameters() if p.grad is not None}

    in_batch, alone = gradients(batch, 1), gradients(trimmed(rows(batch, [1])), 0)
    for name, gradient in in_batch.items():
        torch.testing.assert_close(
            alone[name], gradient, rtol=1e-3, atol=1e-5, msg=lambda m, n=name: f"{n}: {m}"
        )


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


def test_without_sound_the_audio_array_changes_neither_fusion_nor_losses(model):
    batch = random_batch(CLIPS, WORDS)
    silent = replace(batch, has_audio=torch.tensor([True, False, True, True]))
    louder = replace(silent, audio=silent.audio + 5 * (torch.arange(4) == 1)[:, None, None])
    first, second = answer(model, silent), answer(model, louder)
    fusion, other = first.branches["fusion"], second.branches["fusion"]
    torch.testing.assert_close(fusion.start_logits, other.start_logits)
    torch.testing.assert_close(fusion.end_logits, other.end_logits)
    assert first.importance[1] == 0
    assert not torch.allclose(
        first.branches["audio"].start_logits[1], second.branches["audio"].start_logits[1]
    )
    losses, others = model.losses(first, silent, 20), model.losses(second, louder, 20)
    for name, loss in losses.items():
        torch.testing.assert_close(loss, others[name], msg=lambda m, n=name: f"{n}: {m}")


def test_a_batch_without_any_sound_has_no_audio_losses_and_finite_gradients(model):
    batch = replace(random_batch(CLIPS, WORDS), has_audio=torch.zeros(4, dtype=torch.bool))
    losses = model.losses(answer(model, batch), batch, 20)
    for name in ("audio", "saliency_audio", "distillation_audio", "importance"):
        assert losses[name] == 0
    losses["total"].backward()
    assert all(p.grad is None or p.grad.isfinite().all() for p in model.parameters())


def test_more_clips_than_the_model_knows_are_refused():
    with pytest.raises(ValueError, match="max_clips = 16"):
        answer(small_model(), random_batch([17], [2]))
