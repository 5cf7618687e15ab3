"""The training loop: one run, resumable, the same answer however often it was interrupted (on a CPU)."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor, nn
from torch.utils.tensorboard import SummaryWriter
from tqdm import tqdm

from extractors.storage.files import remove_content, replacing, sha256_of, write_json
from extractors.storage.libraries import library_versions
from extractors.storage.store import Store
from img.config.protocols import LAST, best_on, checkpoint_of
from img.config.runs import TRAINING_VERSION, InferenceOptions, RunOptions, TrainingOptions
from img.data.inputs import Inputs
from img.data.queries import read_queries_table
from img.data.query_features import QueryFeatures
from img.data.samples import Moments, read_text, text_sizes
from img.data.vocabulary import VOCABULARY, Vocabulary, load_vectors
from img.models.checkpoint import build_system, save_checkpoint
from img.models.protocol import Progress, System
from img.models.sizes import Sizes
from img.runs.device import computing_on
from img.runs.evaluation import predict, score

_RESUME = "resume.pt"
_EVENTS = "events"
_ONE_ANSWER = InferenceOptions(answers=1)
_SELECTED_BY = "R1@0.7"

log = logging.getLogger(__name__)


@dataclass
class Best:
    """The epoch that was best on a split so far; of equals the earliest.

    Attributes:
        recall: R1@0.7 of the preferred branch on the split, the highest so far.
        epoch: the epoch, counted from 0, that reached it.
        state: the weights that reached it.
    """

    recall: float = -1.0
    epoch: int = -1
    state: dict[str, Tensor] = field(default_factory=dict)


@dataclass
class Reached:
    """What a run has reached: everything a killed run needs to go on.

    Attributes:
        epoch: epochs done.
        best: the best epoch on each selection split.
        history: a row of losses and metrics for each epoch done.
    """

    epoch: int = 0
    best: dict[str, Best] = field(default_factory=dict)
    history: list[dict[str, float]] = field(default_factory=list)


def run_training(
    queries_folder: Path,
    inputs_folder: Path,
    options: RunOptions,
    seed: int,
    store: Store,
    device: str,
    fresh: bool,
    features_folder: Path | None = None,
) -> tuple[Path, bool]:
    """Trains a run, or finds the finished one in the store.

    The store's entry holds `last.safetensors`, `best_on_{split}.safetensors` for each selection split,
    `options.json`, `history.csv` and the TensorBoard folder `events`.

    Args:
        queries_folder: what `prepare_queries` wrote.
        inputs_folder: what `assemble` wrote.
        options: model and training options.
        seed: of initialisation, order, dropout and draws.
        store: keeps finished and unfinished runs.
        device: where to train.
        fresh: train even where the store holds the run.
        features_folder: what `assemble_query_features` wrote, read in the place of words; None for words.

    Returns:
        The entry's folder, and whether it was restored instead of trained.
    """
    inputs = Inputs.load(inputs_folder)
    ingredients: dict[str, Any] = {
        "kind": "training",
        "code_version": TRAINING_VERSION,
        "inputs": inputs.content_sha256,
        "queries": _hash_queries(queries_folder, features_folder),
        "options": options.model_dump(mode="json"),
        "seed": seed,
        "device": device,
        "threads": torch.get_num_threads() if device == "cpu" else None,
    }
    key = Store.key(ingredients)
    if not fresh and (entry := store.find(key)) is not None:
        return entry.folder, True
    with store.working_on(key) as partial:
        # The same run may have been finished by another process while this one waited for its turn.
        if not fresh and (entry := store.find(key)) is not None:
            return entry.folder, True
        if fresh:
            remove_content(partial)
        model, sizes, reached = _train_from_folders(
            queries_folder, features_folder, inputs, options, seed, device, partial
        )
        if (old := store.find(key)) is not None:
            store.remove(old)
        with store.adding(key, {**ingredients, "libraries": library_versions()}) as folder:
            states = {LAST: model.state_dict()}
            states |= {best_on(split): best.state for split, best in reached.best.items()}
            for protocol, state in states.items():
                save_checkpoint(checkpoint_of(folder, protocol), state, options.model, sizes)
            best_epochs = {best_on(split): best.epoch for split, best in reached.best.items()}
            made = {
                "seed": seed,
                "device": device,
                "threads": ingredients["threads"],
                "best_epoch": reached.best[options.selection_split].epoch,
                "selected_epochs": best_epochs,
                "key": key,
                "libraries": library_versions(),
            }
            write_json(folder / "options.json", {**options.model_dump(mode="json"), **made})
            pd.DataFrame(reached.history).to_csv(folder / "history.csv", index=False)
            shutil.copytree(partial / _EVENTS, folder / _EVENTS)
        remove_content(partial)
    return store.get(key).folder, False


def _hash_queries(folder: Path, features: Path | None) -> dict[str, str]:
    """Returns the hash of everything that a run reads of its queries."""
    if features is not None:
        content = QueryFeatures.load(features).content_sha256
        return {"queries.parquet": sha256_of(folder / "queries.parquet"), "features": content}
    return {name: sha256_of(folder / name) for name in ("queries.parquet", VOCABULARY, "vectors.bin")}


def _train_from_folders(
    queries_folder: Path,
    features_folder: Path | None,
    inputs: Inputs,
    options: RunOptions,
    seed: int,
    device: str,
    partial: Path,
) -> tuple[System, Sizes, Reached]:
    queries, text = read_text(
        read_queries_table(queries_folder), queries_folder / VOCABULARY, features_folder
    )
    sound, fraction = options.training.sound, options.training.fraction
    moments = Moments(queries, "train", inputs, text, sound, fraction)
    selections = {split: Moments(queries, split, inputs, text, sound) for split in options.selection_splits}
    vectors = torch.zeros(0, 0)
    if isinstance(text, Vocabulary):
        vectors = torch.from_numpy(load_vectors(queries_folder / "vectors.bin", text))
    sizes = Sizes(inputs.widths, word_width=vectors.shape[1], **text_sizes(text))
    with torch.random.fork_rng(), computing_on(device, options.training.batch_size):
        torch.manual_seed(seed)
        model = build_system(options.model, sizes, vectors).to(device)
        reached = train(model, moments, selections, options.training, seed, device, partial)
    return model, sizes, reached


def train(
    model: System,
    moments: Moments,
    selections: Mapping[str, Moments],
    options: TrainingOptions,
    seed: int,
    device: str,
    folder: Path,
) -> Reached:
    """Trains a model in place, from its beginning or from where an interrupted run in `folder` stopped.

    Everything random in an epoch follows from (seed, epoch) alone, so a resumed run goes the same way.

    Args:
        model: the model, on `device`.
        moments: training samples.
        selections: samples of each split on which an epoch is chosen; the history tells the first one's
            metrics whole. The `last` weights depend on none.
        options: how to train.
        seed: source of all randomness.
        device: where the model is.
        folder: keeps the resume file and TensorBoard events.

    Returns:
        History and each split's best weights; the model holds the last ones.
    """
    steps = -(-len(moments) // options.batch_size)
    optimiser = torch.optim.AdamW(
        parameter_groups(model, options.weight_decay), lr=options.learning_rate, fused=True
    )
    schedule = torch.optim.lr_scheduler.LambdaLR(optimiser, lambda step: 1 - step / (steps * options.epochs))
    reached = _resume(folder / _RESUME, model, optimiser, schedule, device)
    bar = tqdm(total=steps * options.epochs, initial=steps * reached.epoch, unit="step", desc="train")
    with bar, SummaryWriter(str(folder / _EVENTS), purge_step=reached.epoch) as events:
        for epoch in range(reached.epoch, options.epochs):
            generator = np.random.default_rng([seed, epoch])
            torch.manual_seed(int(generator.integers(2**63)))
            rate = float(schedule.get_last_lr()[0])
            losses = _train_epoch(model, moments, options, epoch, generator, device, optimiser, schedule, bar)
            metrics = {
                split: score(predict(model, selection, options.batch_size, device, _ONE_ANSWER))
                for split, selection in selections.items()
            }
            row: dict[str, float] = {"epoch": float(epoch), "learning_rate": rate}
            row |= {f"loss_{name}": value for name, value in losses.items()}
            row |= model.monitors(Progress(epoch, options.epochs))
            recalls = {split: scores[model.branches[0]][_SELECTED_BY] for split, scores in metrics.items()}
            first, *further = recalls
            row |= {
                f"{branch}_{name}": value
                for branch, scores in metrics[first].items()
                for name, value in scores.items()
            }
            row |= {f"{best_on(split)}_{_SELECTED_BY}": recalls[split] for split in further}
            for name, value in row.items():
                events.add_scalar(name, value, epoch)
            _keep_best(reached, recalls, model, epoch)
            reached.history.append(row)
            reached.epoch = epoch + 1
            bar.set_postfix(loss=f"{losses['total']:.3f}", r1_07=f"{recalls[first]:.1f}")
            events.flush()
            _save(folder / _RESUME, model, optimiser, schedule, reached)
    return reached


def _keep_best(reached: Reached, recalls: Mapping[str, float], model: System, epoch: int) -> None:
    """Keeps the weights of an epoch for every split on which it is better than all before it."""
    better = [split for split, recall in recalls.items() if recall > reached.best.get(split, Best()).recall]
    if better:
        state = {name: value.detach().clone() for name, value in model.state_dict().items()}
        reached.best |= {split: Best(recalls[split], epoch, state) for split in better}


def _train_epoch(
    model: System,
    moments: Moments,
    options: TrainingOptions,
    epoch: int,
    generator: np.random.Generator,
    device: str,
    optimiser: torch.optim.Optimizer,
    schedule: torch.optim.lr_scheduler.LRScheduler,
    bar: Any,
) -> dict[str, float]:
    """Passes over the training samples once; returns each loss's mean over the steps."""
    model.train()
    sums: dict[str, Tensor] = {}
    steps = 0
    for batch in moments.batches(options.batch_size, generator, shuffle=True):
        losses = model.losses(batch.to(device), Progress(epoch, options.epochs))
        optimiser.zero_grad(set_to_none=True)
        losses["total"].backward()
        nn.utils.clip_grad_norm_(model.parameters(), options.gradient_clip)
        optimiser.step()
        schedule.step()
        # Summed on the device: reading a loss at every step would make the device wait.
        for name, value in losses.items():
            sums[name] = sums.get(name, torch.zeros((), device=device)) + value.detach()
        steps += 1
        bar.update()
    means = {name: float(value) / steps for name, value in sums.items()}
    if not np.isfinite(means["total"]):
        raise ValueError(
            f"training: the loss is no number any more in epoch {epoch}; lower training.learning_rate"
        )
    return means


