"""Damaged videos with sound: pictures and sound are those of their time, or refused in words."""

from __future__ import annotations

import re
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from extractors.kind import Kind
from extractors.kinds.pann.parameters import PannParameters
from extractors.media.decoding import Decoded, Finished, Restarted, decode_ahead
from extractors.media.errors import NoAudioError
from extractors.media.sampling import Window
from extractors.parameters import FrameParameters
from extractors.registry import KINDS
from tests.damage import Report, damage

FRAME_RATE = 25
FRAMES = 200
SECONDS = FRAMES / FRAME_RATE
SIDE = 64

# A frame may be that of another moment this many seconds away, and this share of frames may show no moment at
# all: codecs without checksums hide small damage, until their next key frame.
TIME_TOLERANCE = 0.5
SHARE_TOLERANCE = 0.3

MEDIA = {
    "h264.mp4": ("libx264", "aac", {}),
    "h264_first.mp4": ("libx264", "aac", {"movflags": "faststart"}),
    "h264_fragments.mp4": ("libx264", "aac", {"movflags": "frag_keyframe+empty_moov+default_base_moof"}),
    "h264.mkv": ("libx264", "aac", {}),
    "h264.ts": ("libx264", "aac", {}),
    "h264.flv": ("libx264", "aac", {}),
    "vp8.webm": ("libvpx", "libopus", {}),
    "mpeg4.avi": ("mpeg4", "libmp3lame", {}),
    "mpeg2.mpg": ("mpeg2video", "mp2", {}),
    "wmv.wmv": ("wmv2", "wmav2", {}),
}

# The last windows of a file cut short may be filled with its last picture, or silence.
_FILLED = 2

# A cut leaves no trace in these: what is there is read.
PROMISE_NOTHING = (".ts", ".mpg")


def fuzz_media(count: int, seed: int, folder: Path) -> Report:
    """Reads damaged videos, whose every frame and every second of sound tells its own time.

    Args:
        count: copies.
        seed: of the damage.
        folder: for the copies.

    Returns:
        How often the pictures and the sound of each format were read, cut short or refused; and the copies
        that were lost, read at another time, or not refused in words.
    """
    whole = {name: _write(folder / name, *how).read_bytes() for name, how in MEDIA.items()}
    paths = []
    for number in range(count):
        name = list(whole)[number % len(whole)]
        content, way = damage(whole[name], seed, number)
        path = folder / f"{number}_{way}" / name
        path.parent.mkdir()
        path.write_bytes(content)
        paths.append(path)
    frames = FrameParameters(
        weights="random", frame_rate=FRAME_RATE, window=8, stride=8, shorter_side=SIDE, crop=SIDE
    )
    picture = Kind(
        "frames", "visual", FrameParameters, "", "extractors.media.video:frame_windows", ("decord", "pyav"), 1
    )
    report = Report()
    _read(picture, frames, paths, _picture_fault, report)
    _read(KINDS["pann"], PannParameters(weights="random"), paths, _sound_fault, report)
    return report


def _read(
    kind: Kind,
    parameters: FrameParameters | PannParameters,
    paths: list[Path],
    find_fault: Callable[[list[Window], Path, bool], str],
    report: Report,
) -> None:
    windows: dict[int, list[Window]] = {}
    finished = set()
    for event in decode_ahead(kind, parameters, paths, workers=2, timeout=30):
        if isinstance(event, Decoded):
            windows.setdefault(event.index, []).append(event.window)
        elif isinstance(event, Restarted):
            windows.pop(event.index, None)
        elif isinstance(event, Finished):
            finished.add(event.index)
            found, path = windows.pop(event.index, []), paths[event.index]
            if event.error is not None:
                outcome, fault = "refused", _word_fault(event.error, path)
            else:
                outcome = "cut short" if event.short else "read"
                fault = find_fault(found, path, event.short is not None)
            report.outcomes[f"{path.name}: {outcome}"] += 1
            if fault:
                report.faults.append(f"{kind.name} of {path.parent.name}, {path.name}: {fault}")
    lost = [paths[index] for index in set(range(len(paths))) - finished]
    report.faults += [f"{kind.name} of {path.parent.name}, {path.name}: lost" for path in lost]


