"""`img compare` on written predictions: by hand, and refused where two runs cannot be compared."""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd
import pytest

from img.__main__ import main


def write_run(folder: Path, iou: Sequence[float], **columns: object) -> Path:
    """Writes predictions: a query for each video, two answers each, the second one perfect."""
    first = pd.DataFrame({"iou": iou, "rank": 1})
    queries = [f"q{number}" for number in range(len(iou))]
    first = first.assign(query=queries, video=[f"v_{query}" for query in queries])
    table = pd.concat([first, first.assign(rank=2, iou=1.0)], ignore_index=True)
    told = {"sentence": "He sits.", "branch": "auto", "protocol": "last", "split": "test", **columns}
    folder.mkdir(parents=True)
    table.assign(**told).to_parquet(folder / "predictions.parquet")
    return folder


def compare(capsys: pytest.CaptureFixture[str], *arguments: object) -> str:
    assert main(["compare", *map(str, arguments)]) == 0
    return capsys.readouterr().out


def refuse(capsys: pytest.CaptureFixture[str], *arguments: object) -> str:
    assert main(["compare", *map(str, arguments)]) == 1
    return capsys.readouterr().err


def test_seeds_of_two_variants_are_compared(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    # Of 10 queries the first reaches 0.7 on 9 and 8, the second on 5 and 5: 85 and 50 percent.
    for seed, right in enumerate((9, 8)):
        write_run(tmp_path / f"good/seed{seed}", [0.9] * right + [0.2] * (10 - right))
        write_run(tmp_path / f"bad/seed{seed}", [0.9] * 5 + [0.2] * 5)
    told = compare(capsys, tmp_path / "good", f"{tmp_path}/bad/seed0, {tmp_path}/bad/seed1").splitlines()
    assert told[:3] == [
        f"first:  {tmp_path}/good (2 runs: seed0, seed1)",
        f"second: {tmp_path}/bad (2 runs: seed0, seed1)",
        "split test, branch auto, protocol last: 10 queries on 10 videos",
    ]
    assert told[3].startswith("R1@0.7: 85.0 and 50.0; difference +35.0 points, 95 % interval [")
    assert told[4] == "The first is better: the interval leaves zero out."
    assert compare(capsys, tmp_path / "bad", tmp_path / "good").splitlines()[-1] == (
        "The second is better: the interval leaves zero out."
    )
    # Every query adds IoU itself: 0.9 on 17 of 20 and 0.2 on 3 is 0.795, 0.9 and 0.2 halved 0.55.
    assert "mIoU: 79.5 and 55.0; difference +24.5" in compare(
        capsys, tmp_path / "good", tmp_path / "bad", "--metric", "mIoU"
    )


def test_one_run_a_side_is_told_to_be_one(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    one, other = write_run(tmp_path / "a", [0.9] * 4), write_run(tmp_path / "b", [0.9] * 4)
    told = compare(capsys, one, other)
    assert "difference +0.0 points, 95 % interval [0.0, 0.0]" in told
    assert "Not decided: the interval holds zero. It speaks of other videos for these very runs" in told


def test_runs_that_answered_other_queries_are_refused_with_their_number(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    one, more = write_run(tmp_path / "a", [0.9] * 4), write_run(tmp_path / "b", [0.9] * 6)
    assert refuse(capsys, one, more) == (
        "error: expected runs that answered the same queries, found 2 that only "
        f"{more} answered, such as q4 of v_q4, 'He sits.'\n"
    )
    other = write_run(tmp_path / "c", [0.9] * 4, sentence="She sits.")
    told = refuse(capsys, one, other)
    assert f"found 4 that only {one} answered" in told
    assert f"; 4 that only {other} answered, such as q0 of v_q0, 'She sits.'" in told


def test_what_a_run_lacks_is_named_with_what_it_has(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    one, other = write_run(tmp_path / "a", [0.9]), write_run(tmp_path / "b", [0.9])
    assert "split: expected one of test, found val" in refuse(capsys, one, other, "--split", "val")
    assert "branch: expected one of auto, found audio" in refuse(capsys, one, other, "--branch", "audio")
    assert "metric: expected R1@<threshold> or mIoU, found 'R5'" in refuse(
        capsys, one, other, "--metric", "R5"
    )
    assert "found neither" in refuse(capsys, one, tmp_path)
    assert "found one on both" in refuse(capsys, one, one)
    imported = write_run(tmp_path / "c", [0.9], protocol="imported")
    assert "protocol: expected one that every run has, found none" in refuse(capsys, one, imported)


def test_predictions_are_exported_beside_them_with_the_same_columns(tmp_path: Path) -> None:
    run = write_run(tmp_path / "a", [0.25, 0.5], sentence='He says: "sit, please"')
    assert main(["export-predictions", str(run)]) == 0
    found = pd.read_csv(run / "predictions.csv")
    pd.testing.assert_frame_equal(found, pd.read_parquet(run / "predictions.parquet"), check_dtype=False)
