"""Fills batches across windows and videos, and gives every video its rows back."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np

from extractors.kind import Extractor
from extractors.media.decoding import Decoded, Event, Passed, Restarted
from extractors.media.errors import MediaError, ShortMediaError
from extractors.media.sampling import Window


@dataclass(frozen=True)
class Features:
    """A video's features.

    Attributes:
        array: float32 [rows, width].
        row_seconds: start and end of each row, in seconds from the video's start.
        windows: W, from which the rows were made, the same number from each.
        decoder: name of the decoder that read the video.
        short: how much of the video the file held, where that was not all.
    """

    array: np.ndarray
    row_seconds: list[tuple[float, float]]
    windows: int
    decoder: str
    short: ShortMediaError | None = None


@dataclass
class _Video:
    rows: list[np.ndarray] = field(default_factory=list)
    row_seconds: list[tuple[float, float]] = field(default_factory=list)
    waiting: int = 0
    decoder: str | None = None
    short: ShortMediaError | None = None


def embed_videos(
    extractor: Extractor, events: Iterable[Event], batch_size: int
) -> Iterator[tuple[int, Features | MediaError | None]]:
    """Turns decoded windows into features, video by video.

    Every batch has `batch_size` windows, the last one filled up with copies, so that a window's row is
    computed by the same kernels whichever videos stand beside it.

    Args:
        extractor: the network.
        events: windows and ends of videos, as `decode_ahead` gives them.
        batch_size: windows in a batch.

    Yields:
        The video's index among those decoded, and its features or why there are none; None if it was passed.
    """
    videos: dict[int, _Video] = {}
    batch: list[tuple[_Video, Window]] = []

    def run_batch() -> None:
        for (video, window), rows in zip(batch, _embed(extractor, batch, batch_size), strict=True):
            video.rows.append(rows)
            video.row_seconds.extend(_split(window, len(rows)))
            video.waiting -= 1
        batch.clear()

    def finished() -> Iterator[tuple[int, Features]]:
        for index in [index for index, video in videos.items() if video.decoder and not video.waiting]:
            video = videos.pop(index)
            array = np.concatenate(video.rows)
            yield index, Features(array, video.row_seconds, len(video.rows), video.decoder or "", video.short)

    for event in events:
        if isinstance(event, Decoded):
            video = videos.setdefault(event.index, _Video())
            video.waiting += 1
            batch.append((video, event.window))
            if len(batch) == batch_size:
                run_batch()
                yield from finished()
        elif isinstance(event, Restarted):
            dropped = videos.pop(event.index, None)
            batch[:] = [(video, window) for video, window in batch if video is not dropped]
        elif isinstance(event, Passed):
            yield event.index, None
        elif event.error is not None:
            dropped = videos.pop(event.index, None)
            batch[:] = [(video, window) for video, window in batch if video is not dropped]
            yield event.index, event.error
        elif event.index not in videos:
            yield event.index, event.short or MediaError("the decoder found no window in it")
        else:
            videos[event.index].decoder, videos[event.index].short = event.decoder, event.short
            yield from finished()
    if batch:
        run_batch()
    yield from finished()


def _embed(extractor: Extractor, batch: list[tuple[_Video, Window]], batch_size: int) -> np.ndarray:
    # Not at the top: a shard whose arrays are all in the store is done before torch would be loaded.
    import torch

    data = [window.data for _, window in batch]
    data += [data[-1]] * (batch_size - len(data))
    rows = extractor.embed(torch.from_numpy(np.stack(data)))[: len(batch)]
    return rows.float().cpu().numpy()


def _split(window: Window, rows: int) -> list[tuple[float, float]]:
    return list(pairwise(np.linspace(window.start, window.end, rows + 1).tolist()))
