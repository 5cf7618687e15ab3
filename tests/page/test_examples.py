from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
from toy_dataset import make_toy

from img.data.text.queries import QUERIES
from img.page.examples import find_examples


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A run's folder where the workflow puts it; of the test videos `test1` and `test3` have files."""
    toy = make_toy(tmp_path / "toy")
    dataset = tmp_path / "results" / "mine"
    (dataset / "queries").mkdir(parents=True)
    (toy.queries / QUERIES).rename(dataset / "queries" / QUERIES)
    rows = ["video\tshard\tpath\tothers"]
    for name in ("test0", "test1", "test3", "train0"):
        path = f"videos/{name}.mp4"
        rows.append(f"{name}\t000\t{path}\t")
        if name != "test0":
            (tmp_path / "videos").mkdir(exist_ok=True)
            (tmp_path / path).write_bytes(b"x")
    (dataset / "videos.tsv").write_text("\n".join(rows) + "\n")
    folder = dataset / "runs" / "img" / "seed0"
    folder.mkdir(parents=True)
    return folder


def test_examples_are_test_queries_whose_videos_are_there(run: Path, tmp_path: Path) -> None:
    found = find_examples(run, 4)
    assert [example.video for example in found] == ["test1", "test3"]
    assert [example.path for example in found] == [
        tmp_path / "videos" / f"{name}.mp4" for name in ("test1", "test3")
    ]
    table = pd.read_parquet(run.parents[2] / "queries" / QUERIES).set_index("video")
    for example in found:
        row = table.loc[[example.video]].iloc[0]
        assert (example.sentence, example.start, example.end) == (row["sentence"], row["start"], row["end"])


def test_no_more_are_found_than_wanted(run: Path) -> None:
    assert len(find_examples(run, 1)) == 1


def test_a_run_that_lies_elsewhere_has_none(tmp_path: Path) -> None:
    assert find_examples(tmp_path / "exported", 4) == []
    assert find_examples(Path("/"), 4) == []
