"""A run evaluated: its answers to every split, what they are worth, and on what they rest."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from extractors.storage.files import replacing
from img.config.runs import InferenceOptions
from img.data.clips.inputs import Inputs
from img.data.samples import Moments, find_usable
from img.models.protocol import AUTO
from img.runs.making import TRAIN
from img.runs.opening import Questions, Run
from img.runs.prediction import predict
from img.tasks.moment import score, score_constants


@dataclass(frozen=True)
class Splits:
    """What a run is evaluated on.

    Attributes:
        moments: samples of each split.
        missed: how many queries without an answer each split's metrics count as IoU 0.
        further: vectors of the words that the run did not know.
    """

    moments: Mapping[str, Moments]
    missed: Mapping[str, int]
    further: np.ndarray


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
    sound = run.options.training.sound
    moments = {
        split: Moments(
            questions.table,
            split,
            inputs,
            questions.text,
            sound,
            noisy_audio_share=inference.noisy_audio_share,
        )
        for split in questions.table["split"].unique()
        if split != TRAIN and find_usable(questions.table, split, inputs).any()
    }
    return Splits(moments, {split: missed.get(split, 0) for split in moments}, questions.further)


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
        `protocols`, metrics in percent: protocol -> split -> branch -> metric; `mean_importance` of the
        sound: protocol -> split; `best_constant`: split -> metric; `scored` and `counted_as_misses`: queries
        of each split.
    """
    frames = []
    metrics: dict[str, Any] = {}
    importance: dict[str, Any] = {}
    for protocol in run.protocols:
        system = run.load(protocol, splits.further).to(device)
        metrics[protocol], importance[protocol] = {}, {}
        for split, moments in splits.moments.items():
            predictions = predict(system, moments, run.options.training.batch_size, device, inference)
            metrics[protocol][split] = score(predictions, inference.answers, splits.missed[split])
            importance[protocol][split] = _mean_importance(predictions, moments)
            frames.append(predictions.assign(protocol=protocol, split=split))
    with replacing(out) as temporary:
        pd.concat(frames, ignore_index=True).to_parquet(temporary, index=False)
    return {
        "protocols": metrics,
        "mean_importance": importance,
        "best_constant": score_constants(splits.moments, splits.missed),
        "scored": {split: len(found) + splits.missed[split] for split, found in splits.moments.items()},
        "counted_as_misses": dict(splits.missed),
    }


def _mean_importance(predictions: pd.DataFrame, moments: Moments) -> float | None:
    """The mean over the queries whose video has sound; None where there is none or the system weighs none."""
    if "importance" not in predictions:
        return None
    once = (predictions["branch"] == AUTO) & (predictions["rank"] == 1)
    importance = predictions.loc[once, "importance"].to_numpy()[moments.complete]
    return float(importance.mean()) if len(importance) and np.isfinite(importance).all() else None