def parameter_groups(model: System, weight_decay: float) -> list[dict[str, Any]]:
    """Splits trainable parameters into those that decay and those the model asks to spare."""
    spared = model.undecayed_parameters()
    groups: dict[bool, list[nn.Parameter]] = {False: [], True: []}
    for name, parameter in model.named_parameters():
        if parameter.requires_grad:
            groups[name in spared].append(parameter)
    return [
        {"params": groups[False], "weight_decay": weight_decay},
        {"params": groups[True], "weight_decay": 0.0},
    ]


def _save(path: Path, model: System, optimiser: Any, schedule: Any, reached: Reached) -> None:
    state = {
        "model": model.state_dict(),
        "optimiser": optimiser.state_dict(),
        "schedule": schedule.state_dict(),
        "reached": {**vars(reached), "best": {split: vars(best) for split, best in reached.best.items()}},
    }
    with replacing(path) as temporary:
        torch.save(state, temporary)


def _resume(path: Path, model: System, optimiser: Any, schedule: Any, device: str) -> Reached:
    if not path.is_file():
        return Reached()
    state: Mapping[str, Any] = torch.load(path, map_location=device, weights_only=True)
    model.load_state_dict(state["model"])
    optimiser.load_state_dict(state["optimiser"])
    schedule.load_state_dict(state["schedule"])
    log.info(f"resuming after epoch {state['reached']['epoch']} from {path}")
    reached = state["reached"]
    best = {split: Best(**found) for split, found in reached["best"].items()}
    return Reached(**{**reached, "best": best})
