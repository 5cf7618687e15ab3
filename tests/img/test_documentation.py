"""What the documentation shows is there: commands parse, links lead somewhere, paths are fetched."""

import re
import runpy
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

import extractors.__main__ as extractors_command
import img.__main__ as img_command
from img.config.base import check
from img.config.dataset import Dataset

PROJECT = Path(__file__).parents[2]
PAGES = [
    *(
        PROJECT / name
        for name in (
            "README.md",
            "CHANGELOG.md",
            "CONTRIBUTING.md",
            "config/README.md",
            "resources/README.md",
        )
    ),
    *sorted((PROJECT / "docs").glob("*.md")),
]
PARSERS = {"img": img_command._parser, "extractors": extractors_command._parser}
MADE = ("resources/demo/", "resources/charades_simulated", "resources/charades/features")
"""Below `resources/`, what rules draw and what has no stable address."""


def blocks(page: Path, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", page.read_text(), re.MULTILINE | re.DOTALL)


def commands() -> Iterator[tuple[str, str]]:
    """Every command of the packages that stands in a block of a page."""
    for page in PAGES:
        for block in blocks(page, ""):
            for line in block.replace("\\\n", " ").splitlines():
                found = re.match(r"(?:\$ )?(python -m (?:img|extractors) .*)", line)
                if found:
                    yield page.name, found[1]


def manifest_paths() -> set[str]:
    entries = yaml.safe_load((PROJECT / "resources/manifest.yaml").read_text()).values()
    return {path for entry in entries for path in (entry["path"], entry.get("unpacked_to")) if path}


@pytest.mark.parametrize(("page", "command"), list(commands()))
def test_a_command_parses(page, command):
    _, _, package, *arguments = shlex.split(command.partition(" > ")[0], comments=True)
    assert PARSERS[package]().parse_args(arguments).run


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_to_files(page):
    links = re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text())
    assert [link for link in links if not (page.parent / link).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_paths_of_examples_are_those_that_are_fetched(page):
    named = {path for block in blocks(page, "yaml") for path in re.findall(r"resources/[\w./=-]+\w", block)}
    assert {path for path in named - manifest_paths() if not path.startswith(MADE)} == set()
    assert not [block for block in blocks(page, "yaml") if re.search(r"[: ](data/)?weights/", block)]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_whole_datasets_of_examples_are_accepted(page):
    for block in blocks(page, "yaml"):
        if re.search("^annotations:", block, re.MULTILINE):
            check(Dataset, yaml.safe_load(block), page.name)


def test_the_map_of_the_code_names_every_room_and_no_other():
    drawing = runpy.run_path(str(PROJECT / "docs/draw_architecture.py"))
    rooms = {drawing["find_room"](module) for module in drawing["find_modules"]() if "." in module}
    rooms = {room.replace(".", "/") for room in rooms if (PROJECT / room.replace(".", "/")).is_dir()}
    table = (PROJECT / "docs/architecture.md").read_text().partition("## One idea")[2].partition("\n## ")[0]
    named = {room.rstrip("/") for room in re.findall(r"^\| `([\w/]+)/`", table, re.MULTILINE)}
    assert named - {"workflow/rules", "extractors"} == rooms


def test_rooms_import_in_one_direction():
    drawing = runpy.run_path(str(PROJECT / "docs/draw_architecture.py"))
    imports, _ = drawing["find_edges"](drawing["find_modules"]())
    assert [room for room in list(imports) if drawing["reaches"](room, room, imports)] == []


def test_modules_that_the_map_names_exist():
    named = re.findall(r"`([\w/]+\.(?:py|smk|yaml))`", (PROJECT / "docs/architecture.md").read_text())
    roots = ("extractors", "img", "workflow", "config", "resources", "tests")
    files = [path.as_posix() for root in roots for path in (PROJECT / root).rglob("*.*")]
    assert len(named) > 50
    assert [name for name in named if not any(file.endswith(f"/{name}") for file in files)] == []
