"""What a model makes of single queries: which to look at, and what each branch says at every clip."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import torch

from img.config.runs import InferenceOptions
from img.data.samples import Moments
from img.data.spans import find_nearest
from img.models.protocol import Spans, System


@dataclass(frozen=True)
class BranchTimeline:
    """A branch's answer to a query.

    Attributes:
        start: of its span, in seconds.
        end: of its span, in seconds.
        iou: with the annotated moment.
        traces: curves over the clips by name [T], such as their probability to be the first; maybe none.
    """

    start: float
    end: float
    iou: float
    traces: Mapping[str, np.ndarray]


@dataclass(frozen=True)
class Timeline:
    """A query, its annotated moment, and what each branch answers.

    Attributes:
        query: its id.
        video: the video's id.
        sentence: the query.
        reason: why it was chosen.
        duration: of the video, in seconds.
        windows: start and end of each annotated moment, in seconds.
        importance: of the sound; nan where the model has none.
        branches: by name.
    """

    query: str
    video: str
    sentence: str
    reason: str
    duration: float
    windows: Sequence[tuple[float, float]]
    importance: float
    branches: Mapping[str, BranchTimeline]


def select_queries(
    predictions: pd.DataFrame, split: str, protocol: str, wanted: Sequence[str], best: int, worst: int
) -> pd.DataFrame:
    """Chooses queries to look at.

    Best are those to which the preferred branch's IoU exceeds that of the visual branch the most, worst those
    where it falls behind the most: where sound helped and where it hurt. In a model of one branch the IoU
    itself decides.

    Args:
        predictions: a run's.
        split: whose queries.
        protocol: which checkpoint answered.
        wanted: ids to take in any case.
        best: how many of the best.
        worst: how many of the worst.

    Returns:
        A row for each: query, video, reason.

    Raises:
        ValueError: where a wanted query was not answered, or none of the split.
    """
    first = predictions[
        (predictions["split"] == split) & (predictions["protocol"] == protocol) & (predictions["rank"] == 1)
    ]
    if first.empty:
        answered = ", ".join(sorted(predictions["split"].unique()))
        raise ValueError(f"split: expected one of {answered}, which were answered, found {split}")
    iou = first.pivot(index="query", columns="branch", values="iou")
    preferred = iou[first["branch"].iloc[0]]
    alone = "visual" in iou and preferred.name != "visual"
    gain = preferred - (iou["visual"] if alone else 0.0)
    # By name where equal, so that the choice does not depend on the order of rows.
    order = gain.sort_index().sort_values(ascending=False, kind="stable").index
    missing = sorted(set(wanted) - set(order))
    if missing:
        raise ValueError(f"queries: expected some that {split} answers, found {missing}")
    reasons = dict.fromkeys(order[len(order) - worst :] if worst else [], "worst")
    reasons |= dict.fromkeys(order[:best], "best") | dict.fromkeys(wanted, "chosen")
    videos = first.drop_duplicates("query").set_index("query")["video"]
    rows = [
        (query, videos[query], reason) for query, reason in sorted(reasons.items(), key=lambda item: item[1])
    ]
    return pd.DataFrame(rows, columns=["query", "video", "reason"])


@torch.inference_mode()
def trace_queries(
    model: System, moments: Moments, reasons: Mapping[str, str], device: str = "cpu"
) -> list[Timeline]:
    """Lets a model answer some queries and keeps what it says of every clip.

    Args:
        model: the model.
        moments: the split's samples.
        reasons: query -> why it was chosen.
        device: where the model is.
    """
    rows = pd.Series(np.arange(len(moments)), index=moments.table["query"])
    samples = rows.loc[list(reasons)].to_numpy().copy()
    batch = moments.batch(samples, np.random.default_rng(0))
    with torch.random.fork_rng():
        torch.manual_seed(0)
        answers = model.eval().answer(batch.to(device), InferenceOptions(answers=1)).to("cpu")
    table = moments.table.iloc[samples].assign(reason=list(reasons.values()))
    importance = answers.columns.get("importance", torch.full((len(samples),), torch.nan))
    branches = {
        name: _trace_branch(spans, answers.traces.get(name, {}), moments, samples)
        for name, spans in answers.spans.items()
    }
    return [
        Timeline(
            moment["query"],
            moment["video"],
            moment["sentence"],
            moment["reason"],
            float(moment["duration"]),
            # A query with fewer moments than others repeats its first.
            list(dict.fromkeys(map(tuple, moments.windows[samples[row]].tolist()))),
            float(importance[row]),
            {name: traced[row] for name, traced in branches.items()},
        )
        for row, (_, moment) in enumerate(table.iterrows())
    ]


def _trace_branch(
    spans: Spans, traces: Mapping[str, torch.Tensor], moments: Moments, samples: np.ndarray
) -> list[BranchTimeline]:
    duration = moments.table["duration"].to_numpy()[samples]
    start, end = spans.start[:, 0].numpy() * duration, spans.end[:, 0].numpy() * duration
    _, iou = find_nearest(start, end, moments.windows[samples])
    return [
        BranchTimeline(
            float(start[row]),
            float(end[row]),
            float(iou[row]),
            {name: values[row, :count].numpy() for name, values in traces.items()},
        )
        for row, count in enumerate(moments.clips[samples])
    ]
