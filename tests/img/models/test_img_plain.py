"""The `reference` preset against a plain model that agrees with the authors'; skipped without that."""

import copy
import importlib.util
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch
from model_batches import audio_visual_batch, changed, sight, sound
from torch import nn

from img.config.runs import TrainingOptions
from img.models.fusion.slots import SlotAttention
from img.models.img.model import IMG
from img.models.img.official import build_official, load_official
from img.models.img.options import ImgOptions
from img.models.protocol import Batch
from img.runs import training
from img.tasks.moment import MomentRetrieval

PLAIN = Path(__file__).parents[3] / ".." / "shared" / "reference" / "img_plain.py"
WORDS, CHARACTERS, VISUAL, AUDIO = 40, 20, 24, 16
BRANCHES = ("fusion", "visual", "audio")
OPTIONS = {"preset": "reference", "slot_noise_at_inference": "none", "dropout": 0.0}

pytestmark = pytest.mark.skipif(not PLAIN.is_file(), reason=f"the plain model is not at {PLAIN}")


@pytest.fixture(scope="module")
def plain_module() -> ModuleType:
    specification = importlib.util.spec_from_file_location("img_plain", PLAIN)
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


@pytest.fixture(autouse=True)
def no_slot_noise(monkeypatch: pytest.MonkeyPatch) -> None:
    """While training, too."""
    monkeypatch.setattr(
        SlotAttention,
        "_noise",
        lambda self, batch: torch.zeros_like(self.fixed_noise).expand(-1, batch, -1, -1),
    )


@pytest.fixture
def models(plain_module: ModuleType) -> tuple[IMG, nn.Module]:
    """Ours and the plain one, of the published size, with the same weights."""
    torch.manual_seed(0)
    plain = plain_module.Img(WORDS, CHARACTERS, VISUAL, AUDIO)
    for side in "va":
        table = getattr(plain, f"word_embedding{side}").word_emb.glove_vec
        table.data = torch.randn(table.shape, generator=torch.Generator().manual_seed(1))
    for module in plain.modules():
        if isinstance(module, nn.Dropout):
            module.p = 0.0
    # Biases and norms away from their initial 0 and 1, or a slip in them would not show; logits of a few
    # units, as trained models have them.
    for parameter in plain.parameters():
        if parameter.requires_grad:
            parameter.data += 0.05 * torch.randn_like(parameter)
            parameter.data *= 0.7 if parameter.dim() > 1 else 1.0
    for side in "va":
        getattr(plain, f"word_embedding{side}").char_emb.char_emb.weight.data[0] = 0
    ours = IMG(ImgOptions.model_validate(OPTIONS), VISUAL, AUDIO, torch.zeros(WORDS - 2, 300), CHARACTERS)
    load_official(ours, plain.state_dict())
    return ours.eval(), plain


def padded_batch(size: int, seed: int = 0) -> Batch:
    """Videos of 4 to 15 clips, queries of 1 to 9 words, words of 1 to 7 characters."""
    rng = torch.Generator().manual_seed(seed)

    def lengths(low: int, high: int, shape: tuple[int, ...]) -> torch.Tensor:
        drawn = torch.randint(low, high, shape, generator=rng)
        drawn.view(-1)[0] = high
        return drawn

    clips, words = lengths(4, 15, (size,)), lengths(1, 9, (size,))
    clip_mask = torch.arange(15) < clips[:, None]
    word_mask = torch.arange(9) < words[:, None]
    letter_mask = (torch.arange(7) < lengths(1, 7, (size, 9))[:, :, None]) & word_mask[:, :, None]
    start = clips // 4
    return audio_visual_batch(
        visual=torch.randn(size, 15, VISUAL, generator=rng) * clip_mask[:, :, None],
        audio=torch.randn(size, 15, AUDIO, generator=rng) * clip_mask[:, :, None],
        clip_mask=clip_mask,
        words=torch.randint(1, WORDS, (size, 9), generator=rng) * word_mask,
        characters=torch.randint(1, CHARACTERS, (size, 9, 7), generator=rng) * letter_mask,
        word_mask=word_mask,
        start=start,
        end=start + 1,
        positive_clips=torch.stack((start, start + 1), 1),
        negative_clips=torch.stack((torch.zeros_like(clips), clips - 1), 1),
    )


def in_double_precision(batch: Batch) -> Batch:
    return changed(batch, visual=sight(batch).double(), audio=sound(batch).double())


def plain_outputs(plain: nn.Module, batch: Batch, trust: float) -> tuple[torch.Tensor, ...]:
    return plain(
        batch.words,
        batch.characters,
        sight(batch),
        batch.clip_mask,
        sound(batch),
        batch.word_mask,
        trust,
    )


def plain_losses(
    module: ModuleType, outputs: tuple[torch.Tensor, ...], batch: Batch, epoch: int
) -> torch.Tensor:
    clips = (
        batch.targets.start,
        batch.targets.end,
        batch.targets.positive_clips,
        batch.targets.negative_clips,
    )
    return module.losses(outputs, *clips, eps_min=0.2, gamma=3.0, epoch=epoch)


@pytest.mark.parametrize("size", [1, 2, 5, 16])
def test_answers_agree_at_any_batch_size_with_padded_clips_words_and_characters(models, size):
    ours, plain = models
    batch = padded_batch(size)
    with torch.no_grad():
        expected = plain_outputs(plain, batch, 0.7)
        found = ours.compute(batch, 0.7)
    real = batch.clip_mask
    for index, name in enumerate(BRANCHES):
        branch = found.branches[name]
        saliency = expected[{"fusion": 8, "visual": 6, "audio": 7}[name]]
        for values, wanted in (
            (branch.start_logits, expected[2 * index]),
            (branch.end_logits, expected[2 * index + 1]),
            (branch.saliency, saliency),
        ):
            torch.testing.assert_close(values[real], wanted[real], rtol=0, atol=1e-5)
    torch.testing.assert_close(found.importance, expected[9], rtol=0, atol=1e-5)


