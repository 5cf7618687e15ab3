"""Commands that write what is generated from the settings classes."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from extractors.storage.files import write_text
from img.commands.arguments import Commands


def add_commands(commands: Commands) -> None:
    """Adds this module's commands."""
    schemas = commands.add_parser("schemas", help="write the JSON schemas of the configuration")
    schemas.add_argument("--out", required=True, type=Path, help="folder, workflow/schemas in the project")
    schemas.set_defaults(run=_schemas)

    manual = commands.add_parser("manual", help="write the tables of the configuration's manual")
    manual.add_argument("--out", required=True, type=Path, help="the manual, config/README.md in the project")
    manual.set_defaults(run=_manual)


def _schemas(options: argparse.Namespace) -> None:
    from img.config.schemas import build_schemas

    for name, schema in build_schemas().items():
        write_text(options.out / f"{name}.schema.json", json.dumps(schema, indent=2, allow_nan=False) + "\n")


def _manual(options: argparse.Namespace) -> None:
    from img.config.manual import fill_in

    write_text(options.out, fill_in(options.out, options.out.read_text(encoding="utf-8")))
