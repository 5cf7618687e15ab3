from __future__ import annotations

import pandas as pd
import pytest

from img.reports.timelines import select_queries


def predictions(branches: tuple[str, ...] = ("fusion", "visual")) -> pd.DataFrame:
    fusion = {"a": 0.9, "b": 0.5, "c": 0.1, "d": 0.6}
    visual = {"a": 0.1, "b": 0.5, "c": 0.8, "d": 0.5}
    rows = [
        {"query": query, "video": f"v_{query}", "branch": branch, "iou": table[query], "rank": rank}
        for query in fusion
        for branch, table in (("fusion", fusion), ("visual", visual))
        if branch in branches
        for rank in (1, 2)
    ]
    return pd.DataFrame(rows).assign(split="test", protocol="last")


def chosen(table: pd.DataFrame) -> set[tuple[str, str]]:
    return set(zip(table["query"], table["reason"], strict=True))


def test_best_is_where_sound_helped_most_and_worst_where_it_hurt_most() -> None:
    found = select_queries(predictions(), "test", "last", [], best=2, worst=1)
    assert chosen(found) == {("a", "best"), ("d", "best"), ("c", "worst")}
    assert dict(zip(found["query"], found["video"], strict=True))["a"] == "v_a"


def test_wanted_queries_are_taken_too_and_each_query_once() -> None:
    found = select_queries(predictions(), "test", "last", ["a", "b"], best=1, worst=0)
    assert chosen(found) == {("a", "chosen"), ("b", "chosen")}


def test_a_model_of_one_branch_is_judged_by_its_own_answers() -> None:
    found = select_queries(predictions(("visual",)), "test", "last", [], best=1, worst=1)
    assert chosen(found) == {("c", "best"), ("a", "worst")}


def test_a_split_that_was_not_answered_is_refused_with_those_that_were() -> None:
    with pytest.raises(ValueError, match="expected one of test, which were answered, found val"):
        select_queries(predictions(), "val", "last", [], best=1, worst=1)


def test_a_query_that_was_not_answered_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match=r"found \['nobody'\]"):
        select_queries(predictions(), "test", "last", ["nobody"], best=0, worst=0)
