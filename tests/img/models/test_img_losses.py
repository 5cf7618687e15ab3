import math
from dataclasses import replace

import pytest
import torch
from model_batches import random_batch, small_model

from img.models.blocks.clip_logits import Branch
from img.models.img.losses import (
    distillation_loss,
    importance_loss,
    mean_over,
    moment_loss,
    pseudo_label,
    ramp,
    retrieval_loss,
    saliency_loss,
)
from img.models.img.model import Outputs


def branch(start: list[float], end: list[float]) -> Branch:
    return Branch(torch.tensor([start]), torch.tensor([end]), torch.zeros(1, len(start)))


@pytest.mark.parametrize(
    ("epoch", "value"), [(0, 0.0), (5, 1 - math.sqrt(0.5)), (10, 1.0), (11, 1.0), (99, 1.0)]
)
def test_ramp_over_ten_epochs(epoch, value):
    assert ramp(epoch, 10) == pytest.approx(value)


def test_ramp_two_thirds_up():
    assert ramp(20, 30) == pytest.approx(0.5)  # 1 + cos(-2 pi / 3)


def test_retrieval_loss_of_uniform_logits_is_the_log_of_the_clips():
    loss = retrieval_loss(branch([0.0] * 4, [1.0, 1.0, -1e30, -1e30]), torch.tensor([2]), torch.tensor([1]))
    assert loss.tolist() == pytest.approx([math.log(4) + math.log(2)])


def test_pseudo_label_of_losses_by_hand():
    # gamma 2: (Lv - La) / 2 = 0, ln 3, ln 9, -ln 3, -ln 9 give 1/2, 3/4, 9/10, 1/4, 1/10.
    visual = 2 * torch.tensor([1.0, math.log(3), math.log(9), 0.0, 0.0])
    audio = 2 * torch.tensor([1.0, 0.0, 0.0, math.log(3), math.log(9)])
    label = pseudo_label(visual, audio, gamma=2.0, eps_min=0.2, eps_max=0.8)
    assert label.tolist() == pytest.approx([0.5, 0.75, 1.0, 0.25, 0.0])
    own_maximum = pseudo_label(visual, audio, gamma=2.0, eps_min=0.2, eps_max=0.7)
    assert own_maximum.tolist() == pytest.approx([0.5, 1.0, 1.0, 0.25, 0.0])


def test_pseudo_label_carries_no_gradient():
    assert not pseudo_label(torch.ones(1, requires_grad=True), torch.ones(1), 3.0, 0.2, 0.8).requires_grad


def test_importance_loss_by_hand():
    loss = importance_loss(torch.tensor([0.25]), torch.tensor([0.5]))
    assert loss.item() == pytest.approx(-0.5 * math.log(0.25) - 0.5 * math.log(0.75))


def test_distillation_by_hand_and_without_gradient_for_the_teacher():
    student = branch([0.0, 0.0], [0.0, 0.0])
    teacher_start = torch.tensor([[2 * math.log(3), 0.0]], requires_grad=True)  # 3/4, 1/4 at temperature 2
    teacher = Branch(teacher_start, torch.zeros(1, 2), torch.zeros(1, 2))
    loss = distillation_loss(student, teacher, temperature=2.0)
    divergence = 0.75 * math.log(0.75 / 0.5) + 0.25 * math.log(0.25 / 0.5)
    assert loss.tolist() == pytest.approx([4 * divergence])
    assert not loss.requires_grad


def test_distillation_ignores_padded_clips():
    real = distillation_loss(branch([1.0, 2.0], [0.0, 1.0]), branch([0.0, 0.0], [0.0, 0.0]), 2.0)
    both = distillation_loss(
        branch([1.0, 2.0, -1e30], [0.0, 1.0, -1e30]), branch([0.0, 0.0, -1e30], [0.0, 0.0, -1e30]), 2.0
    )
    torch.testing.assert_close(both, real)


def test_saliency_loss_by_hand():
    saliency = torch.tensor([[0.0, 1.0, 0.9, 3.0], [5.0, 0.0, 0.0, 0.0]])
    positive, negative = torch.tensor([[1, 3], [0, 0]]), torch.tensor([[2, 0], [1, 2]])
    # First sample: 0.2 + 0.9 - 1.0 = 0.1, and 0.2 + 0 - 3 < 0; divided by a batch of 2.
    loss = saliency_loss(saliency, positive, negative, margin=0.2)
    assert loss.tolist() == pytest.approx([0.05, 0.0])


