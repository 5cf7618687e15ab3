"""What holds for the models of the variants in config/papers/img/variants.yaml."""

import re
from typing import Any

import pytest
import torch
from model_batches import changed, random_batch, small_model
from shipped_variants import VARIANTS, distinct_models, representative_models

from img.models.img.model import IMG

MODELS, REPRESENTATIVES = distinct_models(), representative_models()
# Constants that differences and softmaxes cancel: their gradient is zero, or a rounding error.
CANCELLED = re.compile(r"saliency\.bias|predictor\.(start|end)\.output\.bias|.*attention\.key\.bias")


def each(models: dict[str, dict[str, Any]]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("changes", models.values(), ids=models.keys())


@each(REPRESENTATIVES)
def test_gradient_reaches_every_parameter(changes):
    model = small_model(**changes, dropout=0.1).train()
    batch = random_batch([16, 9, 12, 16], [6, 3, 8, 12])
    batch.words[0, 0], batch.characters[0, 0, :4] = 1, torch.tensor([1, 2, 3, 4])
    model.loss_terms(model(batch, 5), batch, 5)["total"].backward()
    unreached = {n for n, p in model.named_parameters() if p.grad is None or not p.grad.any()}
    assert [name for name in unreached if not CANCELLED.fullmatch(name)] == []


def first_losses(model: IMG) -> dict[str, float]:
    """Losses of one batch while training, with equal noise for models of equal shapes.

    Many samples have pseudo-labels all over [0, 1].
    """
    batch = random_batch([9, 5, 12] * 8, [6, 3, 8] * 8)
    torch.manual_seed(0)
    return {name: loss.item() for name, loss in model.train().loss_terms(model(batch, 5), batch, 5).items()}


@each({name: changes for name, changes in MODELS.items() if changes})
def test_every_variant_is_another_model_than_the_default(changes):
    model, default = small_model(**changes), small_model()
    same_shapes = [p.shape for p in model.parameters()] == [p.shape for p in default.parameters()]
    assert not same_shapes or first_losses(model)["total"] != first_losses(default)["total"]


def test_variants_of_equal_options_are_those_that_say_so():
    models_alone = {
        name
        for name, variant in VARIANTS.items()
        if not (variant.changes("training") or variant.changes("inference"))
    }
    others = models_alone - MODELS.keys()
    assert others == {"without_importance", "event_slots_3_iterations_3", "eps_min_0.2", "gamma_3"}


@pytest.mark.slow
@each(REPRESENTATIVES)
def test_a_small_batch_is_learned_by_heart_in_sixty_steps(changes):
    model = small_model(**changes).train()
    batch = random_batch([6, 4, 5], [3, 2, 3])
    batch = changed(batch, start=torch.tensor([1, 0, 3]), end=torch.tensor([4, 2, 3]))
    optimiser = torch.optim.AdamW(model.parameters(), lr=1e-2, fused=True)
    preferred = model.branches[0]
    history = []
    for _ in range(60):
        losses = model.loss_terms(model(batch, 20), batch, 20)
        optimiser.zero_grad()
        losses["total"].backward()
        optimiser.step()
        history.append(losses[preferred].item())
    spans = model.eval().decode(model(batch, 20), batch)[preferred]
    assert history[-1] < 0.2 * history[0]
    found = spans.start.flatten().tolist(), spans.end.flatten().tolist()
    assert found == (batch.targets.start.tolist(), batch.targets.end.tolist())
