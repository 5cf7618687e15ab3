"""TEA: each reading of what its paper leaves open, and videos without narratives."""

from dataclasses import replace
from typing import Any

import pytest
import torch
from model_batches import CHARACTERS, SMALL, VISUAL, WORDS, random_batch, rows, trimmed
from pydantic import ValidationError
from torch import Tensor

from img.config.runs import InferenceOptions
from img.models.blocks.clip_logits import Branch
from img.models.emb.model import EMB
from img.models.emb.options import EmbOptions
from img.models.protocol import Batch, Progress, Stream
from img.models.sizes import Sizes
from img.models.tea.combination import combine
from img.models.tea.model import TEA
from img.models.tea.options import TeaOptions

PROGRESS = Progress(50, 100)
NARRATIVE = 10
READINGS = {
    "default": {},
    "add": {"merge": "add"},
    "attention": {"merge": "attention"},
    "one_layer": {"merge_layers": 1},
    "merged_after_position": {"merge_after_position": True},
    "paragraph_alone": {"merge": "none"},
    "narratives_alone": {"paragraph": "none"},
    "shared_paragraph": {"paragraph": "shared"},
    "separate": {"location_loss": "separate", "highlight_loss": "both"},
    "whole_video_guides": {"guides": "video"},
    "overlap_itself": {"target_low": 0.0, "target_high": 1.0, "required_overlap": "none"},
}


def small_tea(narrative: int = NARRATIVE, **changes: Any) -> TEA:
    torch.manual_seed(0)
    options = TeaOptions.model_validate({**SMALL, "max_clips": 40, **changes})
    sizes = Sizes({"visual": VISUAL, "narrative": narrative}, WORDS, 300, CHARACTERS)
    return TEA(options, sizes, torch.randn(WORDS, 300)).eval()


def narrated_batch(clips: list[int], words: list[int], present: list[bool] | None = None) -> Batch:
    """A random batch whose audio plays the narratives' part."""
    batch = random_batch(clips, words)
    told = torch.tensor(present or [True] * len(clips))
    values = batch.streams["audio"].values * told[:, None, None]
    return replace(batch, streams={"visual": batch.streams["visual"], "narrative": Stream(values, told)})


@pytest.mark.parametrize("changes", READINGS.values(), ids=READINGS.keys())
def test_every_reading_trains_every_parameter_and_answers(changes: dict[str, Any]) -> None:
    model, batch = small_tea(**changes).train(), narrated_batch([17, 9], [4, 2])
    losses = model.losses(batch, PROGRESS)
    losses["total"].backward()
    untrained = [
        name
        for name, parameter in model.named_parameters()
        if parameter.grad is None and name != "words.unknown"
    ]
    # The paragraph's highlight only learns through its boundaries; a key's bias shifts all logits alike.
    assert not untrained
    for name, parameter in model.named_parameters():
        if parameter.grad is not None and parameter.grad.dim() > 1 and "bias" not in name:
            streams = (
                parameter.grad if parameter.shape[0] == 2 and "highlight" not in name else [parameter.grad]
            )
            assert all(part.abs().sum() > 0 for part in streams) or "unknown" in name, name
    answers = model.eval().answer(batch, InferenceOptions(answers=2))
    assert tuple(answers.spans) == model.branches == tuple(answers.traces)
    for spans in answers.spans.values():
        assert (spans.start[:, 0] < spans.end[:, 0]).all()


def test_boundaries_to_the_letter_of_equation_15_leave_the_paragraph_untrained() -> None:
    model, batch = small_tea(location_loss="video"), narrated_batch([17, 9], [4, 2])
    model.losses(batch, PROGRESS)["total"].backward()
    assert model.span.start.hidden.weight.grad[0].abs().sum() > 0
    assert model.span.start.hidden.weight.grad[1].abs().sum() == 0


def test_parameters_are_counted_as_the_reading_says() -> None:
    sizes = Sizes({"visual": 1024, "narrative": 300}, 100, 300, 42)

    def count(**changes: Any) -> int:
        model = TEA(TeaOptions.model_validate(changes), sizes, torch.zeros(100, 300))
        return sum(parameter.numel() for parameter in model.parameters())

    emb = 2_199_856
    assert count() == emb + 38_528 + 49_408 + 1_316_227
    assert count(merge="none", paragraph="none") == emb
    assert count(paragraph="shared") == count(paragraph="none") == emb + 38_528 + 49_408
    assert count(share_text=True, paragraph="none") == emb + 49_408
    assert count(merge="attention", paragraph="none") == emb + 38_528 + 83_072
    assert count(merge="add", paragraph="none") == emb + 38_528


