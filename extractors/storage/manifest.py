"""A shard's manifest: one row a video, deterministic, so that equal features give equal bytes."""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from extractors.storage.cells import as_cell, from_cell
from extractors.storage.files import write_text

_WITHOUT_ARRAY = ("missing", "no_audio", "no_text")
_LONGEST_STATUS = 2000


@dataclass(frozen=True)
class Row:
    """What became of one video.

    Attributes:
        video: the video's id.
        status: `ok`, `missing`, `no_audio`, `no_text`, `failed: reason`, or `short: 1.0 of 18.0 s` where the
            file is cut short and that was not accepted.
        rows: feature rows, or texts; 0 where there is no array.
        width: values in a row; 0 of texts.
        seconds: how much of the video the rows cover, from its start; None where nobody recorded it.
        source_sha256: hash of the video file's content, empty where it is missing.
        feature_sha256: hash of the .npy or .jsonl file, empty where there is none.
    """

    video: str
    status: str
    rows: int = 0
    width: int = 0
    seconds: float | None = 0.0
    source_sha256: str = ""
    feature_sha256: str = ""

    @property
    def is_ok(self) -> bool:
        """Whether the video has an array."""
        return self.status == "ok"

    @property
    def is_failure(self) -> bool:
        """Whether the video should have an array and has none."""
        return not self.is_ok and self.status not in _WITHOUT_ARRAY


COLUMNS = tuple(field.name for field in fields(Row))


def shard_of(video: str, shards: int) -> int:
    """Returns the shard a video belongs to: a hash of its id alone, so adding a video touches one shard."""
    return int.from_bytes(hashlib.sha256(video.encode(errors="surrogatepass")).digest()[:8]) % shards


def write_manifest(path: Path, rows: Iterable[Row]) -> None:
    """Writes rows sorted by video id."""
    lines = ["\t".join(COLUMNS)]
    for row in sorted(rows, key=lambda row: row.video):
        values = {
            **asdict(row),
            "video": as_cell(row.video),
            # A reason may hold anything a decoder says; it must not break the table.
            "status": as_cell(" ".join(row.status.split())[:_LONGEST_STATUS]),
            "seconds": "" if row.seconds is None else f"{row.seconds:.3f}",
        }
        lines.append("\t".join(str(values[column]) for column in COLUMNS))
    write_text(path, "\n".join(lines) + "\n")


def read_manifest(path: Path) -> list[Row]:
    """Reads a manifest.

    Raises:
        ValueError: where the columns are not those of a manifest; the message names the file.
    """
    with path.open(newline="", encoding="utf-8") as file:
        reader = csv.reader(file, delimiter="\t", quoting=csv.QUOTE_NONE)
        header = tuple(next(reader, ()))
        if header != COLUMNS:
            raise ValueError(f"{path}: expected a manifest with columns {COLUMNS}, found {header}")
        return [
            Row(
                from_cell(video),
                from_cell(status),
                int(rows),
                int(width),
                float(seconds) if seconds else None,
                source,
                feature,
            )
            for video, status, rows, width, seconds, source, feature in reader
        ]
