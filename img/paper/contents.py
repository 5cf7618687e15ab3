"""Index page of the reproduced tables and figures."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from img.paper.recipes import Recipes, Scope
from img.paper.transcription import Paper
from img.reports.contents import describe_file, link_file
from img.reports.page import SIMULATED

_CLAIMS = "what the paper says is better than what, put to the test by a paired bootstrap."
DURATIONS_CAPTION = "Normalised durations of moments, AudioMatter's and the whole test split's."


def list_contents(paper: Paper, recipes: Recipes, scope: Scope, files: Sequence[Path], out: Path) -> str:
    """Returns a Markdown page that links tables and shows figures.

    Args:
        paper: gives the tables' captions.
        recipes: give the figures'.
        scope: what stands for the paper's datasets.
        files: what was made.
        out: where the page will lie; links are relative to it.
    """
    lines = [f"# {paper.title}", "Tables and figures of the paper, made from one's own runs."]
    if scope.simulated:
        lines.append(f"**{SIMULATED}: {', '.join(scope.simulated)} stands for the paper's data.**")
    lines += [link_file(file, out, *_describe(file.stem, paper, recipes)) for file in files]
    return "\n\n".join(lines) + "\n"


def _describe(name: str, paper: Paper, recipes: Recipes) -> tuple[str, str]:
    if name == "claims":
        return "Claims", _CLAIMS
    if name.startswith("table"):
        number = int(name.removeprefix("table"))
        return f"Table {number}", paper.tables[number].caption
    if not name.startswith("figure"):
        return describe_file(name)
    captions = {name: figure.caption for name, figure in recipes.figures.items()}
    captions |= {name: figure.caption for name, figure in recipes.timelines.items()}
    return name.replace("figure", "Figure "), captions.get(name, DURATIONS_CAPTION)
