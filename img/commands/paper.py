"""Commands that set one's own numbers beside the paper's."""

from __future__ import annotations

import argparse
import json
from collections import defaultdict
from pathlib import Path
from typing import Any

from extractors.files import read_json, write_text
from img.commands.arguments import Commands


def add_commands(commands: Commands) -> None:
    """Adds this module's commands."""
    table = commands.add_parser("table", help="fill in a table of the paper from runs")
    table.add_argument("--number", required=True, type=int, help="of the paper's table")
    _add_paper(table)
    table.add_argument(
        "--measurements", type=Path, help="JSON of row -> column -> protocol -> values that no run holds"
    )
    table.add_argument("--out", required=True, type=Path, help="path without suffix: .md, .csv, .html follow")
    table.set_defaults(run=_table)

    claims = commands.add_parser("claims", help="put what the paper claims to the test on one's own runs")
    _add_paper(claims)
    claims.add_argument("--tables", required=True, nargs="+", type=int, help="those the claims rest on")
    claims.add_argument(
        "--out", required=True, type=Path, help="path without suffix: .md, .csv, .html follow"
    )
    claims.set_defaults(run=_claims)


def _add_paper(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--paper", required=True, type=Path, help="config/paper.yaml")
    parser.add_argument("--recipes", required=True, type=Path, help="config/tables.yaml")
    parser.add_argument("--scope", required=True, help="JSON: what stands for the paper's datasets")
    parser.add_argument("--runs", nargs="*", default=[], type=Path, help="folders of the runs at hand")
