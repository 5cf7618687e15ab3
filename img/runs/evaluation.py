"""A run evaluated: its answers to every split, what they are worth, and on what they rest."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from extractors.storage.files import replacing
from img.config.dataset import TRAIN
from img.config.runs import InferenceOptions
from img.data.clips.inputs import Inputs
from img.data.collation import Samples
from img.models.protocol import AUTO
from img.runs.opening import Questions, Run
from img.runs.prediction import predict
from img.tasks.registry import find_task


@dataclass(frozen=True)
class Splits:
    """What a run is evaluated on.

    Attributes:
        samples: task -> split -> samples; the run's tasks, in their order.
        missed: how many queries without an answer each split's metrics count as wrong.
        further: vectors of the words that the run did not know.
    """

    samples: Mapping[str, Mapping[str, Samples]]
    missed: Mapping[str, int]
    further: np.ndarray

    def __iter__(self) -> Iterator[tuple[str, str, Samples]]:
        """Yields each task, split, and its samples."""
        for task, splits in self.samples.items():
            for split, samples in splits.items():
                yield task, split, samples


def open_splits(
    run: Run, questions: Questions, inputs: Inputs, inference: InferenceOptions, missed: Mapping[str, int]
) -> Splits:
    """Opens every split but the training's that has queries to answer.

    Args:
        run: who is to answer.
        questions: the queries, as the run reads them.
        inputs: the videos' clips.
        inference: says how much of the sound gets noise.
        missed: queries of each split that nothing can answer and that count all the same.

    Raises:
        ValueError: inputs or queries are not of the widths that the run was trained with.
    """
    run.check_inputs(inputs, questions.text)
    samples: dict[str, dict[str, Samples]] = {}
    for name in run.options.tasks:
        task = find_task(name)
        samples[name] = {
            split: task.samples(
                questions.table,
                split,
                inputs,
                questions.text,
                run.options.training.sound,
                noisy_audio_share=inference.noisy_audio_share,
            )
            for split in questions.table["split"].unique()
            if split != TRAIN and task.usable(questions.table, split, inputs).any()
        }
    return Splits(samples, missed, questions.further)


def evaluate_run(
    run: Run, splits: Splits, device: str, inference: InferenceOptions, out: Path
) -> dict[str, Any]:
    """Evaluates a run's weights on every split and writes the predictions.

    Args:
        run: the run.
        splits: what to answer.
        device: where to compute.
        inference: how to answer.
        out: the predictions' file.

    Returns:
        `protocols`, each metric: protocol -> split -> branch -> metric; `mean_importance` of the sound:
        protocol -> split; `best_constant`: split -> metric; `scored` and `counted_as_misses`: queries of each
        split, of the run's first task; `samples`: task -> split -> how many were answered.
    """
    frames = []
    metrics: dict[str, Any] = {}
    importance: dict[str, Any] = {}
    for protocol in run.protocols:
        system = run.load(protocol, splits.further).to(device)
        metrics[protocol], importance[protocol] = {}, {}
        for name, split, samples in splits:
            predictions = predict(system, samples, run.options.training.batch_size, device, inference)
            scores = find_task(name).score(predictions, inference.answers, splits.missed.get(split, 0))
            metrics[protocol].setdefault(split, {}).update(scores)
            importance[protocol].setdefault(split, _mean_importance(predictions, samples))
            frames.append(predictions.assign(protocol=protocol, split=split))
    with replacing(out) as temporary:
        pd.concat(frames, ignore_index=True).to_parquet(temporary, index=False)
    return {
        "protocols": metrics,
        "mean_importance": importance,
        "best_constant": _score_constants(splits),
        **_count(splits),
    }


def _score_constants(splits: Splits) -> dict[str, dict[str, float]]:
    """Scores the best constant answer on each split, for the tasks that have one."""
    constants: dict[str, dict[str, float]] = {}
    for name, split, samples in splits:
        if scores := find_task(name).best_constant(samples, splits.missed.get(split, 0)):
            constants.setdefault(split, {}).update(scores)
    return constants


def _count(splits: Splits) -> dict[str, Any]:
    """Counts what the metrics are over."""
    answered = {
        name: {split: len(samples) for split, samples in found.items()}
        for name, found in splits.samples.items()
    }
    first = next(iter(answered.values()))
    missed = {split: splits.missed.get(split, 0) for split in first}
    return {
        "scored": {split: count + missed[split] for split, count in first.items()},
        "counted_as_misses": missed,
        "samples": answered,
    }


def _mean_importance(predictions: pd.DataFrame, samples: Samples) -> float | None:
    """The mean over the queries whose video has sound; None where there is none or the system weighs none."""
    if "importance" not in predictions:
        return None
    once = (predictions["branch"] == AUTO) & (predictions["rank"] == 1)
    importance = predictions.loc[once, "importance"].to_numpy()[samples.complete]
    return float(importance.mean()) if len(importance) and np.isfinite(importance).all() else None
