"""TEA's default reading against recorded outputs of a plain implementation of it, a second way to meet.

No code of TEA's authors is known, so this guards a reading of their paper, not its results.
"""

import re

import golden_emb as golden
import numpy as np
import pytest
import torch
from golden_reference import GOLDEN

from img.models.blocks.best_spans import decode
from img.models.emb.official import official_name
from img.models.protocol import Batch, Progress
from img.models.sizes import Sizes
from img.models.tea.model import TEA, Outputs
from img.models.tea.options import TeaOptions

PROGRESS = Progress(50, 100)
WIDTH = 300
OWN = {
    "narrative_projection.linear.": "narrative_affine.conv1d.",
    "merge.layers.0.": "merge.mlp.0.conv1d.",
    "merge.layers.1.": "merge.mlp.2.conv1d.",
}
"""Parts that EMB lacks: our prefixes, and those of the plain implementation."""

SHARED = ("word_attention.", "clips.", "span.")
"""Parts that hold the paragraph as a second stream."""

PLAIN = ("ranker.neighbours.", "ranker.score.", "visual_projection.", "query_projection.", "narrative_")
"""Parts without an axis for streams."""


def plain_name(name: str, stream: int) -> str:
    """The plain implementation's name of a stream of a tensor of ours."""
    for prefix, theirs in OWN.items():
        if name.startswith(prefix):
            return theirs + name.removeprefix(prefix)
    theirs = official_name(re.sub(r"(forwards|backwards)\.1\.", r"\1.0.", name))
    if stream == 0:
        return theirs
    return "paragraph." + theirs.removeprefix("encoder.").replace("fuser1.", "fuser.")


def plain_shape(name: str, shape: tuple[int, ...]) -> tuple[int, ...]:
    """Its shape there: Linears are 1x1 convolutions."""
    if name.endswith(("w4C", "w4Q", "w4mlu", "pool.weight")) or ".rnn." in name or "ranker" in name:
        return shape
    return (*shape, 1) if len(shape) == 2 else shape


def filled_model(**changes: object) -> TEA:
    model = TEA(
        TeaOptions.model_validate(changes),
        Sizes({"visual": golden.VISUAL, "narrative": WIDTH}, golden.WORDS - 2, 300, golden.CHARACTERS),
        golden.filled_emb("embedding_net.word_emb.glove_vec", (golden.WORDS - 2, 300)),
    ).eval()
    for name, parameter in model.named_parameters():
        if re.search(r"(forwards|backwards)\.\d\.", name):
            stream = int(re.search(r"(forwards|backwards)\.(\d)\.", name)[2])
            parameter.data = golden.filled_emb(plain_name(name, stream), tuple(parameter.shape))
            continue
        streams = 2 if name.startswith(SHARED) else 1
        parts = parameter.data.view(streams, -1)
        shape = parameter.shape if name.startswith(PLAIN) else parameter.shape[1:]
        for stream in range(streams):
            # The order of values is the same whatever axes of length 1 there are; the fan is too.
            theirs = plain_name(name, stream)
            parts[stream] = golden.filled_emb(theirs, plain_shape(theirs, tuple(shape))).flatten()
    model.position.table.copy_(golden.position_table())
    return model


@pytest.fixture(scope="module")
def recorded() -> dict[str, np.ndarray]:
    with np.load(GOLDEN / "tea_plain.npz", allow_pickle=False) as file:
        return dict(file)


@pytest.fixture(scope="module")
def batch() -> Batch:
    narrative = np.random.default_rng(13).standard_normal((4, 20, WIDTH)) * 0.5
    return golden.batch(golden.CASES["a"], torch.from_numpy(narrative.astype(np.float32)))


@pytest.fixture(scope="module")
def model() -> TEA:
    return filled_model()


@pytest.fixture(scope="module")
def outputs(model: TEA, batch: Batch) -> Outputs:
    return model(batch)


@pytest.mark.parametrize(("branch", "suffix"), [("visual", ""), ("narrative", "_c")])
def test_both_answers_are_as_recorded(outputs, batch, recorded, branch: str, suffix: str) -> None:
    real, found = batch.clip_mask, outputs.branches[branch]
    for name, values in (
        ("start", found.start_logits),
        ("end", found.end_logits),
        ("highlight", found.saliency.sigmoid()),
    ):
        expected = torch.from_numpy(recorded[f"{name}{suffix}"])[real]
        torch.testing.assert_close(values[real], expected, rtol=0, atol=3e-5)


def test_proposals_are_as_recorded(outputs, recorded) -> None:
    found = outputs.proposals
    real = found.mask.keep > 0
    torch.testing.assert_close(found.bounds, golden.as_cells(found, recorded["bounds"]))
    expected = golden.as_cells(found, recorded["score"])
    torch.testing.assert_close(outputs.scores.sigmoid()[real], expected[real], rtol=0, atol=1e-5)


def test_the_answer_of_both_is_the_recorded_one(outputs, batch, recorded) -> None:
    found = decode(outputs.branches["fusion"], batch.clip_mask)
    assert torch.cat((found.start, found.end), 1).tolist() == recorded["span"].tolist()


@pytest.mark.parametrize("on", ["combined", "separate", "video"])
def test_losses_are_as_recorded(outputs, batch, recorded, on: str) -> None:
    losses = filled_model(location_loss=on).loss_terms(outputs, batch, PROGRESS)
    names = ("location", "highlight", "ranking", "total")
    for name, expected in zip(names, recorded[f"losses_{on}"], strict=True):
        assert losses[name].item() == pytest.approx(float(expected), abs=1e-5), name
