"""Kinds of frames from a folder of videos to arrays, by the command: rows, failures, provenance."""

import json

import numpy as np
import pytest
from media import write_frames

from extractors.__main__ import main
from extractors.storage.manifest import read_manifest

pytestmark = pytest.mark.slow

# kind: its rows of 58 frames at 25 a second, 2.32 s, at 1 s a row; their width
ROWS = {"clip": (2, 512), "slowfast": (3, 2304)}


@pytest.mark.parametrize("name", ROWS)
def test_videos_become_rows_and_a_damaged_one_stops_nothing(name, tmp_path, capsys):
    video = write_frames(tmp_path / "whole.mp4", "libx264", 58, bf="0")
    (tmp_path / "damaged.mp4").write_bytes(b"no video " * 400)
    out = tmp_path / "out"
    settings = [
        f"--set={setting}" for setting in ("preset=cg_detr", "weights=random", "shorter_side=64", "crop=64")
    ]
    status = main(
        [
            "extract",
            name,
            str(tmp_path / "damaged.mp4"),
            str(video),
            "--out",
            str(out),
            "--threads=1",
            *settings,
        ]
    )
    assert status == 1
    damaged, whole = sorted(read_manifest(out / "manifest.tsv"), key=lambda row: row.video)
    assert damaged.status.startswith("failed: ")
    assert (whole.status, whole.rows, whole.width) == ("ok", *ROWS[name])
    array = np.load(out / "whole.npy")
    assert array.shape == ROWS[name]
    assert np.isfinite(array).all()
    assert array.std() > 0
    made = json.loads((out / "whole.json").read_text())
    assert (made["kind"], made["code_version"]) == (name, 1)
    assert made["row_seconds"][:2] == [[0, 1], [1, 2]]
    capsys.readouterr()
    assert main(["explain", str(out / "whole.npy")]) == 0
    told = capsys.readouterr().out
    assert "bicubic" in told
    assert "truncated" in told
