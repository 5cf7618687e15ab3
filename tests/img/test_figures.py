"""What figures compute before they draw; the pictures themselves are for eyes."""

from __future__ import annotations

import html
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from img.config.dataset import StandIn
from img.paper.curves import plot_curves
from img.paper.recipes import CurveRecipe, FigureRecipe, Scope
from img.reports.figures.history import plot_history
from img.reports.figures.moment_lengths import plot_durations, share_by_duration
from img.reports.figures.ratios import bin_by_ratio, plot_ratios
from img.reports.figures.timeline_plot import plot_timelines
from img.reports.timelines import BranchTimeline, Timeline

SCOPE = Scope(
    stand_ins={"charades": StandIn(dataset="demo", splits={"test": "heard"})},
    is_paper=False,
    simulated=["demo"],
)


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> list[plt.Figure]:
    """Figures in the order in which they are let go of."""
    figures: list[plt.Figure] = []
    monkeypatch.setattr(plt, "close", figures.append)
    return figures


def lines_of(axes: plt.Axes) -> dict[str, list[float]]:
    return {bars.get_label(): [*bars.lines[0].get_ydata()] for bars in axes.containers}


def queries(ratios: list[float]) -> pd.DataFrame:
    names = [f"q{number}" for number in range(len(ratios))]
    return pd.DataFrame(
        {"query": names, "duration": 10.0, "start": 0.0, "end": [10 * ratio for ratio in ratios]}
    )


def test_bins_hold_equal_numbers_of_queries_from_the_shortest_moments_on() -> None:
    bins, bounds = bin_by_ratio(np.array([0.9, 0.1, 0.5, 0.2, 0.3, 0.8, 0.6, 0.4, 0.7, 1.0]))
    assert bins.tolist() == [4, 0, 2, 0, 1, 3, 2, 1, 3, 4]
    assert (bounds[0], bounds[-1]) == (0.1, 1.0)


def test_recall_is_taken_in_each_bin_over_seeds(tmp_path: Path, drawn: list[plt.Figure]) -> None:
    ratios = [number / 10 for number in range(1, 11)]
    table = queries(ratios)
    good = pd.DataFrame({"query": table["query"], "iou": [0.9] * 4 + [0.1] * 6})
    plot_ratios({"local": [good, good.assign(iou=0.9)]}, table, "R1@0.7", [], tmp_path / "f.png")
    assert lines_of(drawn[0].axes[0]) == {"local": [100, 100, 50, 50, 50]}


def test_durations_are_shares_of_the_video_in_percent_of_queries() -> None:
    assert share_by_duration(queries([0.05, 0.15, 0.18, 1.0])).tolist() == [25, 50, 0, 0, 0, 0, 0, 0, 0, 25]


def test_a_curve_is_the_mean_over_seeds_of_the_last_weights(tmp_path: Path, drawn: list[plt.Figure]) -> None:
    def run(value: float) -> dict:
        return {
            "protocols": {"last": {"heard": {"fusion": {"R1@0.7": value}}}},
            "mean_importance": {"last": {"heard": value / 100}},
        }

    recipe = FigureRecipe(
        caption="noise",
        dataset="charades",
        axis="share (%)",
        quantities=["R1@0.7", "importance"],
        curves=[CurveRecipe(label="with", points={0: "img", 50: "noise", 100: "absent"})],
    )
    runs = {("demo", "img"): [run(40.0), run(50.0)], ("demo", "noise"): [run(30.0)]}
    plot_curves(recipe, SCOPE, runs, tmp_path / "f.png")
    recall, importance = drawn[0].axes
    assert lines_of(recall) == {"with": [45.0, 30.0]}
    assert lines_of(importance) == {"with": pytest.approx([0.45, 0.3])}
    assert recall.get_xlabel() == "share (%)"
    assert "simulated data: demo" in drawn[0].get_suptitle()


def test_durations_of_made_up_data_say_so(tmp_path: Path, drawn: list[plt.Figure]) -> None:
    plot_durations({"heard": queries([0.2, 0.3])}, ["demo"], tmp_path / "f.svg")
    assert "simulated data: demo" in drawn[0].axes[0].get_title()


def test_a_history_shows_losses_ramps_and_each_branchs_recall(
    tmp_path: Path, drawn: list[plt.Figure]
) -> None:
    rows = {
        "epoch": [0, 1],
        "loss_total": [9.0, 5.0],
        "loss_fusion": [4.0, 2.0],
        "fusion_R1@0.5": [10.0, 30.0],
    }
    pd.DataFrame({**rows, "ramp_importance": [0.0, 0.1]}).to_csv(tmp_path / "history.csv", index=False)
    plot_history(tmp_path / "history.csv", "a run", tmp_path / "f.png")
    losses, ramps, recalls = drawn[0].axes
    assert [line.get_label() for line in losses.lines] == ["total", "retrieval, fusion"]
    assert [[*line.get_ydata()] for line in ramps.lines] == [[0.0, 0.1]]
    assert [[*line.get_ydata()] for line in recalls.lines] == [[10.0, 30.0]]


@pytest.mark.parametrize(
    "sentence",
    ["pays $5 of $6", "a $\\frac$ b", "one $ alone", "\\alpha \\$ $x_1$", "a_b^c {d} %e #f ~g", "$$", "\\"],
)
def test_a_sentence_is_drawn_as_it_is_whatever_a_formula_would_make_of_it(
    tmp_path: Path, sentence: str
) -> None:
    answer = BranchTimeline(start=1.0, end=2.0, iou=0.5, traces={"start": np.ones(2) / 2})
    timeline = Timeline("q$1$", "v$2$", sentence, "best", 4.0, [(1.0, 3.0)], float("nan"), {"fusion": answer})
    with plt.rc_context({"svg.fonttype": "none"}):
        plot_timelines([timeline], {}, f"title {sentence}", [], tmp_path / "f.svg")
    drawn = html.unescape((tmp_path / "f.svg").read_text())
    assert f">title {sentence}<" in drawn
    assert f">“{sentence}” (v$2$, q$1$; best)<" in drawn
