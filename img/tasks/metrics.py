"""The field's metrics: recall at n, mean IoU, and the best constant answer to compare with."""

from __future__ import annotations

import numpy as np

from img.data.spans import find_nearest

THRESHOLDS = (0.3, 0.5, 0.7)


def summarise_iou(iou: np.ndarray) -> dict[str, float]:
    """Returns R1@0.3, R1@0.5, R1@0.7 (share of queries with at least that IoU) and mIoU, in percent.

    Args:
        iou: IoU of each query's answer with its annotated moment [Q].
    """
    return {**recalls(iou, 1), "mIoU": 100.0 * float(np.mean(iou))}


def recalls(iou: np.ndarray, answers: int) -> dict[str, float]:
    """Returns Rn@0.3, Rn@0.5 and Rn@0.7: the share of queries, in percent, with at least that IoU.

    Args:
        iou: the highest IoU among each query's n answers [Q].
        answers: n.

    Raises:
        ValueError: there is no query.
    """
    if len(iou) == 0:
        raise ValueError("metrics: expected at least one query, found none")
    return {f"R{answers}@{threshold}": 100.0 * float(np.mean(iou >= threshold)) for threshold in THRESHOLDS}


def best_constant(duration: np.ndarray, windows: np.ndarray, steps: int = 20) -> dict[str, float]:
    """Returns, metric by metric, the best that one fixed answer can reach on these very queries.

    The answer is a share of the video, [i/steps, j/steps]·duration, the same for every query. Choosing it on
    the queries it is scored on, for each metric anew, makes it an upper bound of every such constant.

    Args:
        duration: of each query's video, in seconds [Q].
        windows: the moments of each query, in seconds [Q, W, 2]; the nearest counts.
        steps: fineness of the grid.
    """
    scores = [
        summarise_iou(find_nearest(i / steps * duration, j / steps * duration, windows)[1])
        for i in range(steps)
        for j in range(i + 1, steps + 1)
    ]
    return {metric: max(score[metric] for score in scores) for metric in scores[0]}
