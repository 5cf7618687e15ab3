"""A function run in a process of its own, which is killed if it takes too long.

Reading a file that a stranger sent can hang or crash native code; the server outlives both.
"""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import Any, TypeVar

from extractors.media.parent_death import end_with_parent

Result = TypeVar("Result")


class KilledError(RuntimeError):
    """The process ended, or was ended, without a result."""


def run_killable(function: Callable[..., Result], *arguments: Any, timeout: float) -> Result:
    """Calls a function in a new process and returns what it returns.

    Args:
        function: of a module, so that the process can import it.
        arguments: its arguments, which are pickled, as its result is.
        timeout: seconds after which the process is killed.

    Raises:
        KilledError: it took longer, or crashed.
        Exception: what the function raised.
    """
    context = multiprocessing.get_context("spawn")
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=_work, args=(sender, function, arguments), daemon=True)
    process.start()
    sender.close()
    try:
        if not receiver.poll(timeout):
            raise KilledError(f"nothing came in {timeout:g} seconds")
        failed, result = receiver.recv()
    except EOFError:
        raise KilledError("its process crashed") from None
    finally:
        process.kill()
        process.join()
        process.close()
        receiver.close()
    if failed:
        raise result
    return result


def _work(pipe: Connection, function: Callable[..., Any], arguments: tuple[Any, ...]) -> None:
    end_with_parent()
    try:
        message = False, function(*arguments)
    except Exception as error:
        message = True, error
    pipe.send(message)
