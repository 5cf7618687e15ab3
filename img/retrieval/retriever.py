"""The retriever: a trained run that answers sentences about videos it never saw."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterable, Mapping
from dataclasses import replace
from math import nan
from pathlib import Path

import numpy as np

from extractors.extraction import Runtime
from extractors.media.container import length_of
from extractors.storage.files import read_json
from extractors.storage.store import Store
from img.config.base import check
from img.config.dataset import QueryOptions
from img.config.protocols import choose_protocol
from img.config.runs import InferenceOptions
from img.config.streams import AUDIO
from img.data.samples import Moments
from img.data.text.queries import MAX_WORDS
from img.data.text.vocabulary import tokenise
from img.models.protocol import AUTO, System
from img.reports.timelines import Timeline, trace_queries
from img.retrieval.answers import Answer, read_answers
from img.retrieval.encoding import NO_SOUND, Progress, extract, merge_streams, read_clips
from img.retrieval.makers import list_makers, name_imported
from img.retrieval.questions import ASKED, Lexicon, Question, read_features
from img.retrieval.text_encoder import QUERIES, TextEncoder
from img.retrieval.video import EncodedVideo
from img.retrieval.weights import find_files
from img.runs.folder import METRICS
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
        store: Store,
        device: str,
        files: Mapping[str, Path],
        embedding: Path | str | None,
        text_encoder: TextEncoder | None = None,
    ) -> None:
        self.run = run
        self._text_encoder = text_encoder
        self.branches = system.branches
        self._system = system
        self._store = store
        self._device = device
        self._files = files
        self._inference = _read_inference(run)
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
        kept = Store(Path(store or default_store()))
        return Retriever(opened, system, kept, device, files, embedding, text_encoder)

    def encode(
        self, path: Path | str, progress: Progress | None = None, duration: float | None = None
    ) -> EncodedVideo:
        """Encodes a video as the run's training videos were; what is in the store is not computed again.

        Args:
            path: the video's file.
            progress: called with the share that is done and with words; bars on standard error without.
            duration: of the video in seconds, where another than the file's own is to count.

        Raises:
            FileNotFoundError: there is no such file.
            ValueError: it holds no video that can be read, or the run's features were made elsewhere.
        """
        path = Path(path)
        if not path.is_file():
            raise FileNotFoundError(f"{path}: expected a video file, found nothing")
        self.check_can_encode()
        makers = list_makers(self.run.reads)
        if not self.run.options.training.sound:
            makers.pop(AUDIO, None)
        parts = extract(path, makers, self._files, self._store, Runtime(self._device), progress)
        features = merge_streams(parts, self.run.reads["merges"])
        video = path.stem
        lead = next(iter(features))
        row = features[lead].rows[video]
        if not row.is_ok:
            raise ValueError(row.status.removeprefix("failed: "))
        inputs = read_clips(video, features, self.run.reads, self.run.sizes.streams, self._store)
        reasons = {name: found.rows[video].status for name, found in features.items()}
        absent = {
            name: "the file has none" if status == NO_SOUND else status
            for name, status in reasons.items()
            if status != "ok"
        }
        if not self.run.options.training.sound and AUDIO in self.run.sizes.streams:
            absent[AUDIO] = "the run was trained without it"
        length = duration or length_of(path) or row.seconds
        if length is None:
            raise ValueError(f"{path}: expected a video whose length is known; give its duration")
        return EncodedVideo(video, path, length, features, absent, inputs)

    def answer(
        self,
        video: EncodedVideo,
        query: str,
        answers: int = 5,
        branch: str = AUTO,
        features: np.ndarray | None = None,
    ) -> list[Answer]:
        """Answers a sentence: where in the video is it?

        Args:
            video: what `encode` gave.
            query: the sentence.
            answers: most answers.
            branch: whose answers; `auto` is the preferred branch, or the one that can do without sound
                where the video has none.
            features: of the sentence [N, Dq], for a run that reads queries as features and does not say by
                which text encoder they were made.

        Returns:
            The answers, the best first; fewer than asked for where the model has no more.

        Raises:
            ValueError: there is no such branch, or the sentence holds no word.
        """
        if branch not in (AUTO, *self.branches):
            raise ValueError(f"branch: expected one of {[AUTO, *self.branches]}, found {branch!r}")
        with self._lock:
            question = self._read(query, features)
            moments = self._ask(video, question)
            options = self._inference.model_copy(update={"answers": answers})
            batch = self.run.options.training.batch_size
            predictions = predict(self._system, moments, batch, self._device, options)
        has_sound = bool(moments.complete[0])
        return read_answers(predictions, branch, query, question.unknown, has_sound)

    def trace(self, video: EncodedVideo, query: str, features: np.ndarray | None = None) -> Timeline:
        """Tells what every branch answers and says of each clip, for a picture along the video's time.

        Args:
            video: what `encode` gave.
            query: the sentence.
            features: of the sentence, for a run that reads queries as features.

        Returns:
            The timeline; nobody annotated a moment: it has no windows, and its IoUs are nan.
        """
        with self._lock:
            moments = self._ask(video, self._read(query, features))
            (traced,) = trace_queries(self._system, moments, {ASKED: ASKED})
        branches = {name: replace(found, iou=nan) for name, found in traced.branches.items()}
        importance = traced.importance if moments.complete[0] else nan
        return replace(traced, windows=(), importance=importance, branches=branches)

    def learn(self, queries: Iterable[str]) -> None:
        """Looks up the words of many sentences in one pass over the embedding, before they are asked."""
        if self._lexicon is not None:
            words = (word for query in queries for word in tokenise(query, self._max_words))
            with self._lock:
                self._lexicon.learn(words)

    def check_can_encode(self) -> None:
        """Checks that the run knows how to make the features that it reads.

        Raises:
            ValueError: they were made elsewhere.
        """
        if not self.run.reads:
            raise ValueError(
                f"{self.run.folder}: the run does not say what its features were made by, so that no new "
                "video can be encoded; give arrays"
            )
        imported = name_imported(list_makers(self.run.reads))
        if imported:
            raise ValueError(
                f"{self.run.folder}: the run was trained on features that were made elsewhere "
                f"({', '.join(imported)}), so that no new video can be encoded; give arrays"
            )

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

    def _ask(self, video: EncodedVideo, question: Question) -> Moments:
        sound = self.run.options.training.sound
        table = question.table(video.id, video.duration)
        return Moments(table, ASKED, video.inputs, question.text, sound)


def _read_inference(run: Run) -> InferenceOptions:
    """Reads how the run answered when it was evaluated; as by default where it was not."""
    path = run.folder / METRICS
    found = read_json(path)["options"]["inference"] if path.is_file() else {}
    options = check(InferenceOptions, found, str(path))
    return options.model_copy(update={"noisy_audio_share": 0.0})
