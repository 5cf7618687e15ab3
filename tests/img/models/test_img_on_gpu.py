"""The model computes on a GPU what it computes on the CPU."""

import pytest
import torch
from model_batches import random_batch, small_model

from img.config.runs import InferenceOptions
from img.models.protocol import Progress
from img.runs.device import computing_on

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device"),
]

CLIPS, WORDS = [6, 9, 16, 1], [3, 4, 12, 1]


def test_losses_are_the_cpus() -> None:
    losses = {}
    for device in ("cpu", "cuda"):
        with torch.inference_mode(), computing_on(device, len(CLIPS)):
            found = small_model().to(device).losses(random_batch(CLIPS, WORDS).to(device), Progress(1, 2))
        losses[device] = {name: loss.cpu() for name, loss in found.items()}
    torch.testing.assert_close(losses["cuda"], losses["cpu"], rtol=1e-3, atol=1e-4)


def test_answers_are_the_cpus() -> None:
    answers = {}
    for device in ("cpu", "cuda"):
        with torch.inference_mode(), computing_on(device, len(CLIPS)):
            batch = random_batch(CLIPS, WORDS).to(device)
            answers[device] = small_model().to(device).answer(batch, InferenceOptions(answers=3))
    for branch, expected in answers["cpu"].spans.items():
        found = answers["cuda"].spans[branch]
        for name in ("start", "end", "score"):
            torch.testing.assert_close(
                getattr(found, name).cpu(), getattr(expected, name), rtol=1e-3, atol=1e-4, equal_nan=True
            )
