"""Long work in a thread, and what it says of its progress as it goes."""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from typing import TypeVar

from img.page.retrieving import Progress

Result = TypeVar("Result")

_BEAT_SECONDS = 0.5


@dataclass(frozen=True)
class Step:
    """How far something is.

    Attributes:
        message: what is being done.
        share: of it that is done, 0 to 1; -1 where nobody knows.
    """

    message: str
    share: float = -1.0


def follow(work: Callable[[Progress], Result]) -> Generator[Step, None, Result]:
    """Does something in a thread of its own, and yields what it tells, the last word of each half second.

    Args:
        work: what to do; it is given a function to tell its progress to.

    Raises:
        Exception: what the work raised.
    """
    told: SimpleQueue[Step] = SimpleQueue()
    outcome: list[Result | BaseException] = []

    def run() -> None:
        try:
            outcome.append(work(lambda share, words: told.put(Step(words, share))))
        except BaseException as error:
            outcome.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    while thread.is_alive():
        thread.join(_BEAT_SECONDS)
        step = _last(told)
        if step is not None:
            yield step
    if isinstance(outcome[0], BaseException):
        raise outcome[0]
    return outcome[0]


def _last(told: SimpleQueue[Step]) -> Step | None:
    step = None
    try:
        while True:
            step = told.get_nowait()
    except Empty:
        return step
