"""What the page does for a visitor: takes a video, answers sentences about it, forgets both."""

from __future__ import annotations

import math
import threading
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from img.page.drawing.timeline import Band, Lane
from img.page.looking.inspection import Facts, in_words, inspect
from img.page.looking.strip import Strip, make_strip
from img.page.retrieving import Found, Progress, Retrieving
from img.page.visitors.limits import Limits, RefusedError
from img.page.visitors.visits import Visit, Visits
from img.page.visitors.waiting import Step, follow
from img.reports.colours import Colour, colour_of


@dataclass(frozen=True)
class Taken:
    """A file that was looked into.

    Attributes:
        name: what the visitor calls it.
        path: where it is.
        facts: what it is.
    """

    name: str
    path: Path
    facts: Facts


@dataclass(frozen=True)
class Shown:
    """A video that can be asked about.

    Attributes:
        taken: its file.
        strip: its frames and sound.
        video: as the retriever encoded it, with what to know of it.
    """

    taken: Taken
    strip: Strip
    video: Any


@dataclass(frozen=True)
class Asked:
    """What came of a question.

    Attributes:
        query: the sentence.
        shown: the video.
        branch: which branch answered.
        answers: the best first.
        lanes: what each branch says.
        importance: of the sound; nan where the model says nothing of it.
        notes: what the visitor should know.
    """

    query: str
    shown: Shown
    branch: str
    answers: Sequence[Found]
    lanes: Sequence[Lane]
    importance: float
    notes: Sequence[str]


class Service:
    """Serves all visitors of a page."""

    def __init__(self, retriever: Retrieving, visits: Visits[Shown], limits: Limits) -> None:
        """Prepares to serve.

        Args:
            retriever: what answers.
            visits: who asks.
            limits: what they may ask.
        """
        self.retriever = retriever
        self.limits = limits
        self.visits = visits
        self._encoding = threading.BoundedSemaphore(limits.encodings)

    @property
    def branches(self) -> list[str]:
        """The branches that answer, the preferred one first."""
        return list(self.retriever.branches)

    def colour(self, branch: str) -> Colour:
        """Returns a branch's colour."""
        return colour_of(self.branches, branch)

    def receive(self, visitor: str, upload: Path, name: str) -> Iterator[Taken | Strip | Step | Shown]:
        """Takes an uploaded video; yields what is known of it as soon as it is, last what can be asked.

        Raises:
            RefusedError: it is no video, or more than is taken; the message is for the visitor.
        """
        visit = self.visits.of(visitor)
        with visit.doing():
            visit.forget()
            self.limits.check_name(name)
            if not upload.is_file():
                raise RefusedError(f"{name} did not arrive. Send it again.")
            self.limits.check_size(name, upload.stat().st_size)
            yield from self._read(visit, visit.take(upload, Path(name).suffix.lower()), name)

    def open(self, visitor: str, path: Path, name: str) -> Iterator[Taken | Strip | Step | Shown]:
        """Takes a video that lies on the server; yields as `receive` does."""
        visit = self.visits.of(visitor)
        with visit.doing():
            visit.forget()
            yield from self._read(visit, path, name)

    def _read(
        self, visit: Visit[Shown], path: Path, name: str
    ) -> Generator[Taken | Strip | Step | Shown, None, None]:
        try:
            yield Step("Looking into the file …")
            taken = Taken(name, path, inspect(path, name))
            self.limits.check_length(name, taken.facts.seconds)
            yield taken
            yield Step("Taking pictures for the timeline …")
            strip = make_strip(path, taken.facts.seconds)
            yield strip
            yield Step("Waiting for the videos of other visitors …")
            video = yield from follow(lambda progress: self._encode(path, progress))
        except RefusedError:
            visit.forget()
            raise
        except ValueError as error:
            visit.forget()
            raise RefusedError(f"This video cannot be read: {in_words(error, path, name)}.") from error
        visit.shown = Shown(taken, strip, video)
        yield visit.shown

    def _encode(self, path: Path, progress: Progress) -> Any:
        with self._encoding:
            return self.retriever.encode(
                path, lambda share, words: progress(share, f"Reading the video: {words}")
            )

    def ask(self, visitor: str, query: str, branch: str, answers: int) -> Asked:
        """Answers a question about the visitor's video.

        Args:
            visitor: who asks.
            query: the sentence.
            branch: which branch is to answer, or `auto`.
            answers: how many answers.

        Raises:
            RefusedError: there is no video or sentence, or the visitor's last question is not answered yet.
        """
        visit = self.visits.of(visitor)
        with visit.doing():
            query = self.limits.check_query(query)
            if visit.shown is None:
                raise RefusedError("Choose a video first.")
            try:
                return self.answer(visit.shown, query, branch, min(max(answers, 1), self.limits.answers))
            except ValueError as error:
                raise RefusedError(f"This question cannot be answered: {error}.") from error

    def answer(self, shown: Shown, query: str, branch: str, answers: int) -> Asked:
        """Answers a question about a video."""
        found = self.retriever.answer(shown.video, query, answers, branch)
        chosen = found[0].branch if found else next(iter(self.branches))
        by_branch = {
            name: found
            if found and name == chosen
            else self.retriever.answer(shown.video, query, answers, name)
            for name in self.branches
        }
        trace = self.retriever.trace(shown.video, query)
        lanes = [
            Lane(
                name,
                self.colour(name),
                [Band(answer.start, answer.end, answer.rank) for answer in by_branch[name]],
                trace.branches[name].traces if name in trace.branches else {},
                name == chosen,
            )
            for name in self.branches
        ]
        importance = found[0].importance if found else None
        notes = _write_notes(shown.taken.facts, chosen, found[0].unknown if found else ())
        notes += [note.removeprefix(f"{shown.taken.path.stem}: ") for note in shown.video.notes]
        return Asked(
            query, shown, chosen, found, lanes, math.nan if importance is None else importance, notes
        )


def _write_notes(facts: Facts, chosen: str, unknown: Sequence[str]) -> list[str]:
    notes = []
    if not facts.heard:
        notes.append(f"This video has no sound: the {chosen} branch answers.")
    if unknown:
        words = ", ".join(f"“{word}”" for word in unknown)
        notes.append(f"The model does not know {words}; it read the sentence without.")
    return notes
