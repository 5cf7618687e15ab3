"""Time of a training step, from forward pass to AdamW. `python -m benchmarks.training_step --help`.

Where the folder `shared` lies beside the project, its reference/img_plain.py is timed too: the authors' model
and losses written out plainly, the oracle of the project's tests, trained with the same optimiser.
"""

from __future__ import annotations

import argparse
import importlib.util
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import torch
from torch import Tensor, nn

from benchmarks.report import print_report
from img.config import TrainingOptions
from img.models.img import IMG
from img.models.options import PRESETS, ImgOptions
from img.models.protocol import Batch
from img.training import parameter_groups

PLAIN = Path(__file__).parents[2] / "shared" / "reference" / "img_plain.py"
TRAINING = TrainingOptions()
VISUAL, AUDIO, WORD_WIDTH = 1024, 2048, 300
VOCABULARY, CHARACTERS, WORDS, LETTERS = 1300, 40, 12, 10
EPOCH = 20  # Everything that is phased in has its full weight.


def random_batch(samples: int, clips: int) -> Batch:
    """Makes a batch whose odd samples have two thirds of the clips and half of the words."""
    rng = torch.Generator().manual_seed(0)
    lengths = torch.where(torch.arange(samples) % 2 == 0, clips, clips * 2 // 3)
    clip_mask = torch.arange(clips) < lengths[:, None]
    word_mask = torch.arange(WORDS) < torch.where(torch.arange(samples) % 2 == 0, WORDS, WORDS // 2)[:, None]
    start, end = lengths // 4, lengths // 2
    return Batch(
        visual=torch.randn(samples, clips, VISUAL, generator=rng) * clip_mask[:, :, None],
        audio=torch.randn(samples, clips, AUDIO, generator=rng) * clip_mask[:, :, None],
        clip_mask=clip_mask,
        has_audio=torch.ones(samples, dtype=torch.bool),
        words=torch.randint(2, VOCABULARY, (samples, WORDS), generator=rng) * word_mask,
        characters=torch.randint(2, CHARACTERS, (samples, WORDS, LETTERS), generator=rng)
        * word_mask[:, :, None],
        word_mask=word_mask,
        start=start,
        end=end,
        positive_clips=torch.stack((start, end), 1),
        negative_clips=torch.stack((torch.zeros_like(start), lengths - 1), 1),
    )


def step_of(loss: Callable[[], Tensor], optimiser: torch.optim.Optimizer) -> Callable[[], None]:
    """Gives one training step."""
    parameters = [parameter for group in optimiser.param_groups for parameter in group["params"]]

    def step() -> None:
        total = loss()
        optimiser.zero_grad(set_to_none=True)
        total.backward()
        nn.utils.clip_grad_norm_(parameters, TRAINING.gradient_clip)
        optimiser.step()

    return step


def img_step(preset: str, batch: Batch) -> Callable[[], None]:
    """Gives a step of the project's model."""
    torch.manual_seed(0)
    options = ImgOptions.model_validate({"preset": preset})
    model = IMG(options, VISUAL, AUDIO, torch.randn(VOCABULARY, WORD_WIDTH), CHARACTERS).train()
    optimiser = torch.optim.AdamW(
        parameter_groups(model, TRAINING.weight_decay), TRAINING.learning_rate, fused=True
    )
    return step_of(lambda: model.losses(model(batch, EPOCH), batch, EPOCH)["total"], optimiser)


def plain_step(plain: ModuleType, batch: Batch) -> Callable[[], None]:
    """Gives a step of the plain model."""
    torch.manual_seed(0)
    options = ImgOptions.model_validate({})
    model = plain.Img(words=VOCABULARY + 2, chars=CHARACTERS, dv=VISUAL, da=AUDIO).train()
    model.set_slot_noise(1.0)
    trainable = [parameter for parameter in model.parameters() if parameter.requires_grad]
    optimiser = torch.optim.AdamW(trainable, TRAINING.learning_rate, weight_decay=TRAINING.weight_decay)
    clip_mask, word_mask = batch.clip_mask.float(), batch.word_mask.float()

    def loss() -> Tensor:
        outputs = model(batch.words, batch.characters, batch.visual, clip_mask, batch.audio, word_mask)
        pairs = batch.positive_clips, batch.negative_clips
        labels = batch.start, batch.end
        total: Tensor = plain.losses(outputs, *labels, *pairs, options.eps_min, options.gamma, EPOCH)
        return total

    return step_of(loss, optimiser)


def load_plain() -> ModuleType | None:
    """Imports img_plain.py by its path, where it is there."""
    specification = importlib.util.spec_from_file_location("img_plain", PLAIN) if PLAIN.is_file() else None
    if specification is None or specification.loader is None:
        return None
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


def time_in_turns(steps: dict[str, Callable[[], None]], repeats: int) -> dict[str, float]:
    """Gives each step's median seconds; they take turns, so that a busy machine slows them alike."""
    seconds: dict[str, list[float]] = {name: [] for name in steps}
    for repeat in range(repeats + 2):
        for name, step in steps.items():
            started = time.perf_counter()
            step()
            if repeat >= 2:
                seconds[name].append(time.perf_counter() - started)
    return {name: statistics.median(found) for name, found in seconds.items()}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--steps", type=int, default=20, help="steps whose median counts (default: 20)")
    parser.add_argument("--samples", type=int, default=TRAINING.batch_size, help="samples in a batch")
    parser.add_argument("--clips", type=int, nargs="+", default=[45, 128], help="clips of a video")
    parser.add_argument("--threads", type=int, help="threads of torch (default: all cores)")
    options = parser.parse_args()
    if options.threads:
        torch.set_num_threads(options.threads)
    plain = load_plain()
    rows = []
    for clips in options.clips:
        batch = random_batch(options.samples, clips)
        steps = {f"IMG, preset {preset}": img_step(preset, batch) for preset in PRESETS}
        if plain:
            steps["img_plain.py"] = plain_step(plain, batch)
        seconds = time_in_turns(steps, options.steps)
        slowest = seconds.get("img_plain.py")
        for name, found in seconds.items():
            share = f"{found / slowest:.2f}" if slowest else ""
            rows.append([name, str(clips), f"{1000 * found:.0f}", share])
    print_report(
        f"Training step: {options.samples} queries, visual {VISUAL} and audio {AUDIO} wide, "
        f"{torch.get_num_threads()} threads",
        ["model", "clips", "ms (median)", "of img_plain.py"],
        rows,
        "img_plain.py is the authors' model written out plainly; it was not written to be fast."
        if plain
        else "",
    )


if __name__ == "__main__":
    main()