def test_a_video_without_narratives_is_answered_by_its_clips_alone() -> None:
    model = small_tea()
    batch = narrated_batch([17, 17, 9], [4, 4, 2], [True, False, False])
    outputs = model(batch)
    assert model.fallback == "visual"
    for side in ("start_logits", "end_logits"):
        fused, visual = (getattr(outputs.branches[name], side) for name in ("fusion", "visual"))
        real = batch.clip_mask[1:]
        torch.testing.assert_close(fused[1:][real], visual[1:].log_softmax(-1)[real])
        assert not torch.allclose(fused[0], visual[0].log_softmax(-1), atol=1e-4)
    # Whatever its narratives hold, they count for nothing.
    noise = torch.randn_like(batch.streams["narrative"].values)
    told = batch.streams["narrative"].present
    changed = replace(batch, streams={**batch.streams, "narrative": Stream(noise, told)})
    other = model(changed).branches["fusion"]
    torch.testing.assert_close(other.start_logits[1:], outputs.branches["fusion"].start_logits[1:])
    for on in ("combined", "separate"):
        silent = small_tea(location_loss=on, highlight_loss="both")
        loss = silent.losses(narrated_batch([9], [2], [False]), PROGRESS)["total"]
        assert torch.isfinite(loss)


def test_without_both_parts_tea_is_emb() -> None:
    tea = small_tea(merge="none", paragraph="none", highlight_growth=0.1)
    assert tea.options.needs().streams == {"visual"}
    assert TeaOptions().needs().streams == {"visual", "narrative"}
    options = EmbOptions.model_validate({**SMALL, "max_clips": 40})
    emb = EMB(options, Sizes({"visual": VISUAL}, WORDS, 300, CHARACTERS), torch.zeros(WORDS, 300)).eval()
    emb.load_state_dict(tea.state_dict())
    batch = narrated_batch([17, 9], [4, 2])
    assert torch.equal(tea(batch).branches["visual"].start_logits, emb(batch).branch.start_logits)
    assert tea.losses(batch, PROGRESS)["total"] == emb.losses(batch, PROGRESS)["total"]


def test_an_answer_depends_on_its_sample_alone() -> None:
    model = small_tea()
    clips, batch = (37, 13, 8), narrated_batch([37, 13, 8], [9, 2, 5], [True, True, False])
    together = model(batch)
    for row, count in enumerate(clips):
        alone = model(trimmed(rows(batch, [row])))
        for name, branch in alone.branches.items():
            found = together.branches[name]
            for side in ("start_logits", "end_logits", "saliency"):
                expected = getattr(branch, side)[0]
                torch.testing.assert_close(getattr(found, side)[row, :count], expected, rtol=0, atol=1e-5)


@pytest.mark.parametrize("weight", [0.0, 0.5, 3.0])
def test_combined_probabilities_are_the_weighted_mean(weight: float) -> None:
    torch.manual_seed(0)
    one, other = (Branch(*(2 * torch.randn(3, 2, 6))) for _ in range(2))
    fused = combine(one, other, torch.tensor([True, False]), weight)
    for side in ("start_logits", "end_logits"):
        first, second, both = (getattr(branch, side) for branch in (one, other, fused))
        expected = (first.softmax(-1) + weight * second.softmax(-1)) / (1 + weight)
        torch.testing.assert_close(both[0].exp(), expected[0])
        torch.testing.assert_close(both[1].exp(), first[1].softmax(-1))


def test_shared_text_needs_equal_widths() -> None:
    with pytest.raises(ValueError, match=r"share_text: expected narratives as wide as .* 300, found 10"):
        small_tea(share_text=True)
    model = small_tea(narrative=300, share_text=True)
    assert model.narrative_projection is model.query_projection


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"merge": "sum"}, "merge"),
        ({"paragraph": "none", "location_loss": "separate"}, "location_loss"),
        ({"paragraph_weight": -1}, "paragraph_weight"),
    ],
)
def test_a_wrong_option_is_refused_by_name(changes: dict[str, Any], named: str) -> None:
    with pytest.raises(ValidationError, match=named):
        TeaOptions.model_validate(changes)


def test_every_option_is_described() -> None:
    assert all(field.description for field in TeaOptions.model_fields.values())


def test_highlight_grows_for_emb_alone() -> None:
    assert (TeaOptions().highlight_growth, EmbOptions().highlight_growth) == (0.0, 0.1)


def test_words_met_after_training_are_added() -> None:
    model, batch = small_tea(), narrated_batch([9], [3])
    vectors: Tensor = torch.randn(1, 300)
    model.add_words(vectors)
    new = replace(batch, words=torch.full_like(batch.words, WORDS + 2))
    assert torch.isfinite(model(new).branches["fusion"].start_logits[0, :9]).all()
