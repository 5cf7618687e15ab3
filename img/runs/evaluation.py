"""Answers of a model, and their metrics."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from extractors.storage.files import replacing
from img.config.protocols import checkpoint_of
from img.config.runs import InferenceOptions
from img.data.samples import Moments
from img.data.spans import interval_iou
from img.models.checkpoint import load_checkpoint
from img.models.protocol import AUTO, System
from img.runs.device import computing_on
from img.tasks.metrics import best_constant, recalls, summarise_iou


@torch.inference_mode()
def predict(
    model: System, moments: Moments, batch_size: int, device: str, options: InferenceOptions
) -> pd.DataFrame:
    """Answers every query of a split.

    Args:
        model: the model; it is put into evaluation mode.
        moments: the split's samples.
        batch_size: samples in a batch.
        device: where the model is.
        options: how many answers and which.

    Returns:
        A row for each query, branch and rank (from 1, the most probable answer; fewer where a video has fewer
        spans): query, video, branch, rank, start, end (seconds), score, iou, and the system's own columns.
    """
    model.eval()
    with torch.random.fork_rng(), computing_on(device, batch_size):
        # A model that draws noise at every call (preset `reference`) still answers equal calls equally.
        torch.manual_seed(0)
        answers, columns = _answer(model, moments, batch_size, device, options)
    preferred, fallback = answers[model.branches[0]], answers[model.fallback]
    answers[AUTO] = np.where(moments.complete[:, None, None], preferred, fallback)
    table = moments.table[["query", "video"]].assign(**columns)
    frames = [_tabulate(moments, table.assign(branch=name), found) for name, found in answers.items()]
    order = ["query", "video", "branch", "rank", "start", "end", "score", "iou", *columns]
    return pd.concat(frames, ignore_index=True)[order]


def _answer(
    model: System, moments: Moments, batch_size: int, device: str, options: InferenceOptions
) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """Returns each branch's answers, start and end as shares and score [Q, n, 3], and further columns [Q]."""
    # The clips of the saliency loss are drawn for every batch and not looked at here: any generator will do.
    generator = np.random.default_rng(0)
    spans: dict[str, list[Tensor]] = {}
    columns: dict[str, list[Tensor]] = {}
    for batch in moments.batches(batch_size, generator, shuffle=False):
        found = model.answer(batch.to(device), options)
        for branch, answer in found.spans.items():
            stacked = torch.stack([answer.start.double(), answer.end.double(), answer.score.double()], -1)
            spans.setdefault(branch, []).append(stacked)
        for name, column in found.columns.items():
            columns.setdefault(name, []).append(column.float())
    # Fetched at the end: the device need not wait for each batch.
    return _fetch(spans), _fetch(columns)


def _fetch(parts: Mapping[str, list[Tensor]]) -> dict[str, np.ndarray]:
    return {name: torch.cat(part).cpu().numpy() for name, part in parts.items()}


def _tabulate(moments: Moments, table: pd.DataFrame, answers: np.ndarray) -> pd.DataFrame:
    """Returns a row for each answer [Q, n, 3] to the queries of a table [Q], with its times and its IoU."""
    query, rank = np.nonzero(~np.isnan(answers[:, :, 0]))
    moment = moments.table.iloc[query]
    duration = moment["duration"].to_numpy()
    first, last, confidence = answers[query, rank].T
    start, end = first * duration, last * duration
    iou = interval_iou(start, end, moment["start"].to_numpy(), moment["end"].to_numpy())
    return table.iloc[query].assign(rank=rank + 1, start=start, end=end, score=confidence, iou=iou)


def score(predictions: pd.DataFrame, answers: int = 1, missed: int = 0) -> dict[str, dict[str, float]]:
    """Returns the metrics of each branch, in percent.

    Args:
        predictions: what `predict` returned.
        answers: n, the most answers a query has in it; gives Rn beside R1.
        missed: further queries, which have no answer and count as IoU 0.
    """
    scores = {}
    for branch, group in predictions.groupby("branch", sort=False):
        first = group.loc[group["rank"] == 1, "iou"].to_numpy()
        best = group.groupby("query", sort=False)["iou"].max().to_numpy()
        scores[str(branch)] = _over_all(
            {**summarise_iou(first), **recalls(best, answers)}, len(first), missed
        )
    return scores


def _over_all(scores: Mapping[str, float], answered: int, missed: int) -> dict[str, float]:
    """Extends means over the answered queries to further ones, of which each counts 0."""
    return {metric: answered / (answered + missed) * value for metric, value in scores.items()}


def evaluate_run(
    run: Path,
    protocols: Sequence[str],
    splits: Mapping[str, Moments],
    batch_size: int,
    device: str,
    options: InferenceOptions,
    out: Path,
    missed: Mapping[str, int] = {},
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Evaluates a run's checkpoints on every split and writes `predictions.parquet`.

    Args:
        run: folder with a checkpoint for each protocol.
        protocols: whose weights to evaluate.
        splits: samples of each split.
        batch_size: samples in a batch.
        device: where to compute.
        options: how to answer.
        out: the predictions' file.
        missed: how many queries without an answer each split's metrics count as IoU 0.

    Returns:
        Metrics in percent, protocol -> split -> branch -> metric; and the mean importance score of the sound,
        protocol -> split.
    """
    frames = []
    metrics: dict[str, Any] = {}
    importance: dict[str, Any] = {}
    for protocol in protocols:
        model = load_checkpoint(checkpoint_of(run, protocol)).to(device)
        metrics[protocol], importance[protocol] = {}, {}
        for split, moments in splits.items():
            predictions = predict(model, moments, batch_size, device, options)
            metrics[protocol][split] = score(predictions, options.answers, missed.get(split, 0))
            importance[protocol][split] = _mean_importance(predictions, moments)
            frames.append(predictions.assign(protocol=protocol, split=split))
    with replacing(out) as temporary:
        pd.concat(frames, ignore_index=True).to_parquet(temporary, index=False)
    return metrics, importance


def _mean_importance(predictions: pd.DataFrame, moments: Moments) -> float | None:
    """The mean over the queries whose video has sound; None where there is none or the model weighs none."""
    if "importance" not in predictions:
        return None
    once = (predictions["branch"] == AUTO) & (predictions["rank"] == 1)
    importance = predictions.loc[once, "importance"].to_numpy()[moments.complete]
    return float(importance.mean()) if len(importance) and np.isfinite(importance).all() else None


def constants(splits: Mapping[str, Moments], missed: Mapping[str, int] = {}) -> dict[str, dict[str, float]]:
    """Returns the best constant answer's metrics on each split (chosen on that split: an upper bound).

    Args:
        splits: samples of each split.
        missed: how many queries each split's metrics count as IoU 0, as they do for a model.
    """
    scores: dict[str, dict[str, float]] = {}
    for split, moments in splits.items():
        duration, start, end = moments.table[["duration", "start", "end"]].to_numpy().T
        best = best_constant(duration, start, end)
        scores[split] = _over_all(best, len(moments), missed.get(split, 0))
    return scores
