"""Decoding ahead of the network, in worker processes that can be killed.

Native decoders hang, crash and leak on some of any thousand videos, and a hang inside native code holds the
interpreter's lock: nothing but the death of the process ends it. So each worker process decodes one video at
a time for one thread of this process, which watches it and replaces it.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from pathlib import Path
from queue import Empty, Queue, SimpleQueue
from typing import Any

from extractors.kind import Kind, Reader
from extractors.media.errors import MediaError, NoAudioError, ShortMediaError
from extractors.media.parent_death import end_with_parent
from extractors.media.sampling import Window

# A worker imports its decoder before its first video; a loaded file server makes that slow, never this slow.
_START_SECONDS = 300.0


@dataclass(frozen=True, slots=True)
class Decoded:
    """A window of the video at `index` in the paths."""

    index: int
    window: Window


@dataclass(frozen=True, slots=True)
class Restarted:
    """A decoder failed: every window given so far of the video at `index` is void, another decoder begins."""

    index: int
    reason: MediaError


@dataclass(frozen=True, slots=True)
class Finished:
    """Nothing more comes of the video at `index`.

    Attributes:
        index: of the video in the paths.
        decoder: the decoder that read it; the last one tried where there is an error.
        error: why the video could not be read, in which case its windows are void; None if all went well.
        short: that the file ends early: its windows are right, but not all; None if it does not.
    """

    index: int
    decoder: str
    error: MediaError | None = None
    short: ShortMediaError | None = None


@dataclass(frozen=True, slots=True)
class Passed:
    """The video at `index` was not to be decoded."""

    index: int


Event = Decoded | Restarted | Finished | Passed


def decode_ahead(
    kind: Kind,
    parameters: Any,
    paths: Sequence[Path],
    *,
    workers: int,
    prefetch: int = 8,
    timeout: float = 60.0,
    begin: Callable[[int], bool] = lambda index: True,
) -> Iterator[Event]:
    """Decodes videos in worker processes, ahead of the consumer, and gives their windows in order.

    A decoder that raises, crashes, or gives nothing for `timeout` seconds while it is being listened to is
    replaced by the kind's next one, which begins the video again: `Restarted` tells the consumer to drop what
    it has of that video. One that finds the file cut short ends it: another would find no more. Closing the
    iterator ends the workers.

    The workers are spawned, so a program that calls this needs the `if __name__ == "__main__"` guard.

    Args:
        kind: whose reader and decoders to use.
        parameters: what the reader takes beside a file, see `Kind.prepare_reader`.
        paths: media files.
        workers: worker processes; as many videos are decoded at once, and as many again wait finished.
        prefetch: windows of one video that may wait for the consumer.
        timeout: seconds without a window after which a decoder is held to hang.
        begin: asked, in another thread, just before the video at an index is decoded: whether to.

    Yields:
        For each path in turn: its windows (`Decoded`; from the first again after a `Restarted`), then
        `Finished`; or `Passed` alone.

    Raises:
        RuntimeError: the kind's reader cannot be loaded in a worker.
    """
    if not paths:
        return
    pool = _Pool(kind, parameters, paths, prefetch, timeout, begin)
    threads = [threading.Thread(target=pool.serve, daemon=True) for _ in range(min(workers, len(paths)))]
    pool.admit(2 * len(threads))
    try:
        for thread in threads:
            thread.start()
        for index in range(len(paths)):
            yield from pool.events_of(index)
    finally:
        pool.stop(len(threads))
        for thread in threads:
            thread.join()


class _Pool:
    """What the threads share: the videos to do, a queue of events for each, and the signal to stop."""

    def __init__(
        self,
        kind: Kind,
        parameters: Any,
        paths: Sequence[Path],
        prefetch: int,
        timeout: float,
        begin: Callable[[int], bool],
    ) -> None:
        self._kind = kind
        self._parameters = parameters
        self._paths = paths
        self._timeout = timeout
        self._begin = begin
        self._todo: SimpleQueue[int] = SimpleQueue()
        for index in range(len(paths)):
            self._todo.put(index)
        self._events: list[Queue[Event | Exception]] = [Queue(prefetch) for _ in paths]
        # Closing one end makes the other readable, which a thread can wait for together with its worker.
        self._stopped, self._stopper = multiprocessing.Pipe(duplex=False)
        self._room = threading.Semaphore(0)

    def admit(self, videos: int) -> None:
        """Lets the threads begin that many videos more: else short ones would pile up in memory."""
        self._room.release(videos)

    def events_of(self, index: int) -> Iterator[Event]:
        """Gives the events of one video as they come, up to its last."""
        while True:
            event = self._events[index].get()
            if isinstance(event, Exception):
                raise event
            if isinstance(event, Finished | Passed):
                self.admit(1)
            yield event
            if isinstance(event, Finished | Passed):
                return

    def serve(self) -> None:
        """Does videos until none is left, with a worker process of this thread's own."""
        worker = _Worker(self._kind, self._parameters, self._stopped, self._timeout)
        index = 0
        try:
            while self._room.acquire() and not self._stopped.poll():
                index = self._todo.get_nowait()
                self._decode(worker, index)
        except (Empty, _StoppedError):
            return
        except Exception as error:
            self._events[index].put(error)
        finally:
            worker.kill()

    def _decode(self, worker: _Worker, index: int) -> None:
        events, path = self._events[index], self._paths[index]
        if not self._begin(index):
            events.put(Passed(index))
            return
        failures: list[tuple[str, MediaError]] = []
        for decoder in self._kind.decoders:
            if failures:
                events.put(Restarted(index, failures[-1][1]))
            try:
                for window in worker.windows(path, decoder):
                    events.put(Decoded(index, window))
            except NoAudioError as error:
                events.put(Finished(index, decoder, error))
                return
            except ShortMediaError as error:
                events.put(Finished(index, decoder, short=error))
                return
            except MediaError as error:
                failures.append((decoder, error))
            else:
                events.put(Finished(index, decoder))
                return
        events.put(Finished(index, decoder, _summary(path, failures)))

    def stop(self, threads: int) -> None:
        """Wakes every thread, wherever it waits."""
        self._stopper.close()
        self._room.release(threads)
        for events in self._events:
            with suppress(Empty):
                while True:
                    events.get_nowait()


