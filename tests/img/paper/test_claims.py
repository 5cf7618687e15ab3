from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pandas as pd
import pytest
from small_paper import paper_scope, read

from img.paper.claims import try_claims
from img.paper.layout import lay_out_claims
from img.reports.page import to_markdown


def predictions(branch: str, iou: float) -> pd.DataFrame:
    rows = [
        {
            "query": f"q{n}",
            "video": f"v{n}",
            "iou": iou,
            "protocol": protocol,
            "split": "test",
            "branch": branch,
        }
        for n in range(10)
        for protocol in ("last", "best_on_test")
    ]
    wrong = [{**row, "rank": 2, "iou": 1 - iou} for row in rows] + [
        {**row, "rank": 1, "branch": "other", "iou": 1 - iou} for row in rows
    ]
    return pd.DataFrame([{**row, "rank": 1} for row in rows] + wrong)


ANSWERS = {
    ("charades", "img"): [predictions("fusion", 0.8), predictions("fusion", 0.9)],
    ("charades", "visual_only"): [predictions("visual", 0.6), predictions("visual", 0.5)],
}


def answers(dataset: str, variant: str) -> Sequence[pd.DataFrame]:
    return ANSWERS.get((dataset, variant), [])


def test_a_claim_is_tried_on_the_first_answers_of_the_right_branch_split_and_protocol(tmp_path: Path) -> None:
    paper, recipes = read(tmp_path)
    trials = list(try_claims(paper, recipes, paper_scope(recipes), [1], answers))
    mine = trials[0]
    assert (mine.better, mine.worse, mine.paper) == ("ours", "without", pytest.approx(4.23))
    assert set(mine.results) == {"last", "best_on_test"}
    assert mine.results["last"].difference == 100.0
    assert mine.results["last"].verdict == "holds"


def test_a_pair_with_a_quoted_system_is_named_and_not_tried(tmp_path: Path) -> None:
    paper, recipes = read(tmp_path)
    trials = list(try_claims(paper, recipes, paper_scope(recipes), [1], answers))
    assert (trials[1].worse, trials[1].results) == ("other", {})


def test_the_page_tells_difference_interval_and_verdict(tmp_path: Path) -> None:
    paper, recipes = read(tmp_path)
    scope = paper_scope(recipes)
    page = lay_out_claims(list(try_claims(paper, recipes, scope, [1], answers)), scope)
    expected = "| sound helps | ours | without | R1@7 | last | holds | +4.23 | +100.00 | +100.00 to +100.00 |"
    assert expected in to_markdown(page)


def test_without_runs_the_claim_is_listed_as_not_tried(tmp_path: Path) -> None:
    paper, recipes = read(tmp_path)
    scope = paper_scope(recipes)
    page = lay_out_claims(list(try_claims(paper, recipes, scope, [1], lambda dataset, variant: [])), scope)
    assert page.lines == []
    assert any("sound_helps" in note for note in page.notes)
