"""Turns decoded windows into texts, and gives every video its own."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from extractors.kind import Writer
from extractors.media.decoding import Decoded, Event, Passed, Restarted
from extractors.media.errors import MediaError, ShortMediaError
from extractors.media.sampling import Window
from extractors.storage.texts import Text


@dataclass(frozen=True)
class WrittenTexts:
    """A video's texts.

    Attributes:
        texts: in the order in which they were written; there may be none, as of a silent video.
        covered: seconds, from the video's start, that the windows reached.
        windows: W, from which the texts were made.
        decoder: name of the decoder that read the video.
        short: how much of the video the file held, where that was not all.
    """

    texts: tuple[Text, ...]
    covered: float
    windows: int
    decoder: str
    short: ShortMediaError | None = None


@dataclass
class _Video:
    waiting: list[Window] = field(default_factory=list)
    texts: list[Text] = field(default_factory=list)
    covered: float = 0.0
    windows: int = 0


def write_videos(
    writer: Writer, events: Iterable[Event]
) -> Iterator[tuple[int, WrittenTexts | MediaError | None]]:
    """Turns decoded windows into texts, video by video.

    A video's windows are never mixed with another's, so that its texts depend on it alone. They are held
    until the writer takes them.

    Args:
        writer: the network.
        events: windows and ends of videos, as `decode_ahead` gives them.

    Yields:
        The video's index among those decoded, and its texts or why there are none; None if it was passed.
    """
    videos: dict[int, _Video] = {}

    def write(video: _Video) -> None:
        video.texts.extend(writer.write(video.waiting))
        video.waiting.clear()

    for event in events:
        if isinstance(event, Decoded):
            video = videos.setdefault(event.index, _Video())
            video.waiting.append(event.window)
            video.windows += 1
            video.covered = max(video.covered, event.window.end)
            if len(video.waiting) == writer.windows_at_once:
                write(video)
        elif isinstance(event, Restarted):
            videos.pop(event.index, None)
        elif isinstance(event, Passed):
            yield event.index, None
        elif event.error is not None:
            videos.pop(event.index, None)
            yield event.index, event.error
        elif event.index not in videos:
            yield event.index, event.short or MediaError("the decoder found no window in it")
        else:
            video = videos.pop(event.index)
            if video.waiting:
                write(video)
            yield (
                event.index,
                WrittenTexts(tuple(video.texts), video.covered, video.windows, event.decoder, event.short),
            )
