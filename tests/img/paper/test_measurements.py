from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from img.config.base import read_yaml
from img.config.dataset import StandIn
from img.paper.measurements import count_activities, count_importance
from img.paper.recipes import read_recipes
from img.paper.transcription import read_paper

PROJECT = Path(__file__).parents[3]
ANNOTATIONS = PROJECT.parent / "shared" / "data" / "annotations" / "charades"
SPLITS = StandIn(dataset="charades", splits={"test": "test", "audiomatter": "audiomatter"})
PAPER = read_paper(PROJECT / "config" / "papers" / "img" / "paper.yaml")


def table(rows: list[tuple[str, str, str]]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["query", "split", "sentence"])


def count(queries: pd.DataFrame) -> dict[str, float]:
    patterns = read_recipes(PROJECT / "config" / "papers" / "img" / "tables.yaml", PAPER).activities
    counts = count_activities(queries, PAPER.tables[8], patterns, SPLITS)
    return {key: columns["count"]["measured"][0] for key, columns in counts.items()}


def test_a_query_counts_in_every_activity_one_of_whose_words_it_holds() -> None:
    counts = count(
        table([("1", "audiomatter", "A person opens the door and Closes it."), ("1", "test", "same")])
    )
    assert (counts["open"], counts["close"], counts["run"]) == (1, 1, 0)


def test_selected_activities_count_audiomatter_and_the_others_the_rest_of_test() -> None:
    rows = [
        ("1", "test", "sits and eats"),
        ("1", "audiomatter", "sits and eats"),
        ("2", "test", "sits and eats"),
    ]
    counts = count(table(rows))
    assert (counts["eat"], counts["sit"]) == (1, 1)


def test_a_word_counts_as_a_whole_only() -> None:
    assert count(table([("1", "audiomatter", "a runner walks the sidewalk")]))["run"] == 0


@pytest.mark.skipif(not ANNOTATIONS.is_dir(), reason="needs the real annotations in ../shared")
def test_the_real_annotations_give_table_8_to_within_six_queries_a_row() -> None:
    rows = []
    for split, name in (
        ("test", "charades_sta_test_qid.txt"),
        ("audiomatter", "charades_audiomatter_qid.txt"),
    ):
        for line in (ANNOTATIONS / name).read_text().splitlines():
            _, query, sentence = line.split("##")
            rows.append((query, split, sentence))
    counts = count(table(rows))
    differences = {row.key: counts[row.key] - float(row.values[0] or 0) for row in PAPER.tables[8].rows}
    assert {key: value for key, value in differences.items() if value} == {
        "open": 1,
        "put": 6,
        "turn": 1,
        "take": 4,
        "dress": 2,
        "look": -1,
        "stand": -1,
        "read": -1,
        "take_a_picture": 4,
        "lay": 6,
    }


def test_importance_is_counted_by_range_protocol_and_seed() -> None:
    scores = [0.1, 0.15, 0.2, 0.44, 0.45, 0.9]
    seed = pd.DataFrame(
        {"importance": scores, "split": "test", "branch": "fusion", "rank": 1, "protocol": "last"}
    )
    noise = seed.assign(branch="visual", importance=0.0)
    counts = count_importance([pd.concat([seed, noise]), seed], PAPER.tables[16], "test")
    assert list(counts["count"].values()) == [
        {"last": [number, number]} for number in (1.0, 2.0, 0.0, 1.0, 2.0)
    ]


def test_the_ranges_are_those_of_table_16() -> None:
    edges = read_yaml(PROJECT / "config" / "papers" / "img" / "paper.yaml")["tables"][16]["columns"]
    assert [column["key"] for column in edges] == [
        "below_0.15",
        "0.15_to_0.25",
        "0.25_to_0.35",
        "0.35_to_0.45",
        "above_0.45",
    ]
