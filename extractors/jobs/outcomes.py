"""What becomes of a shard's videos: arrays kept and linked, a row each in the manifest, failures told.

One video never stops the others: whatever it does becomes its row, in `Outcomes.of` and nowhere else.
"""

from __future__ import annotations

import errno
import logging
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from extractors.media.errors import MediaError, short_status
from extractors.names import check_name
from extractors.storage.files import StorageError
from extractors.storage.manifest import Row, write_manifest
from extractors.storage.results import ARRAY, SUFFIXES, TEXTS
from extractors.storage.store import DESCRIPTION, Entry

log = logging.getLogger(__name__)


class ShardFailedError(RuntimeError):
    """Videos failed and the policy is to stop; the message holds every reason."""


@dataclass(frozen=True)
class Delivery:
    """Where a shard's results go.

    Attributes:
        out: folder of the linked arrays.
        manifest: the table to write, one row a video.
        on_failure: `report` lists failed videos in the manifest; `stop` writes none and raises at the end.
        accept_short: take the rows of a file that is cut short; otherwise it counts as failed.
    """

    out: Path
    manifest: Path
    on_failure: Literal["report", "stop"] = "report"
    accept_short: bool = False


@dataclass
class Counts:
    """What a shard took from the store and what it had to compute."""

    computed: int = 0
    restored: int = 0
    absent: int = 0
    failed: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        return (
            f"{self.computed} computed, {self.restored} restored, {self.absent} without array, "
            f"{len(self.failed)} failed"
        )


class Outcomes:
    """What has become of the videos so far."""

    def __init__(self, delivery: Delivery) -> None:
        self.counts = Counts()
        self._delivery = delivery
        self._rows: list[Row] = []
        self._differences: Counter[str] = Counter()

    @contextmanager
    def of(self, video: str, source_hash: str = "") -> Iterator[None]:
        """Turns whatever goes wrong inside the block into the row of a video without array.

        Args:
            video: the video's id.
            source_hash: of its file's content, where that is known.

        Raises:
            StorageError: nothing can be written, which is no video's fault.
        """
        try:
            yield
        except StorageError:
            raise
        except Exception as error:
            self._add(Row(video, _status(error), source_sha256=source_hash))

    def absent(self, video: str, status: str = "missing") -> None:
        """Takes down a video that has no file, or no texts to read."""
        self._add(Row(video, status))

    def restored(
        self,
        video: str,
        source_hash: str,
        entry: Entry,
        differences: Iterable[str] = (),
        covered: float | None = None,
    ) -> None:
        """Takes what was in the store.

        Args:
            video: the video's id.
            source_hash: of its file's content.
            entry: holds the array or the texts.
            differences: what it was made by that is not today's; `finish` tells them.
            covered: seconds of the video that it covers; None where its own seconds tell.
        """
        self._publish(video, source_hash, entry, covered)
        self.counts.restored += 1
        self._differences.update(differences)

    def computed(self, video: str, source_hash: str, entry: Entry, covered: float | None = None) -> None:
        """Takes what was made now; see `restored`."""
        self._publish(video, source_hash, entry, covered)
        self.counts.computed += 1

    def finish(self) -> Counts:
        """Removes stale arrays, tells differences and failures, and writes the manifest.

        Raises:
            ShardFailedError: under `stop`, where a video failed; no table is written then.
        """
        for row in self._rows:
            if not row.is_ok:
                self._remove(row.video)
        if self._differences:
            told = ", ".join(f"{words} ({count})" for words, count in self._differences.items())
            log.warning(
                f"of {self.counts.restored} restored arrays some were made by what is not today's: {told}; "
                "`extractors store verify --code` lists them"
            )
        failed = self.counts.failed = [f"{row.video}: {row.status}" for row in self._rows if row.is_failure]
        if failed and self._delivery.on_failure == "stop":
            raise ShardFailedError(
                f"{len(failed)} of {len(self._rows)} videos failed and on_failure is `stop`; "
                "finished arrays are kept in the store:\n" + "\n".join(failed)
            )
        for reason in failed:
            log.warning(reason)
        write_manifest(self._delivery.manifest, self._rows)
        return self.counts

    def _publish(self, video: str, source_hash: str, entry: Entry, covered: float | None) -> None:
        """Links an array or texts and adds their row.

        That of a file cut short is in the store either way, so that changing one's mind computes nothing.
        """
        made = entry.description
        if "reached_seconds" in made and not self._delivery.accept_short:
            status = short_status(made["reached_seconds"], made["promised_seconds"])
            self._add(Row(video, status, source_sha256=source_hash))
            return
        out = self._delivery.out
        result = TEXTS if TEXTS in made["files"] else ARRAY
        entry.link(
            {
                result: out / f"{video}{SUFFIXES[result]}",
                DESCRIPTION: out / f"{video}.json",
            }
        )
        row = Row(
            video=video,
            status="ok",
            rows=made["rows"],
            width=made["width"],
            seconds=_covered(made) if covered is None else covered,
            source_sha256=source_hash,
            feature_sha256=made["files"][result],
        )
        self._add(row)

    def _remove(self, video: str) -> None:
        try:
            check_name(video)
            for suffix in (*SUFFIXES.values(), ".json"):
                (self._delivery.out / f"{video}{suffix}").unlink(missing_ok=True)
        except ValueError:
            # What can be no file's name has no files.
            return
        except OSError as error:
            # Nor has what is too long for this file system.
            if error.errno != errno.ENAMETOOLONG:
                raise

    def _add(self, row: Row) -> None:
        self._rows.append(row)
        self.counts.absent += not row.is_ok and not row.is_failure


def _covered(made: Mapping[str, Any]) -> float | None:
    """Says how much of a video a result covers, from its description; None where nobody knows."""
    if "covered_seconds" in made:
        return float(made["covered_seconds"])
    return max(end for _, end in made["row_seconds"]) if made["row_seconds"] else None


def _status(error: Exception) -> str:
    """Says in a row's status why a video has no array."""
    if isinstance(error, MediaError):
        return error.status
    if isinstance(error, OSError) and error.strerror:
        return f"failed: {error.filename}: cannot be read ({error.strerror})"
    if isinstance(error, ValueError | OSError):
        return f"failed: {error}"
    return f"failed: it is damaged, or holds what is not known here ({type(error).__name__}: {error})"
