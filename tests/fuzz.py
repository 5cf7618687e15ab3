"""Damaged files: each is read right, or refused in words; never a hang, a crash, a lost row, a wrong answer.

    python -m tests.fuzz --count 1000 --seed 7

Every damaged copy follows from the seed and its number, so that a fault can be made again. A family of files
is a function that gives its faults in words, a line each.
"""

from __future__ import annotations

import argparse
import re
import sys
import tempfile
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from extractors.media.decoding import Decoded, Finished, Restarted, decode_ahead
from extractors.media.errors import NoAudioError
from extractors.media.sampling import Window
from extractors.registry import FrameParameters, Kind, PannParameters

FRAME_RATE = 25
FRAMES = 200
SECONDS = FRAMES / FRAME_RATE
SAMPLE_RATE = 16000
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


# A cut leaves no trace in these: what is there is read.
PROMISE_NOTHING = (".ts", ".mpg")


def main() -> int:
    """Damages as many files of each family as asked for; returns 1 where one is read wrong."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=200, help="damaged copies of each family")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    faults = []
    for name, family in FAMILIES.items():
        with tempfile.TemporaryDirectory() as folder:
            found = list(family(options.count, options.seed, Path(folder)))
        print(f"{name}: {options.count} damaged files, {len(found)} faults")
        faults += found
    print("\n".join(faults))
    return 1 if faults else 0


def damage(content: bytes, random: np.random.Generator) -> tuple[bytes, str]:
    """Damages a file's content in one of four ways; says which."""
    size = len(content)
    kind = str(random.choice(["flip", "cut", "swap", "zero"]))
    data = np.frombuffer(content, np.uint8).copy()
    if kind == "flip":
        for place in random.integers(size, size=random.integers(1, 9)):
            data[place] ^= 1 << random.integers(8)
    elif kind == "cut":
        data = data[: random.integers(1, size)]
    elif kind == "swap":
        for first, second in random.integers(size, size=(random.integers(1, 9), 2)):
            data[[first, second]] = data[[second, first]]
    else:
        start = random.integers(size)
        data[start : start + random.integers(1, 2000)] = 0
    return data.tobytes(), kind


def fuzz_media(count: int, seed: int, folder: Path) -> Iterator[str]:
    """Damages videos with sound, whose every frame and every second of sound tells its own time."""
    whole = {name: _write(folder / name, *how).read_bytes() for name, how in MEDIA.items()}
    paths = []
    for number in range(count):
        random = np.random.default_rng([seed, number])
        name = list(whole)[number % len(whole)]
        content, kind = damage(whole[name], random)
        paths.append(folder / f"{number}_{kind}_{name}")
        paths[-1].write_bytes(content)
    frames = FrameParameters(
        weights="random", frame_rate=FRAME_RATE, window=8, stride=8, shorter_side=SIDE, crop=SIDE
    )
    picture = Kind(
        "frames", "visual", FrameParameters, "", "extractors.media.video:frame_windows", ("decord", "pyav"), 1
    )
    yield from _read(picture, frames, paths, _picture_fault)
    sound = Kind("sound", "audio", PannParameters, "", "extractors.kinds.pann:windows", ("pyav",), 1)
    yield from _read(sound, PannParameters(weights="random"), paths, _sound_fault)


def _read(
    kind: Kind,
    parameters: FrameParameters | PannParameters,
    paths: list[Path],
    find_fault: Callable[[list[Window], Path], str],
) -> Iterator[str]:
    windows: dict[int, list[Window]] = {}
    finished = set()
    for event in decode_ahead(kind, parameters, paths, workers=2, timeout=30):
        if isinstance(event, Decoded):
            windows.setdefault(event.index, []).append(event.window)
        elif isinstance(event, Restarted):
            windows.pop(event.index, None)
        elif isinstance(event, Finished):
            finished.add(event.index)
            found = windows.pop(event.index, [])
            if event.error is not None:
                fault = _word_fault(event.error, paths[event.index])
            else:
                fault = "" if event.short else find_fault(found, paths[event.index])
            if fault:
                yield f"{kind.name} of {paths[event.index].name}: {fault}"
    for index in set(range(len(paths))) - finished:
        yield f"{kind.name} of {paths[index].name}: lost"


def _word_fault(error: Exception, path: Path) -> str:
    if isinstance(error, NoAudioError) or not re.search("unexpectedly|crashed|hung", str(error)):
        return "" if str(path) in str(error) else f"not named in: {error}"
    return str(error)


def _picture_fault(windows: list[Window], path: Path) -> str:
    truth = np.stack([_picture(number) for number in range(FRAMES)]).astype(float)
    wrong = total = 0
    for window in windows:
        for position, frame in enumerate(window.data):
            expected = window.start * FRAME_RATE + position
            shown = np.abs(truth - frame[..., 0]).mean(axis=(1, 2)).argmin()
            wrong += abs(shown - expected) > TIME_TOLERANCE * FRAME_RATE
            total += 1
    if wrong > SHARE_TOLERANCE * total:
        return f"{wrong} of {total} frames are those of another time"
    if windows[-1].end < SECONDS - 1 and path.suffix not in PROMISE_NOTHING:
        return f"ends at {windows[-1].end:.2f} of {SECONDS:g} s"
    return ""


def _sound_fault(windows: list[Window], path: Path) -> str:
    wrong = 0
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


FAMILIES: dict[str, Callable[[int, int, Path], Iterator[str]]] = {"media": fuzz_media}

if __name__ == "__main__":
    sys.exit(main())
