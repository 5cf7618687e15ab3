"""What the demo's events look and sound like, and the videos they are drawn and played in."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from encoding import SAMPLE_RATE, encode_video

SIDE = 128
FRAME_RATE = 12

_FADE_SECONDS = 0.05

Shape = Callable[[np.ndarray, np.ndarray, float], np.ndarray]
"""(x [H, W], y [H, W], seconds into the event) -> how far it covers each pixel [H, W], 0 to 1."""

Sound = Callable[[np.ndarray, np.random.Generator], np.ndarray]
"""(seconds into the event [S], noise source) -> samples [S], within -1 to 1."""


@dataclass(frozen=True)
class Event:
    """A kind of event.

    Attributes:
        name: unique among the kinds.
        sentences: queries that mean this kind and no other.
        colour: red, green, blue of the shape, 0 to 255.
        shape: draws it; None where there is nothing to see.
        sound: plays it; None where there is nothing to hear.
    """

    name: str
    sentences: tuple[str, ...]
    colour: tuple[int, int, int] = (0, 0, 0)
    shape: Shape | None = None
    sound: Sound | None = None

    @property
    def seen(self) -> bool:
        """Whether a frame shows the event."""
        return self.shape is not None

    @property
    def heard(self) -> bool:
        """Whether the sound track holds the event."""
        return self.sound is not None


@dataclass(frozen=True)
class Moment:
    """An event of one video, from `start` to `end` seconds, placed `offset` (x, y) off the middle."""

    event: Event
    start: float
    end: float
    offset: tuple[float, float] = (0.0, 0.0)


def _circle_moving(x: np.ndarray, y: np.ndarray, seconds: float) -> np.ndarray:
    return _covered(np.hypot(x + 0.5 * np.cos(2 * np.pi * seconds / 4), y) - 0.4)


def _square_growing(x: np.ndarray, y: np.ndarray, seconds: float) -> np.ndarray:
    half_side = 0.4 - 0.15 * np.cos(2 * np.pi * seconds / 2)
    return _covered(np.maximum(np.abs(x), np.abs(y)) - half_side)


def _triangle_spinning(x: np.ndarray, y: np.ndarray, seconds: float) -> np.ndarray:
    angles = 2 * np.pi * (seconds / 2 + np.arange(3) / 3)
    return _covered(np.max([x * np.cos(a) + y * np.sin(a) for a in angles], axis=0) - 0.35)


def _bar_sweeping(x: np.ndarray, y: np.ndarray, seconds: float) -> np.ndarray:
    return _covered(np.abs(y + 0.6 * np.cos(2 * np.pi * seconds / 3)) - 0.25)


_BOUNCES_PER_SECOND = 2.0


def _ball_bouncing(x: np.ndarray, y: np.ndarray, seconds: float) -> np.ndarray:
    height = abs(np.sin(np.pi * _BOUNCES_PER_SECOND * seconds))
    return _covered(np.hypot(x, y + 0.8 * height - 0.4) - 0.4)


_RINGS_PER_SECOND = 3.0


def _bell_flashing(x: np.ndarray, y: np.ndarray, seconds: float) -> np.ndarray:
    body = np.maximum(np.abs(x) - (0.35 + 0.3 * y), np.abs(y) - 0.5)
    clapper = np.hypot(x, y - 0.6) - 0.15
    return _covered(np.minimum(body, clapper)) * (1 - 0.5 * (_RINGS_PER_SECOND * seconds % 1))


def _covered(distance: np.ndarray) -> np.ndarray:
    """Turns signed distances from an outline, negative inside, into coverage with soft edges."""
    return np.clip(0.5 - distance * SIDE / 4, 0, 1)


def _beeps(seconds: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    return 0.3 * np.sin(2 * np.pi * 2_500 * seconds) * (seconds * 3 % 1 < 0.6)


def _low_hum(seconds: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    return 0.15 * np.sin(2 * np.pi * np.outer((140, 280, 420), seconds)).sum(axis=0)


def _siren(seconds: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    pitch = 900 + 350 * np.sin(2 * np.pi * seconds)
    return 0.3 * np.sin(2 * np.pi * np.cumsum(pitch) / SAMPLE_RATE)


def _hiss(seconds: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    bursts = 0.6 + 0.4 * np.sin(2 * np.pi * 2 * seconds)
    return 0.12 * rng.standard_normal(len(seconds)).clip(-3, 3) * bursts


def _clicks(seconds: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    since_click = seconds * 8 % 1 / 8
    return 0.4 * rng.uniform(-1, 1, len(seconds)) * np.exp(-since_click / 0.008)


def _thumps(seconds: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    since_thump = seconds * _BOUNCES_PER_SECOND % 1 / _BOUNCES_PER_SECOND
    return 0.6 * np.sin(2 * np.pi * 70 * since_thump) * np.exp(-since_thump / 0.12)


def _rings(seconds: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    since_ring = seconds * _RINGS_PER_SECOND % 1 / _RINGS_PER_SECOND
    partials = np.sin(2 * np.pi * np.outer((3_900, 5_300, 7_100), seconds)).sum(axis=0)
    return 0.2 * partials * np.exp(-since_ring / 0.15)


EVENTS = (
    Event(
        "circle",
        ("a red circle moves across the picture", "the red circle drifts by", "a round red shape is moving"),
        colour=(220, 30, 30),
        shape=_circle_moving,
    ),
    Event(
        "square",
        ("a blue square grows and shrinks", "the blue square changes its size", "a blue box gets bigger"),
        colour=(30, 50, 230),
        shape=_square_growing,
    ),
    Event(
        "triangle",
        ("a green triangle spins around", "the green triangle turns", "a green triangle is rotating"),
        colour=(30, 200, 50),
        shape=_triangle_spinning,
    ),
    Event(
        "bar",
        ("a white bar sweeps up and down", "the white stripe slides over the picture", "a white bar passes"),
        colour=(255, 255, 255),
        shape=_bar_sweeping,
    ),
    Event("beeps", ("a high tone beeps", "there is a high beeping sound", "something beeps"), sound=_beeps),
    Event("hum", ("a low tone hums", "there is a deep humming sound", "something hums"), sound=_low_hum),
    Event(
        "siren",
        ("a siren rises and falls", "there is a siren wailing", "the sound of a siren goes up and down"),
        sound=_siren,
    ),
    Event("hiss", ("there is a hissing noise", "something hisses", "white noise is heard"), sound=_hiss),
    Event(
        "clicks",
        ("there are quick clicks", "something clicks again and again", "a rattle of clicks is heard"),
        sound=_clicks,
    ),
    Event(
        "ball",
        ("a purple ball bounces with a thump", "the purple ball hits the ground", "a ball is bouncing"),
        colour=(170, 40, 200),
        shape=_ball_bouncing,
        sound=_thumps,
    ),
    Event(
        "bell",
        ("a yellow bell rings", "the bell flashes and rings", "a ringing bell lights up"),
        colour=(250, 220, 20),
        shape=_bell_flashing,
        sound=_rings,
    ),
)


def frames(moments: Sequence[Moment], seconds: float, rng: np.random.Generator) -> Iterator[np.ndarray]:
    """Draws a video: the moments' shapes on trembling, noisy grey.

    Args:
        moments: what happens; those that cannot be seen leave no trace.
        seconds: the video's duration.
        rng: source of the noise.

    Yields:
        Frames, uint8 [H, W, 3] (RGB).
    """
    y, x = np.meshgrid(np.linspace(-1, 1, SIDE), np.linspace(-1, 1, SIDE), indexing="ij")
    slope = rng.uniform(-8, 8, 2)
    background = rng.uniform(90, 110) + slope[0] * x + slope[1] * y
    for index in range(round(seconds * FRAME_RATE)):
        time = index / FRAME_RATE
        grain = rng.normal(0, 2.5, (SIDE // 2, SIDE // 2)).repeat(2, axis=0).repeat(2, axis=1)
        image = np.repeat((background + rng.normal(0, 1.5) + grain)[..., None], 3, axis=2)
        for moment in moments:
            if moment.event.shape is not None and moment.start <= time < moment.end:
                dx, dy = np.add(moment.offset, rng.normal(0, 0.01, 2))
                cover = moment.event.shape(x - dx, y - dy, time - moment.start)[..., None]
                image += cover * (np.array(moment.event.colour) - image)
        yield image.clip(0, 255).astype(np.uint8)


def soundtrack(moments: Sequence[Moment], seconds: float, rng: np.random.Generator) -> np.ndarray:
    """Plays a video: the moments' sounds over a quiet murmur of wandering loudness.

    Args:
        moments: what happens; those that cannot be heard leave no trace.
        seconds: the video's duration.
        rng: source of the noise.

    Returns:
        Samples, float32 [S], within -1 to 1.
    """
    samples = murmur(round(seconds * SAMPLE_RATE), rng)
    for moment in moments:
        if moment.event.sound is not None:
            first, last = round(moment.start * SAMPLE_RATE), round(moment.end * SAMPLE_RATE)
            time = np.arange(last - first) / SAMPLE_RATE
            fade = (np.minimum(time, time[::-1]) / _FADE_SECONDS).clip(0, 1)
            samples[first:last] += rng.uniform(0.7, 1) * fade * moment.event.sound(time, rng)
    return samples.clip(-1, 1).astype(np.float32)


def murmur(count: int, rng: np.random.Generator) -> np.ndarray:
    """Makes samples [count] of coloured noise and mains hum, their loudness drawn anew every two seconds."""
    pitches = np.fft.rfftfreq(count, 1 / SAMPLE_RATE)
    spectrum = np.fft.rfft(rng.standard_normal(count)) / np.maximum(pitches, 50) ** rng.uniform(0.4, 0.8)
    noise = np.fft.irfft(spectrum, count)
    hum = np.sin(2 * np.pi * rng.uniform(50, 60) * np.arange(count) / SAMPLE_RATE)
    knots = np.linspace(0, count, count // (2 * SAMPLE_RATE) + 2)
    loudness = np.interp(np.arange(count), knots, rng.uniform(0.004, 0.012, len(knots)))
    return loudness * (noise / noise.std() + 0.5 * hum)


def write_video(path: Path, moments: Sequence[Moment], seconds: float, rng: np.random.Generator) -> None:
    """Draws, plays and encodes a video.

    Args:
        path: the file to write; its suffix chooses the container.
        moments: what happens in it.
        seconds: its duration, a multiple of a quarter of a second so that both tracks end together.
        rng: source of everything random.
    """
    encode_video(path, frames(moments, seconds, rng), FRAME_RATE, lambda: soundtrack(moments, seconds, rng))
