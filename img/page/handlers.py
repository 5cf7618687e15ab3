"""What Gradio's events do: they call the service and turn what comes of it into changes of the page."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias
from urllib.parse import quote

import gradio as gr

from img.models.protocol import AUTO
from img.page.drawing.rendering import render
from img.page.drawing.timeline import Band, render_timeline
from img.page.examples import Example
from img.page.looking.strip import Strip
from img.page.service import Asked, Service, Shown, Taken
from img.page.visitors.limits import BusyError, RefusedError
from img.page.visitors.waiting import Step

log = logging.getLogger(__name__)

Changes: TypeAlias = dict[Any, Any]

_EXAMPLE_ANSWERS = 5
_WENT_WRONG = "Something went wrong on the server. Its log says what."


@dataclass(frozen=True)
class Parts:
    """The parts of the page that events change."""

    upload: gr.File
    player: gr.HTML
    another: gr.UploadButton
    status: gr.HTML
    query: gr.Textbox
    find: gr.Button
    answers: gr.HTML
    timeline: gr.HTML

    @property
    def all(self) -> list[Any]:
        """All of them, as outputs."""
        return list(vars(self).values())


class Handlers:
    """Events of one page, whoever is in front of it."""

    def __init__(self, service: Service, parts: Parts) -> None:
        """Binds events to a service and to the parts that they change."""
        self._service = service
        self._parts = parts

    def receive(self, upload: str | None, request: gr.Request) -> Iterator[Changes]:
        """Takes an uploaded video."""
        if upload is not None:
            path = Path(upload)
            yield from self._take(self._service.receive(_visitor(request), path, path.name))

    def opener(self, example: Example) -> Callable[[gr.Request], Iterator[Changes]]:
        """Returns the event that opens an example's video and asks its sentence."""

        def open_example(request: gr.Request) -> Iterator[Changes]:
            yield {self._parts.query: example.sentence}
            name = f"{example.video}{example.path.suffix}"
            opened = False
            for changes in self._take(self._service.open(_visitor(request), example.path, name)):
                opened = changes.get(self._parts.find, {}).get("interactive", False)
                yield changes
            if opened:
                annotated = Band(example.start, example.end)
                yield from self._answer(example.sentence, AUTO, _EXAMPLE_ANSWERS, request, annotated)

        return open_example

    def ask(self, query: str, branch: str, answers: float, request: gr.Request) -> Iterator[Changes]:
        """Answers a question about the visitor's video."""
        yield from self._answer(query, branch, int(answers), request)

    def leave(self, request: gr.Request) -> None:
        """Forgets a visitor who has closed the page."""
        self._service.visits.end(_visitor(request))

    def _take(self, steps: Iterator[Taken | Strip | Step | Shown]) -> Iterator[Changes]:
        parts = self._parts
        seconds = 0.0
        try:
            for step in steps:
                if isinstance(step, Step):
                    yield {**self._say(step.message, step.share), parts.find: gr.update(interactive=False)}
                elif isinstance(step, Taken):
                    seconds = step.facts.seconds
                    yield {**self._play(step), parts.answers: "", parts.timeline: ""}
                elif isinstance(step, Strip):
                    yield {parts.timeline: render_timeline(seconds, step)}
                else:
                    yield {
                        **self._say("Ready. Type a sentence about the video."),
                        parts.find: gr.update(interactive=True),
                    }
        except BusyError as error:
            yield self._say(str(error), failed=True)
        except RefusedError as error:
            yield {**self._say(str(error), failed=True), **self._empty()}
        except Exception:
            log.exception("a video could not be taken")
            yield {**self._say(_WENT_WRONG, failed=True), **self._empty()}

    def _answer(
        self, query: str, branch: str, answers: int, request: gr.Request, annotated: Band | None = None
    ) -> Iterator[Changes]:
        parts = self._parts
        try:
            yield self._say("Looking for the moment …", -1.0)
            asked = self._service.ask(_visitor(request), query, branch, answers)
        except RefusedError as error:
            yield self._say(str(error), failed=True)
        except Exception:
            log.exception("a question could not be answered")
            yield self._say(_WENT_WRONG, failed=True)
        else:
            shown = asked.shown
            yield {
                **self._say(f"{_count(len(asked.answers))}. Choose one to play it."),
                parts.timeline: render_timeline(
                    shown.taken.facts.seconds, shown.strip, asked.lanes, annotated, asked.importance
                ),
                parts.answers: self._list(asked),
            }

    def _list(self, asked: Asked) -> str:
        best = max((answer.score for answer in asked.answers), default=0.0)
        return render(
            "answers.html.jinja",
            notes=asked.notes,
            answers=[
                {
                    "rank": answer.rank,
                    "start": answer.start,
                    "end": answer.end,
                    "score": answer.score,
                    "share": 100 * max(answer.score, 0.0) / best if best > 0 else 0.0,
                    "branch": asked.branch,
                    "colour": self._service.colour(asked.branch),
                }
                for answer in asked.answers
            ],
        )

    def _play(self, taken: Taken) -> Changes:
        player = render(
            "player.html.jinja",
            source=f"gradio_api/file={quote(str(taken.path))}",
            name=taken.name,
            facts=taken.facts,
            ending=taken.path.suffix,
        )
        return {
            self._parts.upload: gr.update(value=None, visible=False),
            self._parts.player: gr.update(value=player, visible=True),
            self._parts.another: gr.update(visible=True),
        }

    def _empty(self) -> Changes:
        return {
            self._parts.upload: gr.update(value=None, visible=True),
            self._parts.player: gr.update(value="", visible=False),
            self._parts.another: gr.update(visible=False),
            self._parts.timeline: "",
            self._parts.answers: "",
            self._parts.find: gr.update(interactive=False),
        }

    def _say(self, message: str, share: float | None = None, failed: bool = False) -> Changes:
        said = render("status.html.jinja", message=message, share=share, failed=failed)
        return {self._parts.status: gr.update(value=said, visible=True)}


class Endpoints:
    """What programs call: the same as visitors do, answered as JSON."""

    def __init__(self, service: Service) -> None:
        """Binds the endpoints to a service."""
        self._service = service

    def retrieve(
        self, video: str, query: str, answers: float, branch: str, request: gr.Request
    ) -> dict[str, Any]:
        """Takes a video and answers a sentence about it."""
        with _errors_in_words():
            path = Path(video)
            for _ in self._service.receive(_visitor(request), path, path.name):
                pass
            return self._ask(query, answers, branch, request)

    def ask(self, query: str, answers: float, branch: str, request: gr.Request) -> dict[str, Any]:
        """Answers a further sentence about the video that the same client sent last."""
        with _errors_in_words():
            return self._ask(query, answers, branch, request)

    def _ask(self, query: str, answers: float, branch: str, request: gr.Request) -> dict[str, Any]:
        asked = self._service.ask(_visitor(request), query, branch, int(answers))
        return {
            "video": asked.shown.taken.name,
            "seconds": asked.shown.taken.facts.seconds,
            "query": asked.query,
            "branch": asked.branch,
            "importance": None if math.isnan(asked.importance) else asked.importance,
            "answers": [
                {name: getattr(answer, name) for name in ("rank", "start", "end", "score")}
                for answer in asked.answers
            ],
            "notes": list(asked.notes),
        }


@contextmanager
def _errors_in_words() -> Iterator[None]:
    try:
        yield
    except RefusedError as error:
        raise gr.Error(str(error), print_exception=False) from error


def _visitor(request: gr.Request) -> str:
    return str(request.session_hash)


def _count(answers: int) -> str:
    return "1 answer" if answers == 1 else f"{answers} answers"
