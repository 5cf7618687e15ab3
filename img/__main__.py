"""Command line of the package: annotations and arrays in, models and metrics out. `python -m img --help`."""

from __future__ import annotations

import argparse
import logging
import sys
from collections.abc import Sequence

from img import __version__
from img.commands import (
    configuration,
    cost,
    data,
    figures,
    paper,
    resources,
    results,
    retrieve,
    runs,
    serve,
)
from img.commands import timeline as timelines


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command; returns the exit status."""
    options = _parser().parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)
    try:
        options.run(options)
    except (ValueError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="img", description="Trains and evaluates systems of moment retrieval on extracted features."
    )
    parser.add_argument("--version", action="version", version=__version__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for group in (
        resources,
        data,
        runs,
        retrieve,
        serve,
        results,
        timelines,
        paper,
        figures,
        cost,
        configuration,
    ):
        group.add_commands(commands)
    return parser


if __name__ == "__main__":
    sys.exit(main())
