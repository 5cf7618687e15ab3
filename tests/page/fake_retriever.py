"""A retriever without a model: its answers follow from the sentence, so that a test knows them."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

CLIPS = 24


@dataclass(frozen=True)
class FakeAnswer:
    rank: int
    start: float
    end: float
    score: float
    branch: str
    importance: float | None
    unknown: tuple[str, ...]


@dataclass(frozen=True)
class FakeTraced:
    traces: dict[str, np.ndarray]


@dataclass(frozen=True)
class FakeTrace:
    branches: dict[str, FakeTraced]


@dataclass(frozen=True)
class FakeVideo:
    path: Path
    duration: float = 0.0
    notes: tuple[str, ...] = ()


@dataclass
class FakeRetriever:
    """Answers with the first number of a sentence: `at 3` begins at 3 s, each further branch 0.5 s later."""

    branches: Sequence[str] = ("fusion", "visual", "audio")
    silent: bool = False
    encoding_seconds: float = 0.0
    answering_seconds: float = 0.0
    encoded: list[Path] = field(default_factory=list)

    def encode(self, path: Path, progress: Any) -> FakeVideo:
        for step in range(4):
            progress(step / 4, f"visual: {step} of 4 s")
            time.sleep(self.encoding_seconds / 4)
        self.encoded.append(path)
        return FakeVideo(path)

    def answer(self, video: FakeVideo, query: str, answers: int, branch: str) -> list[FakeAnswer]:
        time.sleep(self.answering_seconds)
        if branch == "auto":
            branch = "visual" if self.silent else self.branches[0]
        begin = next(float(word) for word in [*query.split(), "1"] if word.isdigit())
        begin += 0.5 * self.branches.index(branch)
        return [
            FakeAnswer(
                rank,
                begin + 0.7 * (rank - 1),
                begin + 2 + 0.7 * (rank - 1),
                0.9 / rank,
                branch,
                None if self.silent else 0.62,
                tuple(word for word in query.split() if word == "zebra"),
            )
            for rank in range(1, answers + 1)
        ]

    def trace(self, video: FakeVideo, query: str) -> FakeTrace:
        places = np.arange(CLIPS)
        traced = {}
        for number, branch in enumerate(self.branches):
            curves = {
                "start": np.exp(-((places - 6 - number) ** 2) / 4),
                "end": np.exp(-((places - 12 - number) ** 2) / 6),
            }
            traced[branch] = FakeTraced(curves)
        return FakeTrace(traced)
