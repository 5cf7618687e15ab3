"""Several questions about several videos; what is wrong with one does not stop the others."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from extractors.media.cutting import cut
from img.models.protocol import AUTO
from img.reports.timelines import Timeline
from img.retrieval.answers import Answer
from img.retrieval.asking.requests import Request
from img.retrieval.asking.writing import as_table
from img.retrieval.encoding.arrays import read_query_features
from img.retrieval.encoding.video import EncodedVideo
from img.retrieval.retriever import Retriever


@dataclass(frozen=True)
class Wishes:
    """How videos are to be read, and questions answered.

    Attributes:
        answers: most answers to a question.
        branch: which of the model's branches answers.
        window: seconds of the windows that a video is asked in; None asks about all of it at once.
        features: folder of features in the place of the videos' own.
        query_features: folder of features of the sentences, by their number from 1.
        duration: of the videos, in seconds, where their files do not tell.
        accept_short: take what there is of files that are cut short.
        cut: folder for the answers as video files.
        picture: whether to keep what each branch says along time.
    """

    answers: int = 5
    branch: str = AUTO
    window: float | None = None
    features: Path | None = None
    query_features: Path | None = None
    duration: float | None = None
    accept_short: bool = False
    cut: Path | None = None
    picture: bool = False


@dataclass
class Told:
    """What came of the questions.

    Attributes:
        answers: of all questions.
        timelines: of all questions, where a picture is wanted.
        faults: why something was not answered or not cut, a line each.
    """

    answers: list[Answer] = field(default_factory=list)
    timelines: list[Timeline] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)


def ask(
    retriever: Retriever,
    videos: Sequence[Path],
    requests: Sequence[Request],
    wishes: Wishes,
    say: Callable[[str], None],
    note: Callable[[str], None],
) -> Told:
    """Encodes videos and asks what is to be asked of each.

    Args:
        retriever: who answers.
        videos: files; where features are given, files or ids.
        requests: the questions.
        wishes: how to answer.
        say: takes the answers as text, as soon as they are there.
        note: takes what to know of a video.
    """
    _check_names(videos)
    retriever.learn(request.query for request in requests)
    told = Told()
    for path in videos:
        try:
            _ask_video(retriever, path, requests, wishes, told, say, note)
        except (ValueError, OSError) as error:
            told.faults.append(str(error))
    return told


def _ask_video(
    retriever: Retriever,
    path: Path,
    requests: Sequence[Request],
    wishes: Wishes,
    told: Told,
    say: Callable[[str], None],
    note: Callable[[str], None],
) -> None:
    asked = [(number, found) for number, found in enumerate(requests, start=1) if found.is_about(path)]
    if not asked:
        raise ValueError(f"{path}: expected a query about it, found none")
    video = _encode(retriever, path, wishes)
    for line in video.notes:
        note(line)
    for number, request in asked:
        features = read_query_features(wishes.query_features, number) if wishes.query_features else None
        answers = retriever.answer(
            video, request.query, wishes.answers, wishes.branch, wishes.window, features
        )
        told.answers += answers
        say(f"{path}: “{request.query}”\n{as_table(answers)}")
        if wishes.picture:
            told.timelines.append(retriever.trace(video, request.query, wishes.window, features))
        if wishes.cut:
            for answer in answers:
                name = f"{video.id}_query{number}_rank{answer.rank}"
                say(f"  rank {answer.rank}: {cut(path, answer.start, answer.end, wishes.cut / name)}")


def _encode(retriever: Retriever, path: Path, wishes: Wishes) -> EncodedVideo:
    if wishes.features is None:
        return retriever.encode(path, None, wishes.duration, wishes.accept_short)
    file = path if path.is_file() else None
    return retriever.take(wishes.features, wishes.duration, path.stem if file else str(path), path=file)


def _check_names(videos: Sequence[Path]) -> None:
    names = [path.stem for path in videos]
    twins = sorted({name for name in names if names.count(name) > 1})
    if twins:
        raise ValueError(f"expected videos of different names, found several called {', '.join(twins)}")
