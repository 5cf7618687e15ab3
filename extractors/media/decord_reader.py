"""decord, held against PyAV: it reads the videos for which it can be shown to give the right frames.

decord 0.6 skips and seeks by its own count of frames, which is wrong where frames are stored in another order
than they are shown (MPEG-4, MPEG-2, WMV, open groups of HEVC), and it chooses streams, sizes and colours by
rules of its own. So every frame is read in turn, and a file is left to PyAV where decord disagrees with it on
the number of frames, on when any of them is shown, or on a pixel of any key frame.
"""

from __future__ import annotations

import hashlib
import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import accumulate
from pathlib import Path
from typing import Any

import numpy as np

from extractors.media.container import check_complete, open_media, video_stream
from extractors.media.errors import MediaError, ShortMediaError
from extractors.media.pyav_reader import Pixels, shown_from_to, upright
from extractors.media.sampling import Timed

# Decoding is spread over videos, one process each: more threads in each would only fight.
_THREADS = 1

# decord hands out copies of frames in place of those it cannot decode. A share this small allows none; 0
# would allow any number.
_NO_COPIES = 1e-9

# Bytes of frames after which decord's queue, by then about as long again, is emptied at the next safe start;
# and as many as may lie between two of those.
_BYTES = 128 << 20
_BYTES_BETWEEN = 384 << 20

# decord's timestamps are in single precision: in a video of three hours they are off by half a millisecond.
_CLOCK_TOLERANCE = 1e-3


def decode_with_decord(path: Path) -> Iterator[Timed[Pixels]]:
    """Yields a video's frames, upright, in time order.

    Raises:
        MediaError: the file is not a readable video or is damaged, or decord cannot be trusted with it.
    """
    index = _index(path)
    try:
        check_complete(path, "video", index.times[-1][1] - index.times[0][0])
    except ShortMediaError as error:
        raise MediaError(f"{path}: decord reads no file that is cut short") from error
    reader = _Reader(path, index)
    for number, (start, end) in enumerate(index.times):
        yield Timed(partial(reader.fetch, number), start, end)
    reader.finish()


@dataclass(frozen=True, slots=True)
class _Index:
    """What PyAV knows of a video after decoding its key frames alone.

    Attributes:
        times: when each frame is shown, in order.
        digests: of the pixels of each key frame, by its number.
        safe_starts: numbers of the key frames that decord may be sent to, rising.
        frame_bytes: of a frame's pixels.
    """

    times: list[tuple[float, float]]
    digests: dict[int, bytes]
    safe_starts: list[int]
    frame_bytes: int

    @property
    def count(self) -> int:
        """How many frames there are."""
        return len(self.times)


def _index(path: Path) -> _Index:
    stored: list[tuple[float, float]] = []
    decoded_at: list[float] = []
    keys: list[int] = []
    pictures: list[tuple[float, bytes]] = []
    with open_media(path) as container:
        if len(container.streams.video) > 1:
            raise MediaError(f"{path}: decord cannot be told which of several video streams to read")
        stream = video_stream(path, container)
        stream.codec_context.thread_count = _THREADS
        width, height = stream.width, stream.height
        for packet in container.demux(stream):
            is_end = not packet.size and packet.pts is None
            if not is_end:
                interval = shown_from_to(packet, stream)
                if interval is None or packet.time_base is None or not packet.size:
                    raise MediaError(f"{path}: decord needs a picture and its time in every packet")
                if packet.is_keyframe:
                    keys.append(len(stored))
                stored.append(interval)
                # Matroska leaves times of decoding out, and is not searched by them.
                decoded_at.append(interval[0] if packet.dts is None else float(packet.dts * packet.time_base))
            if packet.is_keyframe or is_end:
                pictures += [(frame.time or 0.0, _digest(upright(frame))) for frame in packet.decode()]
    if not stored:
        raise MediaError(f"{path}: expected video frames, found a video stream that holds none")
    if not keys or not pictures:
        raise MediaError(f"{path}: decord needs a key frame, and PyAV finds none to hold it against")
    starts = sorted(start for start, _ in stored)
    return _Index(
        sorted(stored),
        {bisect_right(starts, time) - 1: digest for time, digest in pictures},
        [bisect_right(starts, stored[key][0]) - 1 for key in _safe(keys, stored, decoded_at)],
        3 * width * height,
    )


