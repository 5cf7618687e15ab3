"""`preview`: small pictures and the loudness of some videos."""

from __future__ import annotations

import argparse
import csv
import logging
from pathlib import Path

log = logging.getLogger(__name__)


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds the command."""
    parser = commands.add_parser("preview", help="take small pictures and the loudness of some videos")
    parser.add_argument("--videos", required=True, type=Path, help="table with columns video and path")
    parser.add_argument(
        "--only", required=True, type=Path, help="table whose column video names those wanted"
    )
    parser.add_argument(
        "--out", required=True, type=Path, help=".npz to write; videos that fail are left out"
    )
    parser.set_defaults(run=_preview)


def _preview(options: argparse.Namespace) -> int:
    from extractors.media.preview import preview, save_previews

    paths = {row["video"]: row["path"] for row in _read(options.videos)}
    previews = {}
    for video in dict.fromkeys(row["video"] for row in _read(options.only)):
        if not paths.get(video):
            log.warning(f"{video}: expected a video file, found none; no preview")
            continue
        path = Path(paths[video])
        try:
            previews[video] = preview(path)
        except Exception as error:
            # One bad video must not stop the others, whatever it does.
            log.warning(f"{video}: {error}; no preview")
    save_previews(previews, options.out)
    return 0


def _read(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file, delimiter="\t"))