def test_moment_loss_by_hand():
    logits = torch.tensor([[[0.0, math.log(3), math.log(3), 50.0]], [[0.0, 0.0, -math.log(3), -50.0]]])
    real = torch.tensor([[True, True, True, False]])
    loss = moment_loss(logits, torch.tensor([1]), torch.tensor([1]), real)
    # The second clip is inside. Visual: 1/2 wrong, 3/4 right, 3/4 wrong; audio: 1/2, 1/2 and 3/4 right.
    visual, audio = -math.log(1 / 2 * 3 / 4 * 1 / 4) / 3, -math.log(1 / 2 * 1 / 2 * 3 / 4) / 3
    assert loss.flatten().tolist() == pytest.approx([visual, audio])


def test_mean_over_counts_only_those_counted():
    loss = torch.tensor([1.0, 2.0, 6.0])
    assert mean_over(loss, torch.tensor([0.0, 1.0, 1.0])) == 4.0
    assert mean_over(loss, torch.zeros(3)) == 0.0


@pytest.mark.parametrize("audio_losses", ["all", "informative"])
def test_total_is_the_weighted_sum_of_its_terms(audio_losses):
    model, batch = small_model(audio_losses=audio_losses), random_batch([9, 5, 12], [6, 3, 8])
    losses = {name: loss.item() for name, loss in model.loss_terms(model(batch, 5), batch, 5).items()}
    expected = losses["fusion"] + losses["visual"] + losses["audio"] + 5 * losses["importance"]
    expected += 10 * ramp(5, 20) * (losses["distillation_visual"] + losses["distillation_audio"])
    expected += 0.5 * (losses["saliency_fusion"] + losses["saliency_visual"] + losses["saliency_audio"])
    assert losses["total"] == pytest.approx(expected)


def test_audio_is_trained_on_informative_samples_only_if_so_chosen():
    batch = random_batch([9, 5], [6, 3])
    everyone, informative = small_model(), small_model(audio_losses="informative")
    outputs = everyone(batch, 0)
    certain_and_wrong = torch.zeros(2, 9)
    certain_and_wrong[1, 4] = 50.0
    audio = Branch(certain_and_wrong, certain_and_wrong, torch.zeros(2, 9))
    outputs = Outputs({**outputs.branches, "audio": audio}, outputs.importance)
    # Uniform for the first sample; for the second both boundaries are missed by 50.
    assert everyone.loss_terms(outputs, batch, 0)["audio"].item() == pytest.approx(
        (2 * math.log(9) + 100) / 2
    )
    assert informative.loss_terms(outputs, batch, 0)["audio"].item() == pytest.approx(2 * math.log(9))


def test_distillation_rises_over_twenty_epochs():
    model, batch = small_model(), random_batch([9, 5], [6, 3])
    outputs = model(batch, 0)
    first, last = model.loss_terms(outputs, batch, 0), model.loss_terms(outputs, batch, 20)
    distilled = last["distillation_visual"] + last["distillation_audio"]
    torch.testing.assert_close(last["total"] - first["total"], 10 * distilled, rtol=1e-3, atol=1e-5)


def losses_of(**changes) -> dict[str, torch.Tensor]:
    """Of the same outputs, an audio branch that is right and a visual one that is wrong among them."""
    batch, model = random_batch([9, 5], [6, 3]), small_model(**changes)
    outputs = small_model()(batch, 20)
    right = 3 * torch.nn.functional.one_hot(batch.targets.start, 9).float()
    audio = Branch(right, right, torch.zeros(2, 9))
    return model.loss_terms(replace(outputs, branches={**outputs.branches, "audio": audio}), batch, 20)


@pytest.mark.parametrize("kind", ["importance", "distillation", "saliency"])
def test_a_kind_of_loss_of_weight_zero_leaves_the_total(kind):
    default, without = losses_of(), losses_of(**{f"{kind}_weight": 0})
    weight = {"importance": 5.0, "distillation": 10.0, "saliency": 0.5}[kind]
    left_out = sum(loss for name, loss in default.items() if name.startswith(kind))
    torch.testing.assert_close(default["total"] - without["total"], weight * left_out)


@pytest.mark.parametrize(
    ("option", "value", "changed"),
    [
        ("temperature", 1.0, {"distillation_visual", "distillation_audio"}),
        ("gamma", 1.0, {"importance"}),
        ("eps_min", 0.49, {"importance"}),
        ("eps_max", 0.5, {"importance"}),
        ("saliency_margin", 50.0, {"saliency_fusion", "saliency_visual", "saliency_audio"}),
    ],
)
def test_an_option_of_the_losses_changes_its_own_terms(option, value, changed):
    default, other = losses_of(), losses_of(**{option: value})
    assert {name for name in default if other[name] != default[name]} == {"total", *changed}
