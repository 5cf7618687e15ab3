"""A video encoded as a run's training videos were: its features laid out as clips, and standardised."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch

from extractors.jobs.extraction import Runtime
from extractors.media.container import length_of
from extractors.storage.store import Store
from img.config.streams import AUDIO
from img.data.clips.held import HeldFeatures
from img.data.clips.inputs import Inputs, VideoInputs
from img.data.clips.layout import has, lay_out
from img.data.clips.merged_folder import StreamFeatures, merge_features
from img.data.clips.standardisation import Standardisation
from img.retrieval.encoding.extracting import Progress, extract
from img.retrieval.encoding.makers import Maker, assume_reads, list_makers
from img.retrieval.encoding.video import EncodedVideo
from img.retrieval.encoding.windows import Window
from img.runs.opening import Run

_REASONS = {"no_audio": "the file has none", "missing": "none was given", "no_text": "no words were found"}
"""Words for what a manifest says of a video that lacks something."""

_NOT_TRAINED = "the run was trained without it"


@dataclass(frozen=True)
class Encoder:
    """Encodes videos as a run's training videos were.

    Attributes:
        run: the run.
        files: where the file of each hash is that its extractors need.
        store: keeps the arrays.
        device: where to compute.
        trusted: load weights files of extractors that hold more than tensors.
    """

    run: Run
    files: Mapping[str, Path]
    store: Store
    device: str
    trusted: bool

    @cached_property
    def reads(self) -> Mapping[str, Any]:
        """What the run recorded of its inputs; of a run that did not, as IMG's authors prepare features."""
        return self.run.reads or assume_reads(self.run.sizes.streams, self.run.options.model.max_clips)

    @cached_property
    def makers(self) -> dict[str, list[Maker]]:
        """The extractors of each stream that the run reads, of sound only where it was trained with it."""
        left_out = () if self.run.options.training.sound else (AUDIO,)
        makers = list_makers(self.reads)
        return {stream: parts for stream, parts in makers.items() if parts and stream not in left_out}

    def encode(
        self, path: Path, progress: Progress | None, duration: float | None, accept_short: bool
    ) -> EncodedVideo:
        """Encodes a video file; see `Retriever.encode`."""
        self.check_makers()
        runtime = Runtime(self.device)
        parts = extract(
            path, self.makers, self.files, self.store, runtime, self.trusted, accept_short, progress
        )
        return self.assemble(path.stem, path, duration or length_of(path), parts)

    def assemble(
        self,
        video: str,
        path: Path | None,
        duration: float | None,
        parts: Mapping[str, Sequence[HeldFeatures]],
    ) -> EncodedVideo:
        """Makes an encoded video of what extractors say of it.

        Args:
            video: its id.
            path: its file, if there is one.
            duration: in seconds; None where nobody told, and the rows of its features must.
            parts: what the extractors of each stream say.

        Raises:
            ValueError: the first stream has no features, or nothing tells how long the video is.
        """
        features = self._merge(parts)
        rows = {name: found.rows[video] for name, found in features.items()}
        lead = rows[next(iter(rows))]
        if not lead.is_ok:
            raise ValueError(_say_why(lead.status, path or video))
        inputs = self._read({video: features})
        absent = {name: _NOT_TRAINED for name in inputs.streams if name not in rows}
        absent |= {name: _say_why(row.status, path or video) for name, row in rows.items() if not row.is_ok}
        length = duration or lead.seconds
        if not length:
            raise ValueError(f"{path or video}: nothing tells how long the video is; give its duration")
        return EncodedVideo(video, path, length, lead.rows, absent, parts, inputs)

    def read_windows(self, video: EncodedVideo, windows: Sequence[Window]) -> Inputs:
        """Reads windows of a video, by their names; one that the first stream has no rows of is left out.

        Raises:
            ValueError: nobody knows the seconds of the features' rows.
        """
        if len(windows) == 1 and windows[0].name == video.id:
            return video.inputs
        found = {
            window.name: self._merge(
                {
                    stream: [part.between(window.start, window.end, window.name) for part in parts]
                    for stream, parts in video.parts.items()
                }
            )
            for window in windows
        }
        first = next(iter(video.parts))
        return self._read({name: features for name, features in found.items() if has(features[first], name)})

    def _merge(self, parts: Mapping[str, Sequence[HeldFeatures]]) -> dict[str, StreamFeatures]:
        """Makes each stream's features of those of its extractors."""
        rules = {"merge": "cut_to_shortest", "normalise": "none"}
        merges = self.reads["merges"]
        return {
            stream: merge_features(held, **{**rules, **merges.get(stream, {})})
            for stream, held in parts.items()
        }

    def _read(self, videos: Mapping[str, Mapping[str, StreamFeatures]]) -> Inputs:
        return read_clips(videos, self.reads, self.run.sizes.streams, self.store)

    def check_makers(self) -> None:
        """Refuses to encode where the run's features were not made by extractors that are known here."""
        if not self.run.reads:
            raise ValueError(
                f"{self.run.folder}: the run does not say what made its features, so that no new video can "
                "be encoded; give its features (--features FOLDER)"
            )
        makers = [maker for parts in self.makers.values() for maker in parts]
        for lacking, reason in (
            ([maker.name for maker in makers if maker.is_imported], "features that were made elsewhere"),
            (
                [maker.name for maker in makers if maker.reads_texts and maker.texts is None],
                "features of texts of which it does not say who wrote them",
            ),
        ):
            if lacking:
                raise ValueError(
                    f"{self.run.folder}: the run was trained on {reason} ({', '.join(lacking)}), so that no "
                    "new video can be encoded; give its features (--features FOLDER)"
                )


