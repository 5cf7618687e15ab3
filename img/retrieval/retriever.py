"""The retriever: a trained run that answers sentences about videos it never saw."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterable, Mapping
from dataclasses import replace
from math import nan
from pathlib import Path
from types import MappingProxyType

import numpy as np

from extractors.storage.store import Store
from extractors.words import tokenise
from img.config.base import check
from img.config.dataset import QueryOptions
from img.config.protocols import choose_protocol
from img.config.runs import InferenceOptions
from img.data.clips.inputs import Inputs
from img.data.samples import Moments
from img.data.text.queries import MAX_WORDS
from img.models.protocol import AUTO, System
from img.reports.timelines import BranchTimeline, Timeline, trace_queries
from img.retrieval.answers import Answer, merge_answers, read_answers
from img.retrieval.encoding.arrays import hold_arrays, read_arrays
from img.retrieval.encoding.extracting import Progress
from img.retrieval.encoding.layout import Encoder
from img.retrieval.encoding.makers import list_makers
from img.retrieval.encoding.text_encoder import QUERIES, TextEncoder
from img.retrieval.encoding.video import EncodedVideo
from img.retrieval.encoding.weights import find_files
from img.retrieval.encoding.windows import place_windows
from img.retrieval.questions import ASKED, Lexicon, Question, read_features
from img.runs.opening import Run, open_run
from img.runs.prediction import predict

_PROJECT_STORE = Path("results/store")


def default_store() -> Path:
    """Gives the project's store where there is one here, else a folder in the user's cache."""
    if _PROJECT_STORE.is_dir():
        return _PROJECT_STORE
    return user_cache() / "store"


def user_cache() -> Path:
    """Gives the project's folder in the user's cache."""
    cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(cache) / "img-pipeline"


class Retriever:
    """A trained run that answers sentences about videos. Use `Retriever.open`.

    One retriever may be asked from several threads; it answers one question at a time.

    Attributes:
        run: the run that answers.
        branches: names of its branches, the preferred one first.
    """

    def __init__(
        self,
        run: Run,
        system: System,
        device: str,
        encoder: Encoder,
        embedding: Path | str | None,
        text_encoder: TextEncoder | None = None,
    ) -> None:
        self.run = run
        self._text_encoder = text_encoder
        self.branches = system.branches
        self._system = system
        self._device = device
        self._encoder = encoder
        self._lexicon = None
        if run.vocabulary is not None:
            own = "imported" in run.made
            self._lexicon = Lexicon(run.vocabulary, system, run.sizes.word_width, None if own else embedding)
        self._lock = threading.Lock()

    @staticmethod
    def open(
        run: Path | str,
        store: Path | str | None = None,
        device: str = "cpu",
        embedding: Path | str | None = None,
        weights: Mapping[str, Path] | None = None,
        trust_weights: bool | None = None,
    ) -> Retriever:
        """Opens a run.

        Args:
            run: a run's folder, or what `export` made of one.
            store: where arrays of encoded videos are kept; see `default_store`.
            device: "cpu" or "cuda".
            embedding: vectors of words that the run did not meet in training: a GloVe text file or its zip,
                or what `prepare_queries` saved (`vectors.bin`); `random` draws them as `queries.embedding:
                random` does. Without, such words are unknown.
            weights: where an extractor's weights file is, by the extractor's name, and under `queries` the
                folder of the text encoder; others are found by their hash below `resources/`.
            trust_weights: load weights files that hold more than tensors, which could run code; by default
                those of a run that was trained here, and not those of a shared one.

        Raises:
            ValueError: a file is not what it should be, or a weights file is not that of the training; the
                message names it.
            OSError: a file is missing.
        """
        opened = open_run(Path(run))
        system = opened.load(choose_protocol(opened.protocols)).to(device)
        makers = list_makers(opened.reads) if opened.reads else {}
        given = dict(weights or {})
        text_encoder = TextEncoder.of_run(opened.made, device, given.pop(QUERIES, None))
        files = find_files(makers, given)
        trusted = not opened.is_exported if trust_weights is None else trust_weights
        encoder = Encoder(opened, files, Store(Path(store or default_store())), device, trusted)
        return Retriever(opened, system, device, encoder, embedding, text_encoder)

    def encode(
        self,
        path: Path | str,
        progress: Progress | None = None,
        duration: float | None = None,
        accept_short: bool = False,
    ) -> EncodedVideo:
        """Encodes a video as the run's training videos were; what is in the store is not computed again.

        Args:
            path: the video's file.
            progress: called with the share that is done and with words; bars on standard error without.
            duration: of the video in seconds, where another than the file's own is to count.
            accept_short: take what there is of a file that is cut short.

        Raises:
            FileNotFoundError: there is no such file.
            ValueError: it holds no video that can be read, or the run's features were made elsewhere.
        """
        path = Path(path)
        if not path.is_file():
            raise FileNotFoundError(f"{path}: expected a video file, found nothing")
        return self._encoder.encode(path, progress, duration, accept_short)

    def take(
        self,
        features: Mapping[str, np.ndarray] | Path | str,
        duration: float | None = None,
        video: str = "video",
        seconds: Mapping[str, np.ndarray | None] = MappingProxyType({}),
        path: Path | None = None,
    ) -> EncodedVideo:
        """Takes given features in the place of a video's, for a run whose features were made elsewhere.

        Args:
            features: rows [n, D] of each extractor by its name, as `results/{dataset}/features/{extractor}`
                holds those of the training; or a folder with `{extractor}/{video}.npy`.
            duration: of the video in seconds; may be left out where the seconds of the rows are known.
            video: its id.
            seconds: start and end of each row [n, 2], by the extractor's name. Of a folder they are read from
                `{extractor}/{video}.json`.
            path: the video's file, if there is one.

        Raises:
            ValueError: an array is of no extractor of the run, of another width, or nothing tells how long
                the video is.
        """
        makers = self._encoder.makers
        if isinstance(features, Path | str):
            parts = read_arrays(Path(features), video, makers)
        else:
            parts = hold_arrays(video, features, seconds, makers)
        return self._encoder.assemble(video, path, duration, parts)

    def answer(
        self,
        video: EncodedVideo,
        query: str,
        answers: int = 5,
        branch: str = AUTO,
        window: float | None = None,
        features: np.ndarray | None = None,
    ) -> list[Answer]:
        """Answers a sentence: where in the video is it?

        Args:
            video: what `encode` gave.
            query: the sentence.
            answers: most answers.
            branch: whose answers; `auto` is the preferred branch, or the one that can do without sound
                where the video has none.
            window: seconds; answers in overlapping windows of so many and merges what they say (see
                `merge_answers`). None asks about the whole video at once.
            features: of the sentence [N, Dq], for a run that reads queries as features and does not say by
                which text encoder they were made.

        Returns:
            The answers, the best first; fewer than asked for where the model has no more.

        Raises:
            ValueError: there is no such branch, the sentence holds no word, or windows are asked for and
                nobody knows the seconds of the features.
        """
        if branch not in (AUTO, *self.branches):
            raise ValueError(f"branch: expected one of {[AUTO, *self.branches]}, found {branch!r}")
        windows = place_windows(video.duration, window, video.id)
        inputs = self._encoder.read_windows(video, windows)
        offsets = {window.name: window.start for window in windows}
        settings = {**self.run.inference.model_dump(), "answers": answers, "noisy_audio_share": 0.0}
        options = check(InferenceOptions, settings, "answers")
        with self._lock:
            question = self._read(query, features)
            moments = self._ask(question, inputs, {window.name: window.seconds for window in windows})
            batch = self.run.options.training.batch_size
            predictions = predict(self._system, moments, batch, self._device, options)
        of_branch = predictions[predictions["branch"] == branch]
        heard = dict(zip(moments.table["video"], moments.complete, strict=True))
        found = [
            answer
            for name, offset in offsets.items()
            if name in heard
            for answer in read_answers(
                of_branch[of_branch["video"] == name],
                query,
                video.id,
                question.unknown,
                offset,
                bool(heard[name]),
                branch if branch != AUTO else self._choose_branch(bool(heard[name])),
            )
        ]
        return found if len(windows) == 1 else merge_answers(found, options.nms_threshold, answers)

    def _choose_branch(self, has_sound: bool) -> str:
        """Names the branch that `auto` is."""
        return self._system.branches[0] if has_sound else self._system.fallback

    def trace(
        self,
        video: EncodedVideo,
        query: str,
        window: float | None = None,
        features: np.ndarray | None = None,
    ) -> Timeline:
        """Tells what every branch answers and says of each clip, for a picture along the video's time.

        Args:
            video: what `encode` gave.
            query: the sentence.
            window: seconds, as in `answer`; each branch's best answer is told then, without curves.
            features: of the sentence, for a run that reads queries as features.

        Returns:
            The timeline; nobody annotated a moment: it has no windows, and its IoUs are nan.
        """
        with self._lock:
            moments = self._ask(self._read(query, features), video.inputs, {video.id: video.duration})
            (traced,) = trace_queries(self._system, moments, {ASKED: ASKED}, self._device)
        branches = {name: replace(found, iou=nan) for name, found in traced.branches.items()}
        if window is not None and window < video.duration:
            best = {name: self.answer(video, query, 1, name, window, features) for name in self.branches}
            branches = {
                name: BranchTimeline(answer.start, answer.end, nan, {})
                for name, answers in best.items()
                for answer in answers
            }
        importance = traced.importance if moments.complete[0] else nan
        return replace(traced, query="", reason="", windows=(), importance=importance, branches=branches)

    def check_can_encode(self) -> None:
        """Checks that the run knows how to make its features of a new video.

        Raises:
            ValueError: they were made elsewhere.
        """
        self._encoder.check_makers()

    def learn(self, queries: Iterable[str]) -> None:
        """Looks up the words of many sentences in one pass over the embedding, before they are asked."""
        if self._lexicon is not None:
            words = (word for query in queries for word in tokenise(query, self._max_words))
            with self._lock:
                self._lexicon.learn(words)

    @property
    def _max_words(self) -> int:
        return int(self.run.made.get(MAX_WORDS, QueryOptions().max_words))

    def _read(self, query: str, features: np.ndarray | None) -> Question:
        if self._lexicon is None:
            width = self.run.sizes.query_width or 0
            if features is None and self._text_encoder is not None:
                features = self._text_encoder.encode(query)
            if features is None:
                raise ValueError(
                    f"{self.run.folder}: the run reads queries as features of {width} values; give them"
                )
            return read_features(query, features, width, self._max_words)
        question = self._lexicon.read(query, self._max_words)
        if not question.words:
            raise ValueError("query: expected a sentence, found no word")
        return question

    def _ask(self, question: Question, inputs: Inputs, durations: Mapping[str, float]) -> Moments:
        table = question.table(durations)
        return Moments(table, ASKED, inputs, question.text, self.run.options.training.sound)
