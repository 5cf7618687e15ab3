"""Command line of the extractors: media in, arrays out. `python -m extractors --help`."""

from __future__ import annotations

import argparse
import logging
import sys
from collections.abc import Sequence

from extractors import __version__
from extractors.commands import compare, explain, extract, kinds, preview, store


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command; returns the exit status."""
    options = _parser().parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)
    try:
        status: int = options.run(options)
    except (ValueError, OSError, RuntimeError, ModuleNotFoundError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return status


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="extractors", description="Turns videos into feature arrays.")
    parser.add_argument("--version", action="version", version=__version__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for command in (extract, kinds, explain, compare, preview, store):
        command.add_to(commands)
    return parser


if __name__ == "__main__":
    sys.exit(main())
