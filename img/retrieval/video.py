"""A video as a run's model reads it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from img.data.clips.inputs import Inputs, VideoInputs
from img.data.clips.merged_folder import StreamFeatures


@dataclass(frozen=True)
class EncodedVideo:
    """A video as a run's model reads it, ready to be asked about.

    Attributes:
        id: its name.
        path: its file; None where only features of it were given.
        duration: in seconds.
        features: what its extractors say of it, by stream.
        absent: why it lacks a stream, by the stream's name.
        inputs: its clips, those of this one video.
    """

    id: str
    path: Path | None
    duration: float
    features: Mapping[str, StreamFeatures]
    absent: Mapping[str, str]
    inputs: Inputs

    @property
    def clips(self) -> int:
        """T, the clips that the model reads."""
        return self._place.clips

    @property
    def rows(self) -> int:
        """Rows of the first stream, which became the clips."""
        first = next(iter(self.features.values()))
        return first.rows[self.id].rows

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
        notes = [f"{self.id}: no {stream} ({reason})" for stream, reason in self.absent.items()]
        if self.is_pooled:
            seconds = self.duration / self.clips
            notes.append(
                f"{self.id}: {self.duration:.0f} s long; the model reads {self.clips} clips, so that each "
                f"stands for {seconds:.1f} s; ask in windows for finer answers"
            )
        return tuple(notes)

    @property
    def _place(self) -> VideoInputs:
        return self.inputs.videos[self.id]
