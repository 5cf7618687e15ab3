"""`explain`: how feature arrays and texts were made."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from extractors.storage.store import Store


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds the command."""
    parser = commands.add_parser(
        "explain", help="say how feature arrays were made, and whether they are the arrays described"
    )
    parser.add_argument(
        "files",
        nargs="+",
        type=Path,
        metavar="FILE",
        help="feature arrays (.npy) or texts (.jsonl), their .json beside them",
    )
    parser.add_argument("--json", action="store_true", help="print a JSON list, with the whole descriptions")
    parser.add_argument("--windows", action="store_true", help="list the seconds of every window")
    parser.add_argument(
        "--store", type=Path, help="a store to look an array up in whose description is not beside it"
    )
    parser.set_defaults(run=_explain)


def _explain(options: argparse.Namespace) -> int:
    from extractors.provenance.explanation import as_json, as_text, explain

    store = Store(options.store) if options.store else None
    explanations = []
    unreadable = 0
    for path in options.files:
        try:
            explanation = explain(path, store)
        except (ValueError, OSError) as error:
            print(f"error: {error}", file=sys.stderr)
            unreadable += 1
            continue
        explanations.append(explanation)
        if not options.json:
            print(as_text(explanation, options.windows))
    if options.json:
        print(json.dumps([as_json(explanation) for explanation in explanations], indent=1, allow_nan=False))
    return 1 if unreadable or any(explanation.fault for explanation in explanations) else 0
