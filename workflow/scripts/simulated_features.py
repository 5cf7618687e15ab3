"""The generative model behind simulate_charades.py; docs/simulation.md describes it."""

from __future__ import annotations

import functools
import zlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from nltk.stem import PorterStemmer

_FUNCTION_WORDS = """
    a an the this that his her their they he she it its one some person people someone is are be was
    and or then while as of to from in into on onto off out up down at by with for over through back
    before after begin begins start starts . ,
"""
FUNCTION_WORDS = frozenset(_FUNCTION_WORDS.split())
"""Words that are neither seen nor heard."""


@dataclass(frozen=True)
class World:
    """The model's parameters. Lengths of signals are in deviations of the noise of one factor in one row.

    Attributes:
        seed: of everything random.
        seen: length of what is seen in a moment.
        heard: length of what is heard in an audible moment.
        faint: length of what is heard in every other moment.
        background: deviation of each factor's slow wandering.
        background_seconds: time in which the wandering forgets itself.
        factors: K, number of factors that sights, and likewise sounds, are made of.
        visual_width: values of a visual row.
        audio_width: values of an audio row.
        visual_rate: visual rows in a second.
        audio_rate: audio rows in a second.
    """

    seed: int = 0
    seen: float = 2.0
    heard: float = 3.0
    faint: float = 0.2
    background: float = 1.0
    background_seconds: float = 4.0
    factors: int = 16
    visual_width: int = 1024
    audio_width: int = 2048
    visual_rate: float = 2.0
    audio_rate: float = 1.0


@dataclass(frozen=True)
class Moment:
    """A stretch of a video, from `start` to `end` seconds: what it is about, and whether it is audible."""

    start: float
    end: float
    words: frozenset[str]
    audible: bool


def content_words(words: Sequence[str]) -> frozenset[str]:
    """Returns the stems of the words that mean something to see or hear: `opens` and `opening` mean one."""
    return frozenset(_stem(word) for word in words if word not in FUNCTION_WORDS)


@functools.cache
def _stem(word: str) -> str:
    return PorterStemmer().stem(word)


def simulate_visual(world: World, video: str, duration: float, moments: Sequence[Moment]) -> np.ndarray:
    """Draws what a video shows, [rows, visual_width].

    Args:
        world: the model's parameters.
        video: the video's id, which seeds its draws.
        duration: of the video, in seconds.
        moments: what happens in it.
    """
    lengths = [world.seen for _ in moments]
    return _simulate(
        world, "visual", world.visual_width, world.visual_rate, video, duration, moments, lengths
    )


def simulate_audio(world: World, video: str, duration: float, moments: Sequence[Moment]) -> np.ndarray:
    """Draws what a video sounds like, float32 [rows, audio_width]; arguments as of `simulate_visual`."""
    lengths = [world.heard if moment.audible else world.faint for moment in moments]
    return _simulate(world, "audio", world.audio_width, world.audio_rate, video, duration, moments, lengths)


def _simulate(
    world: World,
    sense: str,
    width: int,
    rate: float,
    video: str,
    duration: float,
    moments: Sequence[Moment],
    lengths: Sequence[float],
) -> np.ndarray:
    rows = max(1, round(duration * rate))
    rng = _source(world.seed, sense, "video", video)
    factors = rng.standard_normal((rows, world.factors))
    factors += world.background * _wander(rows, world.factors, rate * world.background_seconds, rng)
    for moment, length in zip(moments, lengths, strict=True):
        presence = _presence(rows, duration, moment)
        factors += length * presence[:, None] * meaning(world, sense, moment.words)
    spread = _source(world.seed, sense, "map").standard_normal((world.factors, width))
    return factors @ spread / np.sqrt(world.factors)


def meaning(world: World, sense: str, words: frozenset[str]) -> np.ndarray:
    """Returns what words look or sound like: the direction of their vectors' mean, unit length [K].

    Args:
        world: the model's parameters.
        sense: `visual` or `audio`.
        words: stems of content words; none of them means nothing, zeros.
    """
    total = np.zeros(world.factors)
    for word in sorted(words):
        vector = _source(world.seed, sense, "word", word).standard_normal(world.factors)
        total += vector / np.linalg.norm(vector)
    length = np.linalg.norm(total)
    return total / length if words else total


def _source(seed: int, *names: str) -> np.random.Generator:
    """Seeds draws by what they are for, so that no video's or word's depend on which others there are."""
    return np.random.default_rng([seed, *(zlib.crc32(name.encode()) for name in names)])


def _wander(rows: int, factors: int, memory: float, rng: np.random.Generator) -> np.ndarray:
    """Draws autoregressive noise of deviation 1 that forgets itself within `memory` rows [rows, K]."""
    keep = np.exp(-1 / memory)
    steps = rng.standard_normal((rows, factors))
    steps[1:] *= np.sqrt(1 - keep**2)
    for row in range(1, rows):
        steps[row] += keep * steps[row - 1]
    return steps


def _presence(rows: int, duration: float, moment: Moment) -> np.ndarray:
    """Returns the share of each row's time that lies within a moment [rows]."""
    bounds = np.linspace(0, duration, rows + 1)
    overlap = np.minimum(bounds[1:], moment.end) - np.maximum(bounds[:-1], moment.start)
    return np.clip(overlap, 0, None) / np.diff(bounds)


@dataclass(frozen=True)
class Audibility:
    """How likely a moment is audible, given its words.

    Attributes:
        constant: log odds without any word.
        words: what each word adds to the log odds; one that is not listed adds nothing.
    """

    constant: float
    words: dict[str, float]

    def chance(self, words: frozenset[str]) -> float:
        """Returns the chance that a moment of these words is audible."""
        return float(1 / (1 + np.exp(-self.constant - sum(self.words.get(word, 0.0) for word in words))))


def fit_audibility(
    moments: Sequence[frozenset[str]], audible: np.ndarray, ridge: float = 1.0, steps: int = 8
) -> Audibility:
    """Fits by logistic regression on words how likely a moment is audible.

    Args:
        moments: the words of each moment.
        audible: share of each moment's queries that are about something audible [M].
        ridge: weight of the squared coefficients; the constant is spared.
        steps: Newton's.
    """
    vocabulary = {word: column for column, word in enumerate(sorted(frozenset().union(*moments)), 1)}
    design = np.zeros((len(moments), 1 + len(vocabulary)))
    design[:, 0] = 1
    for row, words in zip(design, moments, strict=True):
        row[[vocabulary[word] for word in words]] = 1
    penalty = np.full(design.shape[1], ridge)
    penalty[0] = 0
    weights = np.zeros(design.shape[1])
    for _ in range(steps):
        chance = 1 / (1 + np.exp(-design @ weights))
        slope = design.T @ (audible - chance) - penalty * weights
        curvature = (design.T * (chance * (1 - chance))) @ design + np.diag(penalty)
        weights += np.linalg.solve(curvature, slope)
    return Audibility(
        float(weights[0]), {word: float(weights[column]) for word, column in vocabulary.items()}
    )
