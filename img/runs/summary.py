"""One dataset's results: variants, protocols, splits and branches, over seeds."""

from __future__ import annotations

import statistics
from collections.abc import Iterable
from typing import Any


def summarise(dataset: str, settings: dict[str, Any], runs: Iterable[dict[str, Any]]) -> dict[str, Any]:
    """Gathers runs' metrics into a dataset's.

    Args:
        dataset: its name.
        settings: its resolved settings.
        runs: what `evaluate` wrote of each run.

    Returns:
        What metrics.json holds; every number a mean, a standard deviation (None for one seed) and its values.
    """
    variants: dict[str, list[dict[str, Any]]] = {}
    for run in runs:
        variants.setdefault(run["variant"], []).append(run)
    first = next(iter(variants.values()))[0]
    return {
        "dataset": dataset,
        "simulated": settings["simulated"],
        "unit": "percent of queries; mIoU in percent; mean and standard deviation over seeds",
        "evaluation": first["evaluation"],
        "coverage": first["coverage"],
        "best_constant": first["best_constant"],
        "variants": {name: _summarise_variant(found) for name, found in variants.items()},
        "settings": settings,
        "versions": first["versions"],
        "left_out": first["left_out"],
    }


def _summarise_variant(runs: list[dict[str, Any]]) -> dict[str, Any]:
    first = runs[0]
    return {
        "description": first["description"],
        "preset": first["options"]["model"].get("preset"),
        "seeds": [run["seed"] for run in runs],
        "best_epochs": [run["best_epoch"] for run in runs],
        "trained_on": [{"device": run["device"], **run["libraries"]} for run in runs],
        "protocols": _over_seeds([run["protocols"] for run in runs]),
        "mean_importance": _over_seeds([run["mean_importance"] for run in runs]),
        "options": first["options"],
    }


def _over_seeds(values: list[Any]) -> Any:
    """Turns equally nested dictionaries of numbers into one of means, deviations and values.

    What some seed has no number of becomes None.
    """
    if isinstance(values[0], dict):
        return {key: _over_seeds([value[key] for value in values]) for key in values[0]}
    if None in values:
        return None
    deviation = statistics.stdev(values) if len(values) > 1 else None
    return {"mean": statistics.fmean(values), "std": deviation, "values": values}


def format_table(metrics: dict[str, Any]) -> str:
    """Returns a dataset's metrics as a text table: a line for each variant, protocol, split and branch."""
    rows = [
        (["best constant", "-", split, "-"], {name: f"{score:.1f}" for name, score in scores.items()})
        for split, scores in metrics["best_constant"].items()
    ]
    rows += [
        ([variant, protocol, split, branch], {name: _cell(value) for name, value in scores.items()})
        for variant, found in metrics["variants"].items()
        for protocol, splits in found["protocols"].items()
        for split, branches in splits.items()
        for branch, scores in branches.items()
    ]
    names = list(dict.fromkeys(name for _, scores in rows for name in scores))
    cells = [["variant", "protocol", "split", "branch", *names]]
    cells += [[*labels, *(scores.get(name, "-") for name in names)] for labels, scores in rows]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    lines = [_line(row, widths) for row in cells]
    title = f"{metrics['dataset']}" + (" (simulated data)" if metrics["simulated"] else "")
    notes = [
        f"{split}: {count['used']} of {count['queries']} queries used"
        + (f", left out: {count['left_out']}" if count["left_out"] else "")
        + _misses(metrics["evaluation"]["counted_as_misses"].get(split, 0))
        for split, count in metrics["coverage"].items()
    ]
    return "\n".join([title, *lines, *notes])


def _misses(count: int) -> str:
    return f"; {count} of these count as misses" if count else ""


def _line(cells: list[str], widths: list[int]) -> str:
    """Returns the four labels flush left and the numbers flush right."""
    labels = [cell.ljust(width) for cell, width in zip(cells[:4], widths[:4], strict=True)]
    numbers = [cell.rjust(width) for cell, width in zip(cells[4:], widths[4:], strict=True)]
    return "  ".join(labels + numbers)


def _cell(value: dict[str, Any]) -> str:
    return f"{value['mean']:.1f}" + ("" if value["std"] is None else f" ± {value['std']:.1f}")
