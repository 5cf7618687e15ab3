"""Time of a training step, from forward pass to AdamW, and of an answer; see `--help`.

An answer is a forward pass and, for the project's model, the decoding of every branch as evaluation does
it; the plain model stops at its logits.

Where the folder `shared` lies beside the project, its reference/img_plain.py is timed too: the authors' model
and losses written out plainly, the oracle of the project's tests, trained with the same optimiser. On a GPU,
which works on while the processor goes ahead, each time ends when the GPU is done.
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

from benchmarks.report import describe_device, print_report
from img.config.runs import InferenceOptions, TrainingOptions
from img.models.img.model import IMG
from img.models.img.options import PRESETS, ImgOptions
from img.models.protocol import Answers, Batch, MomentTargets, Progress, Stream
from img.runs.device import computing_on
from img.runs.optimisation import parameter_groups

PLAIN = Path(__file__).parents[2] / "shared" / "reference" / "img_plain.py"
TRAINING, INFERENCE = TrainingOptions(), InferenceOptions()
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
    everyone = torch.ones(samples, dtype=torch.bool)
    visual = torch.randn(samples, clips, VISUAL, generator=rng) * clip_mask[:, :, None]
    audio = torch.randn(samples, clips, AUDIO, generator=rng) * clip_mask[:, :, None]
    return Batch(
        streams={"visual": Stream(visual, everyone), "audio": Stream(audio, everyone)},
        clip_mask=clip_mask,
        words=torch.randint(2, VOCABULARY, (samples, WORDS), generator=rng) * word_mask,
        characters=torch.randint(2, CHARACTERS, (samples, WORDS, LETTERS), generator=rng)
        * word_mask[:, :, None],
        word_mask=word_mask,
        targets=MomentTargets(
            start=start,
            end=end,
            span=torch.stack((start, end + 1), 1) / lengths[:, None],
            positive_clips=torch.stack((start, end), 1),
            negative_clips=torch.stack((torch.zeros_like(start), lengths - 1), 1),
        ),
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


def img_steps(preset: str, batch: Batch, device: str) -> dict[str, Callable[[], object]]:
    """Gives a training step and an answer of the project's model."""
    torch.manual_seed(0)
    options = ImgOptions.model_validate({"preset": preset})

    def build() -> IMG:
        return IMG(options, VISUAL, AUDIO, torch.randn(VOCABULARY, WORD_WIDTH), CHARACTERS).to(device)

    model = build().train()
    optimiser = torch.optim.AdamW(parameter_groups(model, TRAINING), TRAINING.learning_rate, fused=True)
    answering = build().eval()

    @torch.inference_mode()
    def answer() -> Answers:
        return answering.answer(batch, INFERENCE)

    loss = step_of(lambda: model.losses(batch, Progress(EPOCH, EPOCH + 1))["total"], optimiser)
    return {"training step": loss, "answer": answer}


def plain_steps(plain: ModuleType, batch: Batch, device: str) -> dict[str, Callable[[], object]]:
    """Gives a training step and an answer of the plain model."""
    torch.manual_seed(0)
    options = ImgOptions.model_validate({})

    def build() -> nn.Module:
        model: nn.Module = plain.Img(words=VOCABULARY + 2, chars=CHARACTERS, dv=VISUAL, da=AUDIO)
        model.set_slot_noise(1.0)  # type: ignore[operator]
        return model.to(device)

    model, answering = build().train(), build().eval()
    trainable = [parameter for parameter in model.parameters() if parameter.requires_grad]
    optimiser = torch.optim.AdamW(trainable, TRAINING.learning_rate, weight_decay=TRAINING.weight_decay)
    clip_mask, word_mask = batch.clip_mask.float(), batch.word_mask.float()

    visual, audio = (batch.streams[name].values for name in ("visual", "audio"))
    inputs = batch.words, batch.characters, visual, clip_mask, audio, word_mask

    def loss() -> Tensor:
        outputs = model(*inputs)
        targets = batch.targets_of(MomentTargets)
        pairs = targets.positive_clips, targets.negative_clips
        labels = targets.start, targets.end
        total: Tensor = plain.losses(outputs, *labels, *pairs, options.eps_min, options.gamma, EPOCH)
        return total

    @torch.inference_mode()
    def answer() -> object:
        return answering(*inputs)

    return {"training step": step_of(loss, optimiser), "answer": answer}


def load_plain() -> ModuleType | None:
    """Imports img_plain.py by its path, where it is there."""
    specification = importlib.util.spec_from_file_location("img_plain", PLAIN) if PLAIN.is_file() else None
    if specification is None or specification.loader is None:
        return None
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


def time_in_turns(
    steps: dict[str, Callable[[], object]], repeats: int, clock: Callable[[], float], device: str
) -> dict[str, list[float]]:
    """Gives each step's seconds; they take turns, so that a busy machine slows them alike."""
    seconds: dict[str, list[float]] = {name: [] for name in steps}
    for repeat in range(repeats + 2):
        for name, step in steps.items():
            started = clock()
            step()
            if device == "cuda":
                torch.cuda.synchronize()
            if repeat >= 2:
                seconds[name].append(clock() - started)
    return seconds


def describe(seconds: list[float], others: list[float] | None) -> list[str]:
    """Gives the median and the quartiles in milliseconds, and the median's share of another one."""
    low, median, high = statistics.quantiles(seconds, n=4)
    share = f"{median / statistics.median(others):.2f}" if others else ""
    return [f"{1000 * median:.1f}", f"{1000 * low:.1f} to {1000 * high:.1f}", share]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--steps", type=int, default=20, help="steps whose median counts (default: 20)")
    parser.add_argument("--samples", type=int, default=TRAINING.batch_size, help="samples in a batch")
    parser.add_argument("--clips", type=int, nargs="+", default=[45, 128], help="clips of a video")
    parser.add_argument("--threads", type=int, help="threads of torch (default: all cores)")
    parser.add_argument(
        "--cpu-time", action="store_true", help="time of the processor, not of the clock: for a busy machine"
    )
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    options = parser.parse_args()
    if options.threads:
        torch.set_num_threads(options.threads)
    clock = time.process_time if options.cpu_time else time.perf_counter
    plain = load_plain()
    rows = []
    with computing_on(options.device, options.samples):
        for clips in options.clips:
            batch = random_batch(options.samples, clips).to(options.device)
            models = {f"IMG, preset {preset}": img_steps(preset, batch, options.device) for preset in PRESETS}
            if plain:
                models["img_plain.py"] = plain_steps(plain, batch, options.device)
            for what in ("training step", "answer"):
                steps = {name: model[what] for name, model in models.items()}
                seconds = time_in_turns(steps, options.steps, clock, options.device)
                for name, found in seconds.items():
                    rows.append([what, name, str(clips), *describe(found, seconds.get("img_plain.py"))])
    print_report(
        f"Training step and answer: {options.samples} queries, visual {VISUAL} and audio {AUDIO} wide, "
        f"{torch.get_num_threads()} threads, {'CPU' if options.cpu_time else 'wall'} time, "
        f"on {describe_device(options.device)}",
        ["what", "model", "clips", "ms (median)", "quartiles", "of img_plain.py"],
        rows,
        "img_plain.py is the authors' model written out plainly; it was not written to be fast."
        if plain
        else f"{PLAIN.name} is not there, so nothing is held against it.",
    )


if __name__ == "__main__":
    main()
