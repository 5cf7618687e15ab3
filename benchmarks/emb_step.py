"""Time and memory of a training step of EMB and TEA; see `--help`.

Where the folder `shared` lies beside the project, its reference/tea/emb_plain.py is timed too: the authors'
model and losses written out plainly, the oracle of the project's tests, with the same optimiser. Memory is
what a forward pass keeps for the backward pass, on any device: activations, and those weights that it needs.
"""

from __future__ import annotations

import argparse
import importlib.util
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import torch
from torch import Tensor

from benchmarks.report import describe_device, print_report
from benchmarks.training_step import (
    CHARACTERS,
    TRAINING,
    VISUAL,
    VOCABULARY,
    WORD_WIDTH,
    describe,
    random_batch,
    step_of,
    time_in_turns,
)
from img.models.checkpoint import build_system
from img.models.protocol import Batch, MomentTargets, Progress, Stream
from img.models.registry import parse_options
from img.models.sizes import Sizes
from img.runs.device import computing_on
from img.runs.optimisation import parameter_groups

PLAIN = Path(__file__).parents[2] / "shared" / "reference" / "tea" / "emb_plain.py"
PROGRESS = Progress(50, 100)
"""Half of the training: the required overlap is midway."""

SYSTEMS: dict[str, dict[str, str]] = {
    "EMB, preset paper": {"kind": "emb"},
    "EMB, preset reference": {"kind": "emb", "preset": "reference"},
    "TEA": {"kind": "tea"},
}

Loss = Callable[[], Tensor]
Steps = dict[str, Callable[[], object]]


def narrated(batch: Batch) -> Batch:
    """Gives a batch narratives in the place of sound, as wide as words."""
    sound = batch.streams["audio"]
    told = Stream(sound.values[:, :, :WORD_WIDTH].contiguous(), sound.present)
    return replace(batch, streams={"visual": batch.streams["visual"], "narrative": told})


def own_loss(options: dict[str, str], batch: Batch, device: str) -> tuple[Loss, torch.optim.Optimizer]:
    """Gives the loss of one of the project's systems, and what trains it."""
    torch.manual_seed(0)
    sizes = Sizes({"visual": VISUAL, "narrative": WORD_WIDTH}, VOCABULARY, WORD_WIDTH, CHARACTERS)
    system = build_system(parse_options(options), sizes, torch.randn(VOCABULARY, WORD_WIDTH)).to(device)
    groups = parameter_groups(system.train(), TRAINING)
    optimiser = torch.optim.AdamW(groups, TRAINING.learning_rate, fused=True)
    return lambda: system.losses(batch, PROGRESS)["total"], optimiser


def plain_loss(plain: ModuleType, batch: Batch, device: str) -> tuple[Loss, torch.optim.Optimizer]:
    """Gives the loss of the plain model, and what trains it."""
    torch.manual_seed(0)
    model = plain.EMB(VOCABULARY + 2, CHARACTERS, VISUAL).to(device).train()
    trainable = [parameter for parameter in model.parameters() if parameter.requires_grad]
    optimiser = torch.optim.AdamW(trainable, TRAINING.learning_rate, weight_decay=TRAINING.weight_decay)
    clip_mask, word_mask = batch.clip_mask.float(), batch.word_mask.float()

    def loss() -> Tensor:
        outputs = model(batch.words, batch.streams["visual"].values, clip_mask, word_mask)
        targets = batch.targets_of(MomentTargets)
        labels = targets.start, targets.end
        total: Tensor = plain.losses(outputs, *labels, clip_mask, PROGRESS.epoch, PROGRESS.epochs)["total"]
        return total

    return loss, optimiser


def load_plain() -> ModuleType | None:
    """Imports emb_plain.py by its path, where it is there."""
    specification = importlib.util.spec_from_file_location("emb_plain", PLAIN) if PLAIN.is_file() else None
    if specification is None or specification.loader is None:
        return None
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


def kept_megabytes(loss: Loss) -> float:
    """Tells how much a forward pass keeps for the backward pass."""
    kept: dict[int, int] = {}

    def keep(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        kept[storage.data_ptr()] = storage.nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        total = loss()
    del total
    return sum(kept.values()) / 1e6


@contextmanager
def threads(count: int | None) -> Iterator[None]:
    """Uses so many threads of torch; as many as it likes where none are given."""
    before = torch.get_num_threads()
    torch.set_num_threads(count or before)
    yield
    torch.set_num_threads(before)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--steps", type=int, default=10, help="steps whose median counts (default: 10)")
    parser.add_argument("--samples", type=int, default=TRAINING.batch_size, help="samples in a batch")
    parser.add_argument("--clips", type=int, nargs="+", default=[64, 128], help="clips of a video")
    parser.add_argument("--threads", type=int, help="threads of torch (default: all cores)")
    parser.add_argument(
        "--cpu-time", action="store_true", help="time of the processor, not of the clock: for a busy machine"
    )
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    options = parser.parse_args()
    clock = time.process_time if options.cpu_time else time.perf_counter
    plain = load_plain()
    rows = []
    with threads(options.threads), computing_on(options.device, options.samples):
        for clips in options.clips:
            batch = narrated(random_batch(options.samples, clips)).to(options.device)
            losses = {name: own_loss(values, batch, options.device) for name, values in SYSTEMS.items()}
            if plain:
                losses[PLAIN.name] = plain_loss(plain, batch, options.device)
            steps: Steps = {name: step_of(*pair) for name, pair in losses.items()}
            seconds = time_in_turns(steps, options.steps, clock, options.device)
            for name, found in seconds.items():
                memory = f"{kept_megabytes(losses[name][0]):.0f}"
                rows.append([name, str(clips), *describe(found, seconds.get(PLAIN.name)), memory])
        used = torch.get_num_threads()
    print_report(
        f"Training step: {options.samples} queries, visual {VISUAL} and narratives {WORD_WIDTH} wide, {used} "
        f"threads, {'CPU' if options.cpu_time else 'wall'} time, on {describe_device(options.device)}",
        ["model", "clips", "ms (median)", "quartiles", f"of {PLAIN.name}", "MB kept"],
        rows,
        f"{PLAIN.name} is the authors' model written out plainly; it was not written to be fast."
        if plain
        else f"{PLAIN.name} is not there, so nothing is held against it.",
    )


if __name__ == "__main__":
    main()
