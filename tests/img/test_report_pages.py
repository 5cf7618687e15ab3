"""Pages of a report: provenance, time and memory, contents."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from img.paper.contents import list_contents
from img.paper.recipes import Scope, read_recipes
from img.paper.transcription import read_paper
from img.reports.page import SIMULATED, Line, Page, to_html, to_markdown
from img.reports.provenance import survey_features
from img.reports.runtime import survey_runtime

CONFIG = Path(__file__).parents[2] / "config"
HEADER = "s\th:m:s\tmax_rss\tmax_vms\tmax_uss\tmax_pss\tio_in\tio_out\tmean_load\tcpu_time\n"


def describe(folder: Path, video: str, decoder: str, with_array: bool = True) -> None:
    description = {
        "kind": "i3d",
        "code_version": 1,
        "parameters": {"weights": "sha256:" + "ab" * 32, "frame_rate": 24, "seed": None},
        "decoder": decoder,
        "device": "cpu",
        "libraries": {"torch": "2.11.0"},
    }
    folder.mkdir(exist_ok=True)
    (folder / f"{video}.json").write_text(json.dumps(description))
    if with_array:
        (folder / f"{video}.npy").touch()


def test_arrays_made_alike_are_counted_together_and_by_what_differs(tmp_path: Path) -> None:
    for video, decoder in (("a", "decord"), ("b", "pyav"), ("c", "decord")):
        describe(tmp_path / "i3d", video, decoder)
    describe(tmp_path / "i3d", "gone", "decord", with_array=False)
    page = survey_features({"i3d": tmp_path / "i3d"})
    assert [(record["decoder"], record["arrays"]) for record in page.records] == [("decord", 2), ("pyav", 1)]
    assert "weights sha256:abababababab; frame_rate 24; decoder decord" in to_markdown(page)


def test_a_folder_without_arrays_says_so(tmp_path: Path) -> None:
    assert survey_features({"i3d": tmp_path}).notes == ["There are no arrays."]


def benchmark(path: Path, seconds: float, memory: str, cpu: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"{HEADER}{seconds}\t0:00:01\t{memory}\t1\t1\t1\t0\t0\t0\t{cpu}\n")


def test_jobs_of_a_dataset_are_added_up_rule_by_rule(tmp_path: Path) -> None:
    benchmark(tmp_path / "train/demo/img/seed0.benchmark.tsv", 10.0, "500", "15")
    benchmark(tmp_path / "train/demo/img/seed1.benchmark.tsv", 30.0, "700", "45")
    benchmark(tmp_path / "train/demo_two/img/seed0.benchmark.tsv", 99.0, "999", "99")
    benchmark(tmp_path / "list_videos/demo.benchmark.tsv", 0.2, "-", "-")
    benchmark(tmp_path / "extract_features/demo/i3d/000.benchmark.tsv", 4.0, "100", "4")
    benchmark(tmp_path / "extract_features/demo/i3d/001.benchmark.tsv", 5.0, "100", "5")
    benchmark(tmp_path / "extract_features/demo/pann/000.benchmark.tsv", 1.0, "100", "1")
    records = {record["rule"]: record for record in survey_runtime(tmp_path, "demo").records}
    assert records["extract_features i3d"]["seconds"] == 9.0
    assert records["extract_features pann"]["seconds"] == 1.0
    train = records["train"]
    assert (train["jobs"], train["seconds"], train["longest"], train["memory"]) == (2, 40.0, 30.0, 700.0)
    assert records["list_videos"]["memory"] is None


def test_a_dataset_that_never_ran_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="of demo, found none"):
        survey_runtime(tmp_path, "demo")


def test_the_contents_link_tables_and_show_figures_relative_to_themselves() -> None:
    paper = read_paper(CONFIG / "papers" / "img" / "paper.yaml")
    recipes = read_recipes(CONFIG / "papers" / "img" / "tables.yaml", paper)
    scope = Scope(stand_ins={}, is_paper=False, simulated=["demo"])
    folder = Path("results/demo")
    files = [folder / "tables/table2.md", folder / "tables/claims.md", folder / "figures/figure5.png"]
    text = list_contents(paper, recipes, scope, files, folder / "paper.md")
    assert f"[Table 2](tables/table2.md): {paper.tables[2].caption}" in text
    assert "[Claims](tables/claims.md)" in text
    assert "![Figure 5](figures/figure5.png)" in text
    assert "**SIMULATED DATA: demo" in text


def test_a_page_in_html_is_its_table_escaped() -> None:
    lines = [
        Line(["<i>3d</i>", "a & b"], ["1"]),
        Line(["", '"x"'], ["{{ 2 }}"], first=False, faint=True),
        Line(["", "c"], ["3"], first=True, faint=True),
    ]
    notes = [f"{SIMULATED}: <demo>", "A <note>."]
    page = Page("T <1>", "What's shown.", ["one", "<two>"], ["R1@0.5 > 0"], lines, notes, [])
    text = to_html(page)
    assert text.startswith('<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n')
    assert "<title>T &lt;1&gt;</title>" in text
    assert text.partition("<body>\n")[2] == (
        "<table>\n<caption><strong>T &lt;1&gt;.</strong> What&#39;s shown.</caption>\n"
        '<thead><tr><th class="label">one</th><th class="label">&lt;two&gt;</th><th>R1@0.5 &gt; 0</th>'
        "</tr></thead>\n<tbody>\n"
        '<tr class="first"><td class="label">&lt;i&gt;3d&lt;/i&gt;</td><td class="label">a &amp; b</td>'
        "<td>1</td></tr>\n"
        '<tr class="faint"><td class="label"></td><td class="label">&#34;x&#34;</td><td>{{ 2 }}</td></tr>\n'
        '<tr class="first faint"><td class="label"></td><td class="label">c</td><td>3</td></tr>\n'
        "</tbody>\n</table>\n"
        '<p class="simulated">SIMULATED DATA: &lt;demo&gt;</p>\n<p>A &lt;note&gt;.</p>\n</body>\n</html>\n'
    )