def _say_why(status: str, video: Path | str) -> str:
    """Says in words why a video lacks something, from what a manifest says."""
    if status.startswith("short: "):
        return f"{video}: cut short, {status.removeprefix('short: ')}; fetch it again, or take what there is"
    return _REASONS.get(status, status.removeprefix("failed: "))


def read_clips(
    videos: Mapping[str, Mapping[str, StreamFeatures]],
    reads: Mapping[str, Any],
    widths: Mapping[str, int],
    store: Store,
) -> Inputs:
    """Lays features out as those of the run's training videos were.

    Args:
        videos: features of each stream, for each video or window of one that has the first stream.
        reads: what the run recorded of its inputs.
        widths: of every stream that the model reads.
        store: heals lost arrays.

    Returns:
        The clips of these videos.
    """
    videos_laid: dict[str, VideoInputs] = {}
    clips: dict[str, list[np.ndarray]] = {name: [] for name in widths}
    total = 0
    for video, features in videos.items():
        laid, values = _read_video(video, features, reads, widths, store)
        videos_laid[video] = replace(laid, first=total)
        total += laid.clips
        for name, rows in values.items():
            clips[name].append(rows)
    tensors = {name: torch.from_numpy(np.concatenate(parts)) for name, parts in clips.items()}
    return Inputs(tensors, videos_laid, "", reads)


def _read_video(
    video: str,
    features: Mapping[str, StreamFeatures],
    reads: Mapping[str, Any],
    widths: Mapping[str, int],
    store: Store,
) -> tuple[VideoInputs, dict[str, np.ndarray]]:
    """Lays one video out, as if it were alone, and its clips [T, D] of each stream."""
    _, *further = widths
    present = {name: features[name] for name in widths if name in features and has(features[name], video)}
    layout = lay_out(video, present, reads["align"], reads["options"]["max_clips"])
    laid = VideoInputs(0, layout.clips, {name: layout.reach(name) for name in further}, layout.seconds)
    values = {name: np.zeros((layout.clips, width), np.float32) for name, width in widths.items()}
    for name, clips in layout.load(present, store).items():
        rows = laid.reached_rows(name)
        statistics = reads["standardisation"].get(name)
        if statistics:
            clips[rows] = Standardisation.from_json(statistics).apply(clips[rows])
        values[name] = clips
    return laid, values
