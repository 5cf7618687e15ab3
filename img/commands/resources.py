"""Commands that fetch, unpack and show what the manifest lists."""

from __future__ import annotations

import argparse
from pathlib import Path

from img.commands.arguments import Commands, add_settings, read_settings
from img.config.base import check, read_yaml
from img.config.dataset import Annotations
from img.config.project import Configuration
from img.resources.listing import DOWNLOADS, Manifest, read_resources

_CONFIGURATION = Path("config/config.yaml")
_MANIFEST = Path("resources/manifest.yaml")


def add_commands(commands: Commands) -> None:
    """Adds this module's commands."""
    resources = commands.add_parser("resources", help="show which public files are here, and their licences")
    _add_manifest(resources)
    resources.add_argument(
        "--verify",
        action="store_true",
        help="read every file and check its hash; where none is published, record it",
    )
    resources.set_defaults(run=_resources)

    fetch = commands.add_parser("fetch", help="download and verify a file of the manifest")
    fetch.add_argument("name", help="name of the resource")
    _add_manifest(fetch)
    fetch.add_argument("--out", type=Path, help="where to put it (default: the manifest's path)")
    fetch.add_argument(
        "--local",
        type=Path,
        help="verify this file and link to it instead of downloading (default: the configuration's)",
    )
    fetch.set_defaults(run=_fetch)

    unpack = commands.add_parser("unpack", help="unpack the videos of a zip archive")
    unpack.add_argument("archive", type=Path)
    unpack.add_argument("--out", required=True, type=Path, help="folder to put the videos into")
    unpack.add_argument("--record", required=True, type=Path, help="table of the videos, written at the end")
    add_settings(unpack, "annotations", required=False)
    unpack.set_defaults(run=_unpack)


def _add_manifest(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--manifest", type=Path, help=f"default: the configuration's, or {_MANIFEST}")


def _read_project(options: argparse.Namespace) -> tuple[Manifest, dict[str, Path]]:
    """Returns the manifest, and the files that the project's configuration puts in resources' places."""
    values = read_yaml(_CONFIGURATION) if _CONFIGURATION.exists() else {}
    configuration = check(Configuration, values, str(_CONFIGURATION))
    manifest = read_resources(options.manifest or configuration.manifest or _MANIFEST)
    local = {name: entry.path for name, entry in configuration.resources.items()}
    manifest.check_local(local, f"{_CONFIGURATION}: resources")
    return manifest, local


def _resources(options: argparse.Namespace) -> None:
    from img.resources.status import format_table, inspect

    manifest, local = _read_project(options)
    statuses = inspect(manifest, local, DOWNLOADS, options.verify)
    print(format_table(statuses))
    faults = [status.name for status in statuses if status.state == "damaged"]
    if faults:
        raise ValueError(f"{len(faults)} of {len(statuses)} resources are damaged: {', '.join(faults)}")


def _fetch(options: argparse.Namespace) -> None:
    from img.resources.fetch import fetch, use_local

    manifest, configured = _read_project(options)
    resource = manifest.get(options.name)
    out = options.out or resource.path
    local = options.local or configured.get(options.name)
    if local:
        use_local(resource, local, out)
    else:
        fetch(options.name, resource, out, DOWNLOADS)


def _unpack(options: argparse.Namespace) -> None:
    from img.data.annotations.reading import read_queries
    from img.resources.archives import unpack_videos

    videos = None
    if options.annotations:
        annotations = read_settings(Annotations, options.annotations, "annotations")
        videos = {query.video for query in read_queries(annotations)}
    unpack_videos(options.archive, options.out, options.record, videos)
