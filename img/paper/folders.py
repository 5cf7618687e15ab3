"""The folders of papers, config/papers/{paper}/: found by listing, read, and checked against each other."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from img.config.base import NAME
from img.config.dataset import RESERVED
from img.config.variants import Variant, read_variants
from img.paper.recipes import Recipes, check_variants, read_recipes
from img.paper.transcription import Paper, read_paper

FIRST = "img"
"""The paper whose tables lie in results/ itself; those of another lie in results/{paper}/."""

PAPER, RECIPES, VARIANTS = "paper.yaml", "tables.yaml", "variants.yaml"


@dataclass(frozen=True)
class PaperFolder:
    """One paper.

    Attributes:
        name: of its folder.
        paper_file: what it reports, as a file.
        paper: what it holds.
        recipes_file: how its tables and figures are made, as a file.
        recipes: what it holds.
    """

    name: str
    paper_file: Path
    paper: Paper
    recipes_file: Path
    recipes: Recipes


def list_papers(homes: Iterable[Path]) -> list[str]:
    """Lists the papers that have a folder in some folders, the first one first.

    Raises:
        ValueError: one has a name that is none.
    """
    folders = [path for home in homes if home.is_dir() for path in sorted(home.iterdir()) if path.is_dir()]
    for folder in folders:
        if not re.fullmatch(NAME, folder.name) or folder.name in RESERVED:
            raise ValueError(
                f"{folder}: expected a name of letters, digits, _, . and - that is none of "
                f"{', '.join(RESERVED)}, folders of results/ themselves"
            )
    return sorted({folder.name for folder in folders}, key=lambda name: (name != FIRST, name))


def read_papers(homes: Sequence[Path]) -> tuple[dict[str, PaperFolder], dict[str, Variant]]:
    """Reads every paper, and the variants of all.

    Args:
        homes: folders such as config/papers; a file is taken from the first that has it.

    Returns:
        The papers by name, and the variants by name. A paper may have none of its own.

    Raises:
        ValueError: a file is missing or faulty, names what there is not, or two papers claim one name.
    """
    papers: dict[str, PaperFolder] = {}
    variants: dict[str, Variant] = {}
    homes_of: dict[str, Path] = {}
    for name in list_papers(homes):
        paper_file, recipes_file, variants_file = (
            _find(homes, f"{name}/{file}") for file in (PAPER, RECIPES, VARIANTS)
        )
        paper = read_paper(paper_file)
        papers[name] = PaperFolder(name, paper_file, paper, recipes_file, read_recipes(recipes_file, paper))
        for variant, settings in (read_variants(variants_file) if variants_file.exists() else {}).items():
            if variant in variants:
                raise ValueError(
                    f"{variants_file}: expected names of their own, found {variant!r}, which "
                    f"{homes_of[variant]} has too"
                )
            variants[variant], homes_of[variant] = settings, variants_file
    for folder in papers.values():
        check_variants(folder.recipes, variants, folder.recipes_file)
    _check_figures(papers.values())
    return papers, variants


def check_names(papers: Mapping[str, PaperFolder], datasets: Iterable[str]) -> None:
    """Checks that no paper but the first is called like a dataset: both have a folder in results/.

    Raises:
        ValueError: naming the paper.
    """
    shared = sorted((set(papers) - {FIRST}) & set(datasets))
    if shared:
        raise ValueError(
            f"config/papers/{shared[0]}: expected another name than config/datasets/{shared[0]}.yaml, as "
            f"both have the folder results/{shared[0]}"
        )


def _find(homes: Sequence[Path], file: str) -> Path:
    paths = [home / file for home in homes if (home / file).parent.is_dir()]
    return next((path for path in paths if path.exists()), paths[0])


def _check_figures(papers: Iterable[PaperFolder]) -> None:
    """Refuses one name for figures of two kinds: a figure's rule is found by its name."""
    known: dict[str, tuple[str, Path]] = {}
    for folder in papers:
        figures = folder.recipes.figures
        kinds = {name: "curves" if figure.curves else "a comparison" for name, figure in figures.items()}
        for name, kind in {**kinds, **dict.fromkeys(folder.recipes.timelines, "a timeline")}.items():
            other, home = known.setdefault(name, (kind, folder.recipes_file))
            if other != kind:
                raise ValueError(
                    f"{folder.recipes_file}: figures.{name}: expected another name, as {name} is {other} "
                    f"in {home} and {kind} here"
                )