def _safe(
    keys: Sequence[int], stored: Sequence[tuple[float, float]], decoded_at: Sequence[float]
) -> list[int]:
    """The key frames that begin all that is shown after them, and that a search for their time finds.

    A key frame is unsafe where a frame stored before it is shown after it, or the other way round, or where
    the next key frame is decoded before this one is shown: FFmpeg searches MP4 by times of decoding.
    """
    starts = [start for start, _ in stored]
    before = [float("-inf"), *accumulate(starts, max)]
    after = [*list(accumulate(reversed(starts), min))[::-1], float("inf")]
    following = [*(decoded_at[key] for key in keys[1:]), float("inf")]
    return [
        key
        for key, next_key in zip(keys, following, strict=True)
        if before[key] < starts[key] < after[key + 1] and starts[key] < next_key
    ]


def _digest(pixels: np.ndarray) -> bytes:
    return hashlib.sha256(repr(pixels.shape).encode() + pixels.tobytes()).digest()


class _Reader:
    """decord's reader, held against the index and kept from filling the memory.

    Its decoding thread runs ahead of a slower consumer without bound (6 MB a frame at 1080p); only seeking
    empties its queue. That is right, and costs nothing, where the next frame is a safe start.
    """

    def __init__(self, path: Path, index: _Index) -> None:
        self._path = path
        self._index = index
        self._safe_starts = frozenset(index.safe_starts)
        self._next = 0
        self._bytes = 0
        if np.diff([0, *index.safe_starts, index.count]).max() * index.frame_bytes > _BYTES_BETWEEN:
            raise self._distrust("its key frames are too far apart to keep its memory small")
        with _decord_errors(path) as decord:
            self._reader = decord.VideoReader(f"file:{path}", num_threads=_THREADS, fault_tol=_NO_COPIES)
            self._check_times()

    def _check_times(self) -> None:
        expected = np.array([start for start, _ in self._index.times])
        if len(self._reader) != len(expected):
            raise self._distrust(f"expected {len(expected)} frames, found {len(self._reader)}")
        found = self._reader.get_frame_timestamp(range(len(expected)))[:, 0].astype(float)
        distance = np.abs((found - found[0]) - (expected - expected[0])).max()
        # Half a frame: where one was taken for its neighbour, some are further off.
        if not distance <= np.diff(expected).min(initial=1.0) / 2 + _CLOCK_TOLERANCE:
            raise self._distrust("it shows frames at other times than the container says")

    def _distrust(self, reason: str) -> MediaError:
        return MediaError(f"{self._path}: decord is not to be trusted with it: {reason}")

    def fetch(self, number: int) -> np.ndarray:
        """Reads on to a frame; its number is not lower than the one before."""
        while self._next <= number:
            self._frame = self._read()
        return self._frame

    def finish(self) -> None:
        """Reads on to the last key frame, so that every one has been compared."""
        self.fetch(max(self._index.digests, default=0))

    def _read(self) -> np.ndarray:
        if self._bytes > _BYTES and self._next in self._safe_starts:
            self._empty()
        with _decord_errors(self._path):
            frame: np.ndarray = self._reader.next().asnumpy()
        digest = self._index.digests.get(self._next)
        if digest is not None and digest != _digest(frame):
            raise self._distrust(f"its frame {self._next} is not PyAV's")
        self._next += 1
        self._bytes += frame.nbytes
        return frame

    def _empty(self) -> None:
        with _decord_errors(self._path):
            # decord does nothing where it is told to go where it is.
            for place in (0, self._next):
                self._reader.seek(place)
        self._bytes = 0


@contextmanager
def _decord_errors(path: Path) -> Iterator[Any]:
    import decord  # Brings a second FFmpeg: only processes that decode with it should load that.

    decord.logging.set_level(decord.logging.QUIET)
    try:
        yield decord
    except StopIteration:
        raise MediaError(f"{path}: decord ends before its last frame") from None
    except (decord.DECORDError, decord.DECORDLimitReachedError, RuntimeError, AssertionError) as error:
        # Without the clock times and source lines that decord writes: the same fault, the same words.
        reason = re.sub(r"\[\d\d:\d\d:\d\d\] \S+:\d+: ", "", str(error).strip().partition("\n")[0])
        raise MediaError(f"{path}: decord cannot decode it ({reason})") from error
