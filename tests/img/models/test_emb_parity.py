"""The `reference` preset against recorded outputs of the authors' EMB."""

import json

import golden_emb as golden
import numpy as np
import pytest
import torch
from golden_reference import GOLDEN

from img.config.runs import InferenceOptions
from img.models.blocks.best_spans import decode
from img.models.blocks.streams import Mask
from img.models.emb.elastic import between, required_overlap
from img.models.emb.losses import gather_opinions
from img.models.emb.model import EMB, Outputs
from img.models.emb.official import build_official, official_name
from img.models.protocol import Batch, Progress

EPOCHS = 100


@pytest.fixture(scope="module")
def recorded() -> dict[str, np.ndarray]:
    with np.load(GOLDEN / "emb.npz", allow_pickle=False) as file:
        return dict(file)


@pytest.fixture(scope="module")
def model() -> EMB:
    return build_official(golden.official_state())[0]


@pytest.fixture(scope="module", params=["a", "b"])
def case(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture(scope="module")
def batch(case: str) -> Batch:
    return golden.batch(golden.CASES[case])


@pytest.fixture(scope="module")
def outputs(model: EMB, batch: Batch) -> Outputs:
    return model(batch)


def assert_close(values: torch.Tensor, expected: torch.Tensor, real: torch.Tensor, tolerance: float) -> None:
    torch.testing.assert_close(values[real], expected[real], rtol=0, atol=tolerance)


def test_clips_proposals_and_their_words_are_as_recorded(model, batch, case, recorded) -> None:
    mask, word_mask = Mask.of(batch.clip_mask, True), Mask.of(batch.word_mask, True)
    clips = model.position(model.visual_projection(batch.streams["visual"].values)[None])
    words = model.word_attention(model.embed_query(batch), word_mask)
    encoded = model.clips(clips, words, mask, word_mask)
    found, features, proposal_words = model.proposals(encoded, words, mask, word_mask)
    for name, values, real in (
        ("clips", encoded.last, batch.clip_mask),
        ("clip_query", encoded.words, batch.word_mask),
        ("proposal_query", proposal_words, batch.word_mask),
    ):
        assert_close(values[0], torch.from_numpy(recorded[f"{case}_{name}"]), real, 1e-5)
    expected = golden.as_cells(found, recorded[f"{case}_proposals"])
    assert_close(features[0], expected, found.mask.keep > 0, 1e-5)


def test_proposals_have_the_recorded_bounds(outputs, case, recorded) -> None:
    found = outputs.proposals
    torch.testing.assert_close(found.bounds, golden.as_cells(found, recorded[f"{case}_bounds"]))
    torch.testing.assert_close(found.mask.keep, golden.as_cells(found, recorded[f"{case}_pmask"]))
    # What the grid holds beside them is none.
    assert found.mask.keep.sum() == recorded[f"{case}_pmask"].sum()


def test_boundaries_and_scores_are_as_recorded(outputs, batch, case, recorded) -> None:
    branch, real = outputs.branch, batch.clip_mask
    assert_close(branch.start_logits, torch.from_numpy(recorded[f"{case}_start"]), real, 3e-5)
    assert_close(branch.end_logits, torch.from_numpy(recorded[f"{case}_end"]), real, 3e-5)
    assert_close(branch.saliency.sigmoid(), torch.from_numpy(recorded[f"{case}_highlight"]), real, 1e-5)
    expected = golden.as_cells(outputs.proposals, recorded[f"{case}_score"])
    assert_close(outputs.scores.sigmoid(), expected, outputs.proposals.mask.keep > 0, 1e-5)


@pytest.mark.parametrize("epoch", [0, 50, 99])
def test_second_opinions_and_losses_are_as_recorded(
    model, outputs, batch, case, recorded, epoch: int
) -> None:
    progress = Progress(epoch, EPOCHS)
    assert required_overlap(progress, 0.5) == pytest.approx(float(recorded[f"{case}_threshold_{epoch}"]))
    opinions = gather_opinions(outputs.proposals, outputs.scores, batch, progress, model.options)
    found = torch.stack((opinions.other_start, opinions.other_end), 1)
    assert found.tolist() == recorded[f"{case}_alternative_{epoch}"].tolist()
    losses = model.loss_terms(outputs, batch, progress)
    names = ("location", "highlight", "ranking", "total")
    for name, expected in zip(names, recorded[f"{case}_losses_{epoch}"], strict=True):
        assert losses[name].item() == pytest.approx(float(expected), abs=1e-5), name


def test_gradient_of_every_tensor_has_the_recorded_norm(model, batch, case) -> None:
    recorded = json.loads((GOLDEN / "emb_gradient_norms.json").read_text())[case]
    model.zero_grad()
    model.losses(batch, Progress(50, EPOCHS))["total"].backward()
    norms = {
        official_name(name): parameter.grad.norm().item() for name, parameter in model.named_parameters()
    }
    assert norms.keys() == {name for name, norm in recorded.items() if norm is not None}
    # The absolute tolerance is for biases that softmax cancels: their gradients are rounding errors.
    whole = float(np.linalg.norm([norm for norm in recorded.values() if norm is not None]))
    for name, norm in norms.items():
        assert norm == pytest.approx(recorded[name], rel=1e-4, abs=1e-8 * whole), name


def test_spans_and_elastic_sets_are_the_recorded_ones(model, outputs, batch, case, recorded) -> None:
    found = decode(outputs.branch, batch.clip_mask)
    assert torch.cat((found.start, found.end), 1).tolist() == recorded[f"{case}_span"].tolist()
    # The sets reach from the answer to the best proposal, whose end is one late in the authors' code.
    best = model.answer(batch, InferenceOptions(answers=1)).columns
    clips = batch.clip_mask.sum(1)
    first, late = ((best[f"proposal_{side}"] * clips).round().long() for side in ("start", "end"))
    for side, answer, proposal in (("start", found.start, first), ("end", found.end, late)):
        sets = between(answer[:, 0], proposal, batch.clip_mask.shape[1])
        assert sets.tolist() == recorded[f"{case}_elastic_{side}"].tolist()
