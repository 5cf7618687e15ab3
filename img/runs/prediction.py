"""What a system answers to the queries of a split."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from img.config.runs import InferenceOptions
from img.data.samples import Moments
from img.models.protocol import AUTO, System
from img.runs.device import computing_on
from img.tasks.moment import tabulate

COLUMNS = (
    "query",
    "video",
    "branch",
    "rank",
    "start",
    "end",
    "score",
    "iou",
    "annotated_start",
    "annotated_end",
    "duration",
    "sentence",
)


@torch.inference_mode()
def predict(
    system: System, moments: Moments, batch_size: int, device: str, options: InferenceOptions
) -> pd.DataFrame:
    """Answers every query of a split.

    Args:
        system: the system; it is put into evaluation mode.
        moments: the split's samples.
        batch_size: samples in a batch.
        device: where the system is.
        options: how many answers and which.

    Returns:
        A row for each query, branch and rank (from 1, the best answer; fewer where a video has fewer spans):
        `COLUMNS` and the system's own; docs/predictions.md says what each means.
    """
    system.eval()
    with torch.random.fork_rng(), computing_on(device, batch_size):
        # A system that draws noise at every call (preset `reference`) still answers equal calls equally.
        torch.manual_seed(0)
        answers, columns = _answer(system, moments, batch_size, device, options)
    preferred, fallback = answers[system.branches[0]], answers[system.fallback]
    answers[AUTO] = np.where(moments.complete[:, None, None], preferred, fallback)
    table = moments.table[["query", "video", "sentence", "duration"]].assign(**columns)
    frames = [tabulate(moments, table.assign(branch=name), found) for name, found in answers.items()]
    return pd.concat(frames, ignore_index=True)[[*COLUMNS, *columns]]


def _answer(
    system: System, moments: Moments, batch_size: int, device: str, options: InferenceOptions
) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """Returns each branch's answers, start and end as shares and score [Q, n, 3], and further columns [Q]."""
    # The clips of the saliency loss are drawn for every batch and not looked at here: any generator will do.
    generator = np.random.default_rng(0)
    spans: dict[str, list[Tensor]] = {}
    columns: dict[str, list[Tensor]] = {}
    for batch in moments.batches(batch_size, generator, shuffle=False):
        found = system.answer(batch.to(device), options)
        for branch, answer in found.spans.items():
            stacked = torch.stack([answer.start.double(), answer.end.double(), answer.score.double()], -1)
            spans.setdefault(branch, []).append(stacked)
        for name, column in found.columns.items():
            columns.setdefault(name, []).append(column.float())
    # Fetched at the end: the device need not wait for each batch.
    return _fetch(spans), _fetch(columns)


def _fetch(parts: Mapping[str, list[Tensor]]) -> dict[str, np.ndarray]:
    return {name: torch.cat(part).cpu().numpy() for name, part in parts.items()}
