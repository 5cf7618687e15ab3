"""The `reference` preset against recorded outputs of the authors' model."""

import json

import golden_reference as golden
import numpy as np
import pytest
import torch

from img.models.img.model import IMG
from img.models.img.official import load_official, official_names
from img.models.img.options import ImgOptions

TRUST, EPOCH = 0.7, 5


def reference_model(words: int, characters: int) -> IMG:
    options = ImgOptions.model_validate({"preset": "reference", "slot_noise_at_inference": "none"})
    sizes = golden.SIZES
    return IMG(options, sizes["visual"], sizes["audio"], torch.zeros(words, 300), characters).eval()


@pytest.fixture(scope="module")
def recorded() -> dict[str, np.ndarray]:
    with np.load(golden.GOLDEN / "img_reference.npz", allow_pickle=False) as file:
        return dict(file)


@pytest.fixture(scope="module")
def gradient_norms() -> dict[str, float]:
    return json.loads((golden.GOLDEN / "img_reference_gradient_norms.json").read_text())


@pytest.fixture(scope="module")
def model(recorded) -> IMG:
    model = reference_model(golden.SIZES["words"] - 2, golden.SIZES["characters"])
    load_official(model, golden.official_state(recorded["position_table"]))
    return model


@pytest.fixture(scope="module")
def outputs(model):
    return model.compute(golden.batch(), TRUST)


@pytest.mark.parametrize("branch", ["fusion", "visual", "audio"])
@pytest.mark.parametrize("what", ["start", "end", "saliency"])
def test_every_branch_answers_as_recorded(outputs, recorded, branch, what):
    answer = outputs.branches[branch]
    values = {"start": answer.start_logits, "end": answer.end_logits, "saliency": answer.saliency}[what]
    real = golden.batch().clip_mask
    expected = torch.from_numpy(recorded[f"{what}_{branch}"])
    torch.testing.assert_close(values[real], expected[real], rtol=0, atol=1e-5)


def test_importance_is_as_recorded(outputs, recorded):
    torch.testing.assert_close(
        outputs.importance, torch.from_numpy(recorded["importance"]), rtol=0, atol=1e-5
    )


def test_fusion_decodes_to_the_recorded_spans(model, outputs, recorded):
    spans = model.decode(outputs, golden.batch())["fusion"]
    assert torch.cat((spans.start, spans.end), 1).tolist() == recorded["spans"].tolist()


def test_losses_are_as_recorded(model, outputs, recorded):
    losses = model.loss_terms(outputs, golden.batch(), EPOCH)
    informative = recorded["pseudo_label"] > 0.2
    expected = {
        "total": recorded["loss_total"],
        "fusion": recorded["loss_fusion"].mean(),
        "visual": recorded["loss_visual"].mean(),
        "audio": recorded["loss_audio"][informative].mean(),
        "distillation_visual": recorded["kl_visual"].mean(),
        "distillation_audio": recorded["kl_audio"][informative].mean(),
        "importance": recorded["loss_importance"],
    }
    for name, value in expected.items():
        assert losses[name].item() == pytest.approx(float(value), rel=1e-5, abs=1e-6), name


def test_gradient_of_every_tensor_has_the_recorded_norm(model, gradient_norms):
    model.zero_grad()
    batch = golden.batch()
    model.loss_terms(model.compute(batch, TRUST), batch, EPOCH)["total"].backward()
    norms = {}
    for name, parameter in model.named_parameters():
        names = official_names(name)
        parts = parameter.grad.flatten().chunk(len(names))
        norms |= {theirs: part.norm().item() for theirs, part in zip(names, parts, strict=True)}
    assert norms.keys() == gradient_norms.keys()
    # The absolute tolerance is for biases that softmax cancels: their gradients are rounding errors.
    for name, norm in norms.items():
        assert norm == pytest.approx(gradient_norms[name], rel=1e-4, abs=1e-6), name


def test_parameters_are_counted_as_in_the_authors_model():
    model = reference_model(998, 40)
    counts = {name: sum(p.numel() for p in module.parameters()) for name, module in model.named_modules()}
    assert counts[""] == 3_774_714
    assert counts["fusion.importance"] == 513
    assert counts["fusion.multi_scale"] == 1_245_568
    level = {
        name: counts[f"fusion.levels.{name}"] + counts[f"fusion.joins.{name}"]
        for name in model.options.levels
    }
    assert level == {"event": 499_456, "local": 102_144, "global": 66_560}
    assert counts["predictor"] == 3 * 220_162
    assert counts["encoder"] == 2 * 101_888
    assert counts["query_embedding"] == 2 * 68_728
    assert (counts["visual_projection"], counts["audio_projection"]) == (131_200, 262_272)


def test_state_without_a_tensor_is_refused(model, recorded):
    state = golden.official_state(recorded["position_table"])
    del state["PPmodule.pred_proj.bias"]
    with pytest.raises(KeyError, match=r"PPmodule\.pred_proj\.bias"):
        load_official(model, state)
