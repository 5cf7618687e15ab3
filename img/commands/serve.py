"""The command that serves the page on which one asks about one's own videos."""

from __future__ import annotations

import argparse
import signal
import sys
import threading
from pathlib import Path

from img.commands.arguments import Commands, add_device, choose_device, positive


def add_commands(commands: Commands) -> None:
    """Adds this module's commands."""
    parser = commands.add_parser("serve", help="serve a page that answers sentences about one's own videos")
    parser.add_argument("--run", dest="folder", required=True, type=Path, help="the run's folder")
    parser.add_argument(
        "--host", default="127.0.0.1", help="address to listen at (default: 127.0.0.1, this machine only)"
    )
    parser.add_argument("--port", type=int, help="port (default: a free one from 7860)")
    parser.add_argument(
        "--store", type=Path, help="where arrays of videos are kept (default: deleted with the server)"
    )
    parser.add_argument("--embedding", help="vectors of words that the run did not meet in training")
    parser.add_argument(
        "--max-megabytes", type=_above_zero, default=500.0, help="largest upload (default: 500)"
    )
    parser.add_argument("--max-minutes", type=_above_zero, default=30.0, help="longest video (default: 30)")
    parser.add_argument(
        "--idle-minutes",
        type=_above_zero,
        default=60.0,
        help="after which the video of a visitor who does nothing is deleted (default: 60)",
    )
    parser.add_argument(
        "--encodings", type=positive, default=2, help="videos that are read at the same time (default: 2)"
    )
    parser.add_argument(
        "--examples", type=positive, default=4, help="most sentences of the test split to offer (default: 4)"
    )
    add_device(parser)
    parser.set_defaults(run=_serve)


def _above_zero(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value < float("inf"):
        raise argparse.ArgumentTypeError(f"expected a number above 0, found {text!r}")
    return value


def _serve(options: argparse.Namespace) -> None:
    from img.page.examples import find_examples
    from img.page.retrieving import Retrieving
    from img.page.server import check_installed, serving
    from img.page.visitors.limits import Limits
    from img.retrieval import Retriever

    check_installed()
    device = choose_device(options)
    limits = Limits(
        options.max_megabytes, options.max_minutes, options.idle_minutes, encodings=options.encodings
    )

    def open_retriever(folder: Path) -> Retrieving:
        retriever = Retriever.open(options.folder, options.store or folder, device, options.embedding)
        retriever.check_can_encode()
        return retriever

    # What visitors sent is deleted however the server is asked to end.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    examples = find_examples(options.folder, options.examples)
    name = "/".join(options.folder.resolve().parts[-4:])
    with serving(open_retriever, examples, name, limits, options.host, options.port) as url:
        print(f"serving {options.folder} at {url}; stop with Ctrl+C", flush=True)
        try:
            threading.Event().wait()
        except KeyboardInterrupt:
            print("stopped", flush=True)