def _summary(path: Path, failures: list[tuple[str, MediaError]]) -> MediaError:
    reasons = [(decoder, str(error).removeprefix(f"{path}: ")) for decoder, error in failures]
    if len({reason for _, reason in reasons}) == 1:
        return failures[0][1]
    listed = "; ".join(f"{decoder}: {reason}" for decoder, reason in reasons)
    return MediaError(f"{path}: no decoder reads it; {listed}")


class _StoppedError(Exception):
    """The consumer has gone."""


class _Worker:
    """A process that decodes one video at a time, started when needed and again after its death."""

    def __init__(self, kind: Kind, parameters: Any, stopped: Connection, timeout: float) -> None:
        self._kind = kind
        self._parameters = parameters
        self._stopped = stopped
        self._timeout = timeout
        self._process: BaseProcess | None = None

    def windows(self, path: Path, decoder: str) -> Iterator[Window]:
        """Gives the windows of one file.

        Raises:
            MediaError: the decoder raised, died, or gave nothing in time (then it is dead now).
        """
        if self._process is None or not self._process.is_alive():
            self._start()
        try:
            self._pipe.send((path, decoder))
            while (message := self._receive(self._timeout)) is not None:
                if isinstance(message, Exception):
                    raise message
                yield message
        except TimeoutError:
            self.kill()
            raise MediaError(
                f"{path}: {decoder} hung: no window in {self._timeout:g} seconds; its process was killed"
            ) from None
        except (EOFError, OSError):
            code = self.kill()
            raise MediaError(f"{path}: {decoder} crashed: its process ended with code {code}") from None

    def _start(self) -> None:
        self.kill()
        context = multiprocessing.get_context("spawn")
        self._pipe, end = context.Pipe()
        self._process = context.Process(target=_work, args=(self._kind, self._parameters, end), daemon=True)
        self._process.start()
        end.close()
        try:
            failure = self._receive(_START_SECONDS)
        except (EOFError, OSError):
            failure = f"it ended with code {self.kill()} before it was ready"
        if failure:
            raise RuntimeError(f"{self._kind.reader}: a decoding process could not start: {failure}")

    def _receive(self, timeout: float) -> Any:
        ready = wait([self._pipe, self._stopped], timeout)
        if self._stopped in ready:
            raise _StoppedError
        if not ready:
            raise TimeoutError
        return self._pipe.recv()

    def kill(self) -> int | None:
        """Ends the process, if there is one; gives its exit code."""
        if self._process is None:
            return None
        self._process.kill()
        self._process.join()
        code = self._process.exitcode
        self._process.close()
        self._process = None
        self._pipe.close()
        return code


def _work(kind: Kind, parameters: Any, pipe: Connection) -> None:
    """What a worker process does: sends None when ready, then for each request its windows and None."""
    end_with_parent()
    # The terminal's interrupt reaches the whole group; the parent decides what becomes of its workers.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # There is a worker for each core already. Read by torch when a reader first imports it.
    os.environ["OMP_NUM_THREADS"] = "1"
    try:
        reader = kind.load_reader()
    except Exception as error:
        pipe.send(f"{type(error).__name__}: {error}")
        return
    pipe.send(None)
    with suppress(EOFError, ConnectionError):
        while True:
            path, decoder = pipe.recv()
            for message in _messages(reader, path, parameters, decoder):
                pipe.send(message)


def _messages(
    reader: Reader, path: Path, parameters: Any, decoder: str
) -> Iterator[Window | MediaError | None]:
    try:
        yield from reader(path, parameters, decoder)
    except MediaError as error:
        yield error
    except Exception as error:
        # One bad video must not stop the others, whatever it does to a decoder.
        yield MediaError(
            f"{path}: {decoder} cannot make sense of it: it is damaged, or holds what the decoder does not "
            f"know ({type(error).__name__}: {error})"
        )
    else:
        yield None
