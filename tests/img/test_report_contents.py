from pathlib import Path

from img.reports.contents import list_pages


def test_a_page_links_every_file_and_shows_the_pictures(tmp_path: Path) -> None:
    out = tmp_path / "mine" / "report.md"
    files = [out.parent / "metrics.json", out.parent / "figures" / "timelines_img_seed0.png"]
    assert list_pages("mine", False, files, out) == (
        "# mine\n\n"
        "[Metrics](metrics.json): every variant, protocol, split and branch.\n\n"
        "[Queries asked of img_seed0](figures/timelines_img_seed0.png): "
        "the moment and every branch's answer along the video's time.\n\n"
        "![Queries asked of img_seed0](figures/timelines_img_seed0.png)\n"
    )


def test_a_page_of_made_up_data_says_so(tmp_path: Path) -> None:
    text = list_pages("mine", True, [tmp_path / "coverage.tsv"], tmp_path / "report.md")
    assert text.split("\n\n")[1] == "**SIMULATED DATA.**"
