"""EMB: its parameters, what weight decay spares, and that an answer depends on its sample alone."""

from typing import Any

import golden_emb as golden
import pytest
import torch
from golden_reference import GOLDEN
from model_batches import CHARACTERS, SMALL, VISUAL, WORDS, random_batch, rows, trimmed, with_query_features

from img.config.runs import InferenceOptions
from img.models.blocks.streams import Mask
from img.models.emb.elastic import overlaps, required_overlap, second_opinion
from img.models.emb.guided import content_guides
from img.models.emb.losses import gather_opinions
from img.models.emb.model import EMB
from img.models.emb.official import build_official, official_name
from img.models.emb.options import EmbOptions
from img.models.emb.proposals import Proposals
from img.models.protocol import Progress
from img.models.sizes import Sizes

PROGRESS = Progress(50, 100)


def small_emb(query_width: int | None = None, **changes: Any) -> EMB:
    torch.manual_seed(0)
    options = EmbOptions.model_validate({**SMALL, "max_clips": 40, **changes})
    sizes = Sizes({"visual": VISUAL}, WORDS, 300, CHARACTERS, query_width)
    return EMB(options, sizes, torch.randn(WORDS, 300)).eval()


def test_parameters_are_counted_as_in_the_authors_model() -> None:
    model = EMB(EmbOptions(), Sizes({"visual": 1024}, 100, 300, 42), torch.zeros(100, 300))
    counts = {name: sum(p.numel() for p in module.parameters()) for name, module in model.named_modules()}
    # Theirs are 2,217,056, of which 17,200 are characters' that nothing reads.
    assert counts[""] == 2_217_056 - 17_200
    assert counts["visual_projection"] == 131_200
    assert counts["query_projection"] == 38_528
    assert {counts[f"clips.{stage}"] for stage in ("own", "told", "last")} == {102_528}
    assert {counts[f"proposals.{stage}"] for stage in ("own", "told", "last")} == {100_224}
    assert counts["word_attention"] == counts["clips.words_told"] == 83_072
    assert counts["span.fusion"] == counts["ranker.fusion"] == 99_072
    assert counts["span"] - counts["span.fusion"] == 129 + 660_226
    assert counts["ranker"] - counts["ranker.fusion"] == 147_713


def test_weight_decay_spares_what_the_authors_spare() -> None:
    model, _ = build_official(golden.official_state())
    lines = (GOLDEN / "emb_official_parameters.tsv").read_text().splitlines()[1:]
    notes = {name: note for name, _, note in (line.split("\t") for line in lines)}
    spared = model.undecayed_parameters()
    for name, _ in model.named_parameters():
        assert notes[official_name(name)] == ("not decayed" if name in spared else "decayed"), name


def test_paper_spares_every_layer_norm() -> None:
    model = small_emb()
    spared = model.undecayed_parameters()
    norms = {name for name, _ in model.named_parameters() if "layer_norm" in name}
    assert len(norms) == 2 * (2 * 11 + 6)
    assert norms <= spared
    decayed = norms - small_emb(preset="reference").undecayed_parameters()
    assert decayed == {name for name in norms if ".unit." in name and name.endswith("weight")}


def test_an_answer_depends_on_its_sample_alone() -> None:
    model = small_emb()
    batch = random_batch([37, 13, 8, 1], [9, 2, 5, 1])
    together = model(batch)
    for row, clips in enumerate((37, 13, 8, 1)):
        single = trimmed(rows(batch, [row]))
        alone = model(single)
        for name in ("start_logits", "end_logits", "saliency"):
            found, expected = getattr(together.branch, name)[row, :clips], getattr(alone.branch, name)[0]
            torch.testing.assert_close(found, expected, rtol=0, atol=1e-5)
        real = together.proposals.mask.keep[row] > 0
        own = alone.proposals.mask.keep[0] > 0
        bounds = sorted(together.proposals.bounds[row, real].tolist())
        assert bounds == sorted(alone.proposals.bounds[0, own].tolist())
        scores = zip(together.proposals.bounds[row, real].tolist(), together.scores[row, real], strict=True)
        others = dict(
            zip(map(tuple, alone.proposals.bounds[0, own].tolist()), alone.scores[0, own], strict=True)
        )
        for place, score in scores:
            torch.testing.assert_close(score, others[tuple(place)], rtol=0, atol=1e-5)
        losses, other = (
            model.loss_terms(outputs, asked, PROGRESS)
            for outputs, asked in ((alone, single), (model(rows(batch, [row])), rows(batch, [row])))
        )
        for name, value in losses.items():
            assert other[name].item() == pytest.approx(value.item(), abs=1e-5), name


def test_padding_leaks_in_the_reference_alone() -> None:
    batch = random_batch([37, 13], [9, 2])
    changes = {}
    for preset in ("paper", "reference"):
        model = small_emb(preset=preset)
        both, alone = model(batch).scores[1], model(trimmed(rows(batch, [1]))).scores[0]
        changes[preset] = (both.max() - alone.max()).abs().item()
    assert changes["paper"] < 1e-6 < 1e-5 < changes["reference"]


