"""Index page of a dataset's report, and how a page of contents links its files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from img.reports.page import SIMULATED

_PAGES = {
    "coverage": ("Coverage", "what became of each video, and the queries on it."),
    "provenance": ("Provenance", "how the features were made."),
    "metrics": ("Metrics", "every variant, protocol, split and branch."),
    "runtime": ("Time and memory", "what each stage cost."),
}

_PICTURES = {
    "history": ("Training of", "losses, ramps and recalls over epochs."),
    "timelines": ("Queries asked of", "the moment and every branch's answer along the video's time."),
}


def describe_file(name: str) -> tuple[str, str]:
    """Returns the heading and caption of a dataset's page or picture.

    Args:
        name: the file's, without suffix.
    """
    if name in _PAGES:
        return _PAGES[name]
    kind, _, run = name.partition("_")
    heading, caption = _PICTURES[kind]
    return f"{heading} {run}", caption


def link_file(file: Path, out: Path, heading: str, caption: str) -> str:
    """Returns a Markdown paragraph that links a file, and shows it where it is a picture.

    Args:
        file: what is linked.
        out: where the page will lie; the link is relative to it.
        heading: what the file is called.
        caption: what it shows.
    """
    link = file.relative_to(out.parent).as_posix()
    picture = f"\n\n![{heading}]({link})" if file.suffix == ".png" else ""
    return f"[{heading}]({link}): {caption}{picture}"


def list_pages(dataset: str, simulated: bool, files: Sequence[Path], out: Path) -> str:
    """Returns a Markdown page that links what was made of a dataset.

    Args:
        dataset: its name.
        simulated: whether its data is made up.
        files: what was made.
        out: where the page will lie.
    """
    lines = [f"# {dataset}", *([f"**{SIMULATED}.**"] if simulated else [])]
    lines += [link_file(file, out, *describe_file(file.stem)) for file in files]
    return "\n\n".join(lines) + "\n"