class GivenQueries(nn.Module):
    """Takes the place of the plain model's word embedding: projected query features, whatever the words."""

    def __init__(self, projection: nn.Module, features: torch.Tensor) -> None:
        super().__init__()
        self.projection, self.features = projection, features

    def forward(self, *_: torch.Tensor) -> torch.Tensor:
        return self.projection(self.features)


def test_a_model_that_reads_query_features_agrees_with_two_projections_of_them(models, plain_module):
    _, plain = models
    batch = padded_batch(5)
    features = torch.randn(5, 9, 7, generator=torch.Generator().manual_seed(2)) * batch.word_mask[:, :, None]
    projections = {side: plain_module.DropLinear(7, 128).eval() for side in "va"}
    state = {
        name: tensor for name, tensor in plain.state_dict().items() if not name.startswith("word_embedding")
    }
    for side, projection in projections.items():
        state |= {f"text_affine{side}.{name}": tensor for name, tensor in projection.state_dict().items()}
        setattr(plain, f"word_embedding{side}", GivenQueries(projection, features))
    ours, sizes = build_official(state, {"slot_noise_at_inference": "none", "dropout": 0.0})
    assert sizes.query_width == 7
    given = replace(batch, words=None, characters=None, query_features=features)
    with torch.no_grad():
        expected = plain_outputs(plain, batch, 0.7)
        found = ours.compute(given, 0.7)
    real = batch.clip_mask
    for index, name in enumerate(BRANCHES):
        for values, wanted in (
            (found.branches[name].start_logits, expected[2 * index]),
            (found.branches[name].end_logits, expected[2 * index + 1]),
        ):
            torch.testing.assert_close(values[real], wanted[real], rtol=0, atol=1e-5)


@pytest.mark.parametrize("epoch", [0, 7, 30])
@pytest.mark.parametrize("size", [1, 5])
def test_total_losses_agree(models, plain_module, size, epoch):
    ours, plain = models
    batch = padded_batch(size)
    expected = plain_losses(plain_module, plain_outputs(plain, batch, 0.7), batch, epoch)
    found = ours.loss_terms(ours.compute(batch, 0.7), batch, epoch)["total"]
    torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-5)


class FixedSplit:
    """Stands in for a training split: the same batches in every epoch."""

    def __init__(self, batches: list[Batch]) -> None:
        self._batches = batches

    def __len__(self) -> int:
        return sum(len(batch.targets.start) for batch in self._batches)

    def batches(self, *_: Any, **__: Any) -> Iterator[Batch]:
        return iter(self._batches)


def train_plain(module: ModuleType, plain: nn.Module, batches: list[Batch], epochs: int) -> list[float]:
    """Training as the facts page has it; returns each epoch's mean loss."""
    decayed, spared = [], []
    for name, parameter in plain.named_parameters():
        if parameter.requires_grad:
            (spared if "bias" in name or "layer_norm" in name else decayed).append(parameter)
    optimiser = torch.optim.AdamW(
        [{"params": decayed, "weight_decay": 0.01}, {"params": spared, "weight_decay": 0.0}]
    )
    history = []
    for epoch in range(epochs):
        losses = []
        for step, batch in enumerate(batches, start=epoch * len(batches)):
            for group in optimiser.param_groups:
                group["lr"] = 5e-4 * (1 - step / (epochs * len(batches)))
            loss = plain_losses(module, plain_outputs(plain, batch, module.warm_up(epoch)), batch, epoch)
            optimiser.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_([*decayed, *spared], 1.0)
            optimiser.step()
            losses.append(loss.item())
        history.append(float(np.mean(losses)))
    return history


@pytest.mark.slow
def test_training_agrees_step_by_step_over_several_epochs(models, plain_module, monkeypatch, tmp_path):
    """AdamW and what it decays, clipping, the schedule and both ramps.

    In double precision: Adam turns a gradient that is nothing but rounding errors into a whole step. What
    differs is the authors' 1e-6 beside the number of informative samples.
    """
    monkeypatch.setattr(training, "predict", lambda *_: None)
    monkeypatch.setattr(MomentRetrieval, "score", lambda *_: {"fusion": {"R1@0.7": 0.0}})
    ours, plain = (model.double() for model in models)
    batches = [in_double_precision(padded_batch(size, seed)) for size, seed in ((4, 1), (3, 2))]
    start = copy.deepcopy(ours)

    split = FixedSplit(batches)
    options = TrainingOptions(epochs=3, batch_size=4)
    loop = training.Loop(ours, MomentRetrieval(), {"moment": split}, {"test": split}, options, 0, "cpu")
    progress = training.train(loop, tmp_path)
    expected = train_plain(plain_module, plain, batches, epochs=3)

    assert [row["loss_total"] for row in progress.history] == pytest.approx(expected, rel=1e-6)
    target = copy.deepcopy(start)
    load_official(target, plain.state_dict())
    for (name, found), wanted in zip(ours.named_parameters(), target.parameters(), strict=True):
        torch.testing.assert_close(found, wanted, rtol=0, atol=1e-6, msg=lambda m, n=name: f"{n}: {m}")
    assert (ours.saliency.weight - start.saliency.weight).abs().max() > 1e-3
