"""What the manifest of resources gives, and what replaces it."""

from __future__ import annotations

import shlex
from pathlib import Path

from planning.project import Project

MADE = (Path("resources/demo"), Path("resources/demo_pretrained"))
"""Folders of videos and annotations that rules make."""

SIMULATED = Path("resources/charades_simulated")
PUBLISHED = "docs/imported_features.md says where published features belong"


class Refusal(SystemExit):
    """Ends the program before any job, with the reason.

    No `Exception`: Snakemake passes over those wherever there is a result of earlier settings.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(f"error: {reason}")


def require(project: Project, path: Path, source: str, obtain: str | None = None) -> Path:
    """Gives a path that a configuration file names.

    Args:
        project: holds the resources.
        path: the path.
        source: the file and key that name it.
        obtain: how to get what belongs there.

    Raises:
        Refusal: where nothing is there and no rule will make it.
    """
    is_made = any(path.is_relative_to(folder) for folder in MADE) or is_simulated(path)
    if not path.exists() and not is_made and not project.resources.find_file(path):
        refuse_missing(path, source, obtain or _name_fetched(project, path))
    return path


def _name_fetched(project: Project, path: Path) -> str | None:
    """Tells the path at which a file of the same name is fetched, if there is one."""
    fetched = (entry.path for entry in project.resources.resources.values() if entry.path.name == path.name)
    return next((f"{found} is fetched where it is missing: name that path" for found in fetched), None)


def refuse_missing(path: Path, source: str, obtain: str | None = None) -> None:
    """Ends the program because nothing is at a path; the arguments are those of `require`."""
    advice = f"; {obtain}" if obtain else ""
    raise Refusal(f"{source}: expected a file or folder, found nothing at {path}{advice}")


def is_simulated(path: Path) -> bool:
    """Tells whether rule simulate_charades makes what is at a path."""
    return path.is_relative_to(SIMULATED)


def is_obtainable(project: Project, path: Path) -> bool:
    """Tells whether something is at a path, or can be fetched or unpacked to it."""
    resources = project.resources
    return path.exists() or bool(resources.find_file(path) or resources.find_archive(path))


def can_be_made(project: Project, dataset: str) -> bool:
    """Tells whether a dataset's annotations, and its videos or arrays, are there or can be fetched."""
    settings = project.datasets.get(dataset)
    if settings is None:
        return False
    return settings.simulated or all(is_obtainable(project, path) for path in settings.sources)


def find_name(project: Project, file: str) -> str:
    """Gives the name of the resource that is a file, by its path below resources/.

    Raises:
        ValueError: where none is.
    """
    name = project.resources.find_file(Path("resources") / file)
    if name is None:
        raise ValueError(f"resources/{file}: expected a file of {project.resources.source}")
    return name


def write_facts(project: Project, file: str) -> str:
    """Writes what makes a file be fetched or verified again; it is kept where its hash still agrees."""
    return project.resources.get(find_name(project, file)).facts


def list_local_files(project: Project, file: str) -> list[Path]:
    """Lists the file that the configuration puts in the place of a resource, if it does."""
    path = find_local(project, find_name(project, file))
    return [path] if path else []


def find_archive(project: Project, folder: str) -> Path:
    """Gives the archive that is unpacked to a folder, by the folder's path below resources/.

    Raises:
        ValueError: where none is.
    """
    name = project.resources.find_archive(Path("resources") / folder)
    if name is None:
        raise ValueError(f"resources/{folder}: expected a folder of {project.resources.source}")
    return project.resources.get(name).path


def find_local(project: Project, name: str | None) -> Path | None:
    """Gives the file or folder that the configuration puts in the place of a resource, if it does.

    Raises:
        Refusal: where it does, and nothing is there.
    """
    if name is None or name not in project.configuration.resources:
        return None
    path = project.configuration.resources[name].path
    if not path.exists():
        refuse_missing(path, f"config/config.yaml: resources.{name}.path")
    return path


def write_local_option(path: str) -> str:
    """Writes the option that hands the user's own file to the rule that fetches a resource."""
    return f"--local {shlex.quote(path)}" if path else ""
