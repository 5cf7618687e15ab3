"""Queries given as features of a text encoder, and the backbones that the paper names."""

import pytest
import torch
from model_batches import (
    AUDIO,
    SMALL,
    VISUAL,
    changed,
    random_batch,
    rows,
    small_model,
    trimmed,
    with_query_features,
)

from img.models.blocks.embedding import QueryProjection
from img.models.img.model import IMG
from img.models.img.options import ImgOptions
from img.models.protocol import Batch

WIDTH = 7
CLIPS, WORDS = [9, 5, 12, 3], [6, 3, 8, 1]


def reading_model(**changes: object) -> IMG:
    torch.manual_seed(0)
    options = ImgOptions.model_validate({**SMALL, **changes})
    return IMG(options, VISUAL, AUDIO, None, 0, WIDTH).eval()


def given() -> Batch:
    return with_query_features(random_batch(CLIPS, WORDS), WIDTH)


def test_each_side_has_a_linear_of_its_own():
    torch.manual_seed(0)
    projection = QueryProjection(2, 3, 5, dropout=0.5).eval()
    features = torch.randn(4, 6, 3)
    found = projection(features)
    for side in range(2):
        expected = features @ projection.linear.weight[side].T + projection.linear.bias[side]
        torch.testing.assert_close(found[side], expected, rtol=0, atol=1e-6)
    assert not torch.allclose(found[0], found[1])


def test_dropout_falls_on_the_features_of_each_side_by_itself():
    projection = QueryProjection(2, 400, 400, dropout=0.25).train()
    torch.nn.init.zeros_(projection.linear.bias)
    projection.linear.weight.data[:] = torch.eye(400)
    found = projection(torch.ones(1, 50, 400))
    assert found.unique().tolist() == pytest.approx([0, 4 / 3])
    assert (found == 0).float().mean().item() == pytest.approx(0.25, abs=0.02)
    assert (found[0] != found[1]).any()


@pytest.mark.parametrize("modalities", ["both", "visual"])
@pytest.mark.parametrize("training", [False, True])
def test_under_paper_an_answer_does_not_depend_on_padding_or_the_other_samples(modalities, training):
    model = reading_model(modalities=modalities).train(training)
    if model.fusion is not None:
        slots = model.fusion.levels["event"].slots
        slots._noise = lambda batch: slots.fixed_noise.expand(-1, batch, -1, -1)
    batch = given()
    expected = model(batch, 5)
    for sample, clips in enumerate(CLIPS):
        found = model(trimmed(rows(batch, [sample])), 5)
        for name, branch in expected.branches.items():
            for values, wanted in zip(
                vars(found.branches[name]).values(), vars(branch).values(), strict=True
            ):
                torch.testing.assert_close(values[0, :clips], wanted[sample, :clips], rtol=0, atol=1e-5)


def test_the_features_are_what_is_read():
    model = reading_model()
    batch = given()
    other = with_query_features(random_batch(CLIPS, WORDS), WIDTH, seed=1)
    found, expected = (model(b, 0).branches["fusion"].start_logits for b in (other, batch))
    assert not torch.allclose(found, expected)


@pytest.mark.slow
def test_two_queries_of_one_video_are_learnt_in_60_steps():
    model = reading_model(distillation_weight=0).train()
    both = random_batch([10, 10], [3, 3])
    visual, audio = (both.streams[name].values[:1].expand(2, -1, -1) for name in ("visual", "audio"))
    spans = torch.tensor([[1, 3], [6, 8]])
    both = changed(both, visual=visual, audio=audio, start=spans[:, 0], end=spans[:, 1], positive_clips=spans)
    batch = with_query_features(both, WIDTH)
    optimiser = torch.optim.Adam(model.parameters(), lr=1e-2)
    for _ in range(60):
        optimiser.zero_grad()
        model.loss_terms(model(batch, 0), batch, 0)["total"].backward()
        optimiser.step()
    answers = model.eval().decode(model(batch, 0), batch)["fusion"]
    assert torch.stack((answers.start, answers.end), 1).squeeze(-1).tolist() == spans.tolist()


def test_the_wrong_kind_of_query_is_refused():
    with pytest.raises(ValueError, match="the model reads queries given as features, the batch has none"):
        reading_model()(random_batch(CLIPS, WORDS), 0)
    with pytest.raises(ValueError, match="the model reads words and characters, the batch has none"):
        small_model()(given(), 0)
    with pytest.raises(ValueError, match="expected word vectors or the width of given query features"):
        IMG(ImgOptions.model_validate(SMALL), VISUAL, AUDIO, None, 0)


BACKBONES = {
    "I3D": (1024, 2048, 128, None),
    "CLIP+SlowFast": (2816, 2048, 128, 512),
    "InternVideo2": (768, 2048, 64, 4096),
}


@pytest.mark.parametrize(
    ("visual", "audio", "clips", "query_width"), BACKBONES.values(), ids=BACKBONES.keys()
)
@pytest.mark.parametrize("preset", ["paper", "reference"])
def test_a_training_step_of_every_backbone_reaches_every_parameter(preset, visual, audio, clips, query_width):
    torch.manual_seed(0)
    options = ImgOptions.model_validate({"preset": preset, "max_clips": clips, "dropout": 0.0})
    model = IMG(options, visual, audio, torch.randn(20, 300), 15, query_width).train()
    batch = random_batch([clips, 7], [5, 3])
    given = torch.randn(2, clips, visual), torch.randn(2, clips, audio)
    batch = changed(batch, visual=given[0], audio=given[1])
    if query_width is not None:
        batch = with_query_features(batch, query_width)
    model.loss_terms(model(batch, 5), batch, 5)["total"].backward()
    without = [name for name, p in model.named_parameters() if p.grad is None or not p.grad.isfinite().all()]
    assert without == []
    assert model.query_embedding.linear.weight.grad.abs().amax(dim=(1, 2)).min() > 0
    assert model.visual_projection.linear.weight.shape == (128, visual)
    torch.optim.AdamW(model.parameters(), lr=5e-4).step()
    assert model.loss_terms(model(batch, 5), batch, 5)["total"].isfinite()
