"""Answers of a model, and their metrics."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch

from extractors.files import replacing
from img.checkpoint import load_checkpoint
from img.dataset import Moments
from img.metrics import best_constant, summarise_iou
from img.models.protocol import MomentModel
from img.preparation import clip_times, interval_iou

PROTOCOLS = ("last", "best_on_test")
"""`last`: the final weights, nothing chosen on test. `best_on_test`: what the authors report."""

AUTO = "auto"
"""What a deployed system answers: the preferred branch, or the visual one where there is no sound."""


@torch.inference_mode()
def predict(model: MomentModel, moments: Moments, batch_size: int, device: str) -> pd.DataFrame:
    """Answers every query of a split.

    Args:
        model: the model; it is put into evaluation mode.
        moments: the split's samples.
        batch_size: samples in a batch.
        device: where the model is.

    Returns:
        A row for each query and branch: query, video, branch, start, end (seconds), score, iou, importance.
    """
    model.eval()
    with torch.random.fork_rng():
        # A model that draws noise at every call (preset `reference`) still answers equal calls equally.
        torch.manual_seed(0)
        return _predict(model, moments, batch_size, device)


def _predict(model: MomentModel, moments: Moments, batch_size: int, device: str) -> pd.DataFrame:
    # The clips of the saliency loss are drawn for every batch and not looked at here: any generator will do.
    generator = np.random.default_rng(0)
    parts: dict[str, list[np.ndarray]] = {}
    importance: list[np.ndarray] = []
    for batch in moments.batches(batch_size, generator, shuffle=False):
        on_device = batch.to(device)
        outputs = model(on_device, 0)
        for branch, spans in model.decode(outputs, on_device).items():
            stacked = torch.stack([spans.start.double(), spans.end.double(), spans.score.double()], dim=1)
            parts.setdefault(branch, []).append(stacked.cpu().numpy())
        importance.append(outputs.importance.float().cpu().numpy())
    answers = {branch: np.concatenate(part) for branch, part in parts.items()}
    preferred = answers[model.branches[0]]
    answers[AUTO] = np.where(moments.has_audio[:, None], preferred, answers.get("visual", preferred))
    table = moments.table
    frames = []
    for branch, answer in answers.items():
        start, end = clip_times(answer[:, 0], answer[:, 1], moments.clips, table["duration"].to_numpy())
        frame = table[["query", "video"]].assign(branch=branch, start=start, end=end, score=answer[:, 2])
        frame["iou"] = interval_iou(start, end, table["start"].to_numpy(), table["end"].to_numpy())
        frame["importance"] = np.concatenate(importance)
        frames.append(frame)
    return pd.concat(frames, ignore_index=True)


def score(predictions: pd.DataFrame) -> dict[str, dict[str, float]]:
    """Returns the metrics of each branch, in percent."""
    return {
        str(branch): summarise_iou(group["iou"].to_numpy())
        for branch, group in predictions.groupby("branch", sort=False)
    }


def evaluate_run(
    run: Path, splits: Mapping[str, Moments], batch_size: int, device: str, out: Path
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Evaluates a run's checkpoints on every split and writes `predictions.parquet`.

    Args:
        run: folder with a checkpoint for each protocol.
        splits: samples of each split.
        batch_size: samples in a batch.
        device: where to compute.
        out: the predictions' file.

    Returns:
        Metrics in percent, protocol -> split -> branch -> metric; and the mean importance score of the sound,
        protocol -> split.
    """
    frames = []
    metrics: dict[str, Any] = {}
    importance: dict[str, Any] = {}
    for protocol in PROTOCOLS:
        model = load_checkpoint(run / f"{protocol}.safetensors").to(device)
        metrics[protocol], importance[protocol] = {}, {}
        for split, moments in splits.items():
            predictions = predict(model, moments, batch_size, device)
            metrics[protocol][split] = score(predictions)
            importance[protocol][split] = _mean_importance(predictions, moments)
            frames.append(predictions.assign(protocol=protocol, split=split))
    with replacing(out) as temporary:
        pd.concat(frames, ignore_index=True).to_parquet(temporary, index=False)
    return metrics, importance


def _mean_importance(predictions: pd.DataFrame, moments: Moments) -> float | None:
    """The mean over the queries whose video has sound; None where there is none."""
    importance = predictions.loc[predictions["branch"] == AUTO, "importance"].to_numpy()[moments.has_audio]
    return float(importance.mean()) if len(importance) else None


def constants(splits: Mapping[str, Moments]) -> dict[str, dict[str, float]]:
    """Returns the best constant answer's metrics on each split (chosen on that split: an upper bound)."""
    columns = {
        split: moments.table[["duration", "start", "end"]].to_numpy() for split, moments in splits.items()
    }
    return {
        split: best_constant(values[:, 0], values[:, 1], values[:, 2]) for split, values in columns.items()
    }
