"""How one video's features become a model's clips; the same for a dataset's video and for one's own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

import numpy as np

from extractors.storage.manifest import Row
from extractors.storage.store import Store
from img.config.streams import AlignRule
from img.data.clips.alignment import Fit, fit
from img.data.clips.merged_folder import StreamFeatures
from img.data.clips.text_alignment import SpanFit, fit_spans


@dataclass(frozen=True)
class Layout:
    """How a video's features become clips.

    Attributes:
        video: its id.
        clips: T.
        seconds: how much of the video the clips cover; None where nobody knows.
        fits: how each stream after the first that the video has is brought to the video's end.
    """

    video: str
    clips: int
    seconds: float | None
    fits: Mapping[str, Fit | SpanFit]

    def reach(self, stream: str) -> int:
        """Counts the clips, from the first, that a stream after the first covers."""
        return self.fits[stream].count_clips(self.clips) if stream in self.fits else 0

    def load(self, streams: Mapping[str, StreamFeatures], store: Store) -> dict[str, np.ndarray]:
        """Loads the clips of every stream that reaches one, float32 [T, D], by the stream's name.

        Args:
            streams: features of each stream, as `lay_out` was given them.
            store: heals lost arrays.
        """
        first, *further = streams
        clips = {first: streams[first].load(self.video, store, self.clips)}
        for name in further:
            if self.reach(name):
                clips[name] = self.fits[name].lay(streams[name].load(self.video, store), self.clips)
        return clips


def has(features: StreamFeatures, video: str) -> bool:
    """Says whether there are features of a video."""
    return video in features.rows and features.rows[video].is_ok


def lay_out(
    video: str, streams: Mapping[str, StreamFeatures], align: Mapping[str, AlignRule], max_clips: int
) -> Layout:
    """Finds how a video's features become clips.

    Args:
        video: its id; the first stream must have it.
        streams: features of each stream, by name; the first one's rows are the clips.
        align: how each stream after the first is laid along it.
        max_clips: most clips; more rows are pooled.
    """
    first, *further = streams
    lead = streams[first].rows[video]
    fits = {
        name: _fit(video, streams[name], lead, align[name]) for name in further if has(streams[name], video)
    }
    return Layout(video, min(lead.rows, max_clips), lead.seconds, fits)


def _fit(video: str, features: StreamFeatures, lead: Row, rule: AlignRule) -> Fit | SpanFit:
    row_seconds = partial(features.row_seconds, video)
    if features.has_spans and rule != "share":
        return fit_spans(features.rows[video], lead, row_seconds, rule)
    return fit(features.rows[video], lead, row_seconds, rule)