def _word_fault(error: Exception, path: Path) -> str:
    if isinstance(error, NoAudioError) or not re.search("cannot make sense|crashed|hung", str(error)):
        return "" if str(path) in str(error) else f"not named in: {error}"
    return str(error)


def _picture_fault(windows: list[Window], path: Path, is_short: bool) -> str:
    truth = np.stack([_picture(number) for number in range(FRAMES)]).astype(float)
    wrong = total = 0
    for window in windows[:-_FILLED] if is_short else windows:
        for position, frame in enumerate(window.data):
            expected = window.start * FRAME_RATE + position
            shown = np.abs(truth - frame[..., 0]).mean(axis=(1, 2)).argmin()
            wrong += abs(shown - expected) > TIME_TOLERANCE * FRAME_RATE
            total += 1
    if wrong > SHARE_TOLERANCE * total:
        return f"{wrong} of {total} frames are those of another time"
    if not is_short and windows[-1].end < SECONDS - 1 and path.suffix not in PROMISE_NOTHING:
        return f"ends at {windows[-1].end:.2f} of {SECONDS:g} s"
    return ""


def _sound_fault(windows: list[Window], path: Path, is_short: bool) -> str:
    wrong = 0
    windows = windows[:-_FILLED] if is_short else windows
    for window in windows:
        loudness = np.sqrt(2 * np.mean(window.data.astype(float) ** 2))
        wrong += not abs(loudness * SECONDS - (window.start + window.end) / 2) <= 2 * TIME_TOLERANCE
    if wrong > SHARE_TOLERANCE * len(windows):
        return f"{wrong} of {len(windows)} seconds of sound are those of another time"
    return ""


def _write(path: Path, video_codec: str, audio_codec: str, options: dict[str, str]) -> Path:
    """Writes a video whose frame k shows k, with a tone that grows louder as time goes on."""
    with av.open(str(path), "w", options=options) as container:
        video = container.add_stream(video_codec, rate=FRAME_RATE, options={"g": "25", "bf": "0"})
        video.width, video.height, video.pix_fmt = SIDE, SIDE, "yuv420p"
        rate = 48000 if audio_codec == "libopus" else 44100
        audio = container.add_stream(audio_codec, rate=rate, layout="mono")
        audio.bit_rate = 64000
        resampler = av.AudioResampler(format=audio.format, layout="mono", rate=rate)
        for number in range(FRAMES):
            frame = av.VideoFrame.from_ndarray(_picture(number), format="gray")
            frame.pts, frame.time_base = number, Fraction(1, FRAME_RATE)
            container.mux(video.encode(frame))
            time = np.arange(number * rate // FRAME_RATE, (number + 1) * rate // FRAME_RATE) / rate
            tone = (time / SECONDS * np.sin(2 * np.pi * 440 * time)).astype(np.float32)
            block = av.AudioFrame.from_ndarray(tone[None], format="fltp", layout="mono")
            block.sample_rate, block.pts = rate, number * rate // FRAME_RATE
            block.time_base = Fraction(1, rate)
            for resampled in resampler.resample(block):
                container.mux(audio.encode(resampled))
        container.mux(video.encode(None))
        container.mux(audio.encode(None))
    return path


def _picture(number: int) -> np.ndarray:
    """Grey uint8 [SIDE, SIDE]: a bar for each bit of the number, in the Gray code, above its brightness."""
    code = number ^ number >> 1
    bars = np.array([200 if code >> bit & 1 else 50 for bit in range(8)], np.uint8)
    image = np.full((SIDE, SIDE), 20 + number, np.uint8)
    image[: SIDE // 2] = bars[np.arange(SIDE) * 8 // SIDE]
    return image
