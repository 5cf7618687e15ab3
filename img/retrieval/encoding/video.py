"""A video as a run's model reads it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from img.data.clips.held import HeldFeatures
from img.data.clips.inputs import Inputs


@dataclass(frozen=True)
class EncodedVideo:
    """A video as a run's model reads it, ready to be asked about.

    Attributes:
        id: its name.
        path: its file; None where only features of it were given.
        duration: in seconds.
        rows: rows of the first stream, which become the clips.
        absent: why it lacks a stream, by the stream's name.
        parts: what each extractor of each stream says of it.
        inputs: its clips, those of this one video.
    """

    id: str
    path: Path | None
    duration: float
    rows: int
    absent: Mapping[str, str]
    parts: Mapping[str, Sequence[HeldFeatures]]
    inputs: Inputs

    @property
    def clips(self) -> int:
        """T, the clips that the model reads."""
        return self.inputs.videos[self.id].clips

    @property
    def is_pooled(self) -> bool:
        """Whether a clip stands for several rows, as the video is longer than the model reads in full."""
        return self.rows > self.clips

    @property
    def streams(self) -> tuple[str, ...]:
        """The streams that it has."""
        return tuple(name for name in self.inputs.streams if name not in self.absent)

    @property
    def notes(self) -> tuple[str, ...]:
        """What to know before one believes an answer, in words."""
        notes = [f"{self.id}: no {stream}: {reason}" for stream, reason in self.absent.items()]
        if self.is_pooled:
            notes.append(
                f"{self.id}: {self.rows} rows of features are pooled to the {self.clips} clips that the "
                f"model reads, {self.duration / self.clips:.1f} s each; windows give finer answers"
            )
        return tuple(notes)
