from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from benchmarks.distillation import ANSWERS, Cell
from benchmarks.distillation_report import tabulate_gains


def write_runs(folder: Path, hits: Mapping[tuple[float, int], list[bool]]) -> pd.DataFrame:
    """Writes the answers of runs, weight and seed -> which queries are met, and returns their table."""
    (folder / ANSWERS).mkdir()
    cells = [Cell(0.1, 400, weight, seed) for weight, seed in hits]
    for cell, met in zip(cells, hits.values(), strict=True):
        queries = pd.DataFrame({"query": range(len(met)), "video": range(len(met)), "iou": met})
        branches = [queries.assign(branch=branch, audible=True) for branch in ("fusion", "visual")]
        silent = [branch.assign(audible=False, query=branch["query"] + len(met)) for branch in branches]
        pd.concat([*branches, *silent]).to_parquet(folder / ANSWERS / f"{cell.name}.parquet")
    return pd.DataFrame(cells)


def test_a_weight_is_compared_on_the_seeds_that_both_have(tmp_path: Path) -> None:
    runs = write_runs(
        tmp_path,
        {
            (0.0, 0): [True, True, False, False],
            (0.0, 1): [True, True, True, True],
            (3.0, 0): [True, True, True, False],
        },
    )
    ((steps, share, weight, *gains, seeds),) = tabulate_gains(tmp_path, runs)
    assert (steps, share, weight, seeds) == ("400", "10%", "3", "1")
    assert {gain.split()[0] for gain in gains} == {"+25.0"}


def test_a_weight_without_a_run_of_no_distillation_has_no_row(tmp_path: Path) -> None:
    runs = write_runs(tmp_path, {(0.0, 1): [True], (10.0, 0): [True]})
    assert tabulate_gains(tmp_path, runs) == []
