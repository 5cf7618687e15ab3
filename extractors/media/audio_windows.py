"""Sound cut into windows as it comes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import count
from pathlib import Path

import numpy as np

from extractors.media.audio import read_audio
from extractors.media.sampling import Window
from extractors.parameters import SoundParameters


def audio_windows(path: Path, parameters: SoundParameters, decoder: str) -> Iterator[Window]:
    """Cuts a media file's sound into windows as it is decoded, holding one of them in memory.

    Args:
        path: the media file.
        parameters: sample rate, length of the windows and of their hop.
        decoder: name of the decoder; sound has only one.

    Yields:
        Windows of samples float32 [S]; see `cut`.

    Raises:
        MediaError: the file has no sound or cannot be decoded, which may show after some windows.
    """
    blocks = read_audio(path, parameters.sample_rate)
    yield from cut(blocks, parameters.sample_rate, parameters.window_seconds, parameters.hop_seconds)


def cut(
    blocks: Iterable[np.ndarray], sample_rate: int, window_seconds: float, hop_seconds: float
) -> Iterator[Window]:
    """Cuts sound into windows of a fixed length, up to the first that reaches the sound's end.

    That one, where the sound does not fill it, is padded with zeros; it is dropped where less than half of it
    is sound, unless it is the only one.

    Args:
        blocks: the sound, float32 [S] each, of any lengths.
        sample_rate: samples per second.
        window_seconds: length of a window.
        hop_seconds: seconds between the starts of two windows.

    Yields:
        Windows of samples float32 [round(window_seconds * sample_rate)]; `end` is at most the sound's own.
    """
    length = round(window_seconds * sample_rate)
    starts = (round(index * hop_seconds * sample_rate) for index in count())
    for start, sound in stretches(blocks, length, starts):
        if start > 0 and 2 * len(sound) < length:
            return
        padded = np.pad(sound, (0, length - len(sound)))
        yield Window(padded, start / sample_rate, (start + len(sound)) / sample_rate)


def stretches(
    blocks: Iterable[np.ndarray], length: int, starts: Iterable[int]
) -> Iterator[tuple[int, np.ndarray]]:
    """Gives stretches of a sound, up to the first that reaches its end.

    A stretch is given as soon as its last sample has come. What is held is a stretch, what lies between the
    starts of two, and a block.

    Args:
        blocks: the sound, float32 [S] each, of any lengths.
        length: samples of a stretch.
        starts: index of each stretch's first sample, increasing.

    Yields:
        That index, and samples float32 [length]; the last stretch may be shorter.
    """
    source = iter(blocks)
    held, first, end = np.zeros(0, np.float32), 0, 0
    for start in starts:
        held = np.concatenate([held, *_take(source, start + length - first - len(held))])
        passed = min(start - first, len(held))
        held, first = held[passed:], first + passed
        if not len(held) or first + len(held) <= end:
            return
        yield start, held[:length]
        end = start + length


def _take(source: Iterator[np.ndarray], samples: int) -> Iterator[np.ndarray]:
    """Takes blocks until they hold so many samples, or all there are."""
    while samples > 0 and (block := next(source, None)) is not None:
        yield block
        samples -= len(block)
