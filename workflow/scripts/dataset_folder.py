"""The folder of a made-up dataset: replaced whole or not at all, its annotations in Charades-STA's format."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def replacing_dataset(out: Path, prefix: str) -> Iterator[Path]:
    """Gives a new folder with `videos/` and `annotations/` to fill, which then takes a place.

    Args:
        out: the place; an older dataset there is replaced.
        prefix: what its videos are called, before `_` and a number.

    Raises:
        FileExistsError: the place holds a file that is not such a dataset's.
    """
    _refuse_foreign(out, prefix)
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=out.parent, prefix=f".{out.name}-") as scratch:
        made = Path(scratch) / "made"
        (made / "videos").mkdir(parents=True)
        (made / "annotations").mkdir()
        yield made
        if out.exists():
            out.rename(Path(scratch) / "replaced")
        made.rename(out)


def write_line(video: str, start: float, end: float, sentence: str) -> str:
    """Writes a query; times in seconds."""
    return f"{video} {start:.2f} {end:.2f}##{sentence}.\n"


def write_annotations(folder: Path, texts: Mapping[str, str], seconds: Mapping[str, float]) -> None:
    """Writes files of queries by their names, and `durations.json` with each video's seconds."""
    durations = {video: {"duration": duration} for video, duration in seconds.items()}
    for name, text in {**texts, "durations.json": json.dumps(durations, indent=1, allow_nan=False)}.items():
        (folder / "annotations" / name).write_text(text, encoding="utf-8")


def _refuse_foreign(out: Path, prefix: str) -> None:
    """Makes sure that replacing `out` costs nobody anything but an older dataset."""
    patterns = (
        f"videos/{prefix}_*.mp4",
        "annotations/train*.txt",
        "annotations/test*.txt",
        "annotations/durations.json",
        "*/.snakemake_timestamp",
    )
    own = {path for pattern in patterns for path in out.glob(pattern)}
    for path in sorted([out, *out.rglob("*")]):
        if path.exists() and not path.is_dir() and path not in own:
            raise FileExistsError(
                f"{out}: expected a new folder or an older {prefix} dataset, found {path}; "
                "choose another folder"
            )