def test_queries_given_as_features_are_read() -> None:
    model = small_emb(query_width=24)
    batch = with_query_features(random_batch([12, 9], [4, 2]), 24)
    answers = model.answer(batch, InferenceOptions(answers=2)).spans["visual"]
    assert answers.start.shape == (2, 2)
    with pytest.raises(ValueError, match="features"):
        model(random_batch([12], [4]))
    with pytest.raises(ValueError, match="words"):
        small_emb()(batch)


def test_characters_change_no_answer() -> None:
    model, batch = small_emb(), random_batch([12, 9], [4, 2])
    without = model(batch.__class__(**{**vars(batch), "characters": None}))
    assert torch.equal(model(batch).branch.start_logits, without.branch.start_logits)


@pytest.mark.parametrize("scope", ["sides", "video"])
def test_guides_are_the_maxima_of_real_clips(scope: str) -> None:
    clips = torch.tensor([[3.0, -1.0, 5.0, 9.0], [-2.0, 7.0, 8.0, 9.0]]).view(1, 2, 4, 1)
    mask = Mask.of(torch.tensor([[True, True, True, False], [True, False, False, False]]), True)
    left, right = content_guides(clips, mask, scope)
    expected = {
        "sides": ([[0, 3, 3, 0], [0, 0, 0, 0]], [[5, 5, 0, 0], [0, 0, 0, 0]]),
        "video": ([[5, 5, 5, 0], [-2, 0, 0, 0]], [[5, 5, 5, 0], [-2, 0, 0, 0]]),
    }[scope]
    assert (left[0, :, :, 0].tolist(), right[0, :, :, 0].tolist()) == expected


def test_proposals_are_runs_of_blocks_cut_to_the_video() -> None:
    mask = Mask.of(torch.arange(20) < torch.tensor([[20], [9]]), True)
    found = Proposals.of(mask, 8, 2)
    assert list(zip(found.first.tolist(), found.last.tolist(), strict=True)) == [
        (0, 0),
        (1, 1),
        (2, 2),
        (0, 1),
        (1, 2),
    ]
    assert found.bounds.tolist() == [
        [[0, 7], [8, 15], [16, 19], [0, 15], [8, 19]],
        [[0, 7], [8, 8], [0, 0], [0, 8], [0, 0]],
    ]
    assert found.mask.keep.tolist() == [[1, 1, 1, 1, 1], [1, 1, 0, 1, 0]]
    maxima = torch.tensor([[1.0, 5, 2], [4, 3, 9]]).view(1, 2, 3, 1)
    assert found.features(maxima)[0, :, :, 0].tolist() == [[1, 5, 2, 5, 5], [4, 3, 0, 4, 0]]


def test_a_second_opinion_takes_a_proposal_that_overlaps_enough() -> None:
    mask = Mask.of(torch.ones(1, 24, dtype=torch.bool), True)
    found = Proposals.of(mask, 8, 3)
    start, end = torch.tensor([7]), torch.tensor([16])
    assert overlaps(found, start, end)[0, 1].item() == pytest.approx(8 / 10)
    scores = torch.zeros(1, 6)
    scores[0, 5] = 1.0
    best = {
        (preset, least): [
            int(bound)
            for bound in second_opinion(
                found, scores, start, end, least, EmbOptions.model_validate({"preset": preset})
            )
        ]
        for preset in ("paper", "reference")
        for least in (0.0, 0.5, 0.9)
    }
    assert best["paper", 0.0] == [0, 23]
    assert best["paper", 0.5] == [8, 15]
    assert best["paper", 0.9] == [7, 16]
    assert best["reference", 0.5] == [8, 16]
    assert best["reference", 0.9] == [7, 17]


def test_required_overlap_falls_from_one_to_the_lowest() -> None:
    found = [required_overlap(Progress(epoch, 100), 0.5) for epoch in (0, 25, 40, 50, 60, 75, 99)]
    assert found == pytest.approx([1.0, 0.997, 0.940, 0.75, 0.560, 0.503, 0.500], abs=5e-4)


def test_without_a_required_overlap_the_best_proposal_is_the_second_opinion() -> None:
    model, batch = small_emb(required_overlap="none"), random_batch([37], [3])
    outputs = model(batch)
    opinions = gather_opinions(outputs.proposals, outputs.scores, batch, Progress(0, 100), model.options)
    best = outputs.proposals.bounds[0, outputs.scores[0].argmax()]
    assert [opinions.other_start.item(), opinions.other_end.item()] == best.tolist()


def test_one_batch_can_be_learned() -> None:
    model, batch = small_emb().train(), random_batch([16, 9], [4, 3])
    optimiser = torch.optim.AdamW(model.parameters(), lr=1e-2)
    first = None
    for _ in range(12):
        total = model.losses(batch, PROGRESS)["total"]
        first = total.item() if first is None else first
        optimiser.zero_grad()
        total.backward()
        optimiser.step()
    assert total.item() < 0.7 * first
