"""The smallest dataset of one's own, as docs/datasets.md writes it, through the commands that read it."""

import csv
import re
from pathlib import Path

import numpy as np
import pytest
import yaml

from img.__main__ import main
from img.config.base import check, to_json
from img.config.dataset import Dataset
from img.data.text.queries import read_queries_table

PAGE = (Path(__file__).parents[2] / "docs" / "datasets.md").read_text()


@pytest.fixture
def mine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Dataset:
    """The documented files, and empty ones for the videos; the dataset's settings."""
    monkeypatch.chdir(tmp_path)
    files = dict(re.findall(r"^`([\w/.]+)`:\n\n```\w+\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL))
    assert sorted(files) == ["config/datasets/mine.yaml", "data/mine/test.csv", "data/mine/train.csv"]
    for name, content in files.items():
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).write_text(content)
    dataset = check(Dataset, yaml.safe_load(files["config/datasets/mine.yaml"]), "mine.yaml")
    assert dataset.videos == Path("data/mine/videos")
    dataset.videos.mkdir()
    for name in ("kitchen_1.mp4", "kitchen_2.MOV"):
        (dataset.videos / name).write_text("x")
    return dataset


def test_its_videos_are_found(mine: Dataset) -> None:
    command = ["list-videos", "--annotations", to_json(mine.annotations), "--folder", str(mine.videos)]
    assert main([*command, "--shards", "1", "--out", "videos.tsv"]) == 0
    with Path("videos.tsv").open(newline="") as file:
        found = {row["video"]: row["path"] for row in csv.DictReader(file, delimiter="\t")}
    assert found == {
        "kitchen_1": "data/mine/videos/kitchen_1.mp4",
        "kitchen_2": "data/mine/videos/kitchen_2.MOV",
    }


def test_its_queries_are_read_in_seconds(mine: Dataset) -> None:
    command = ["prepare-queries", "--annotations", to_json(mine.annotations)]
    options = ["--options", to_json(mine.queries), "--vocabulary-splits", "train", "test"]
    assert main([*command, *options, "--out", "queries"]) == 0
    table = read_queries_table(Path("queries")).set_index("query")
    assert table["fault"].eq("").all()
    assert table["duration"].isna().all()
    assert table["start"].to_dict() == {"train_2": 0.5, "train_3": 3.0, "test_2": 1.0}
    assert table["end"].to_dict() == {"train_2": 2.0, "train_3": 6.0, "test_2": 4.5}
    words = ["he", "takes", "out", "the", "milk", ",", "then", "pours", "a", "glass", "."]
    np.testing.assert_array_equal(table.loc["train_3", "words"], words)
