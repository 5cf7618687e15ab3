"""Arguments that several commands share."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TypeAlias, TypeVar

from pydantic import BaseModel

from extractors.gpus import take_gpu
from extractors.storage.files import parse_json
from img.config.base import check, read_yaml

Commands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"
Settings = TypeVar("Settings", bound=BaseModel)


def add_settings(parser: argparse.ArgumentParser, name: str, required: bool = True) -> None:
    """Adds `--name`, settings as JSON text or a file of them; see `read_settings`."""
    parser.add_argument(f"--{name}", required=required, help="settings: JSON text, or a JSON or YAML file")


def add_features(parser: argparse.ArgumentParser) -> None:
    """Adds the queries and feature folders of a dataset."""
    parser.add_argument("--queries", required=True, type=Path, help="queries folder")
    parser.add_argument("--visual", required=True, type=Path, help="feature folder")
    parser.add_argument("--audio", required=True, type=Path, help="feature folder")
    parser.add_argument("--shards", required=True, nargs="+", help="names of the shards")


def add_query_features(parser: argparse.ArgumentParser) -> None:
    """Adds the queries' given features."""
    parser.add_argument(
        "--query-features", type=Path, help="folder of assembled query features (default: words are read)"
    )


def add_device(parser: argparse.ArgumentParser, threads: int | None = None) -> None:
    """Adds where to compute and on how many cores; see `choose_device`.

    Args:
        parser: the command's.
        threads: where the user says nothing; None for all cores.
    """
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    default = "all cores" if threads is None else threads
    parser.add_argument(
        "--threads", type=_positive, default=threads, help=f"threads on the CPU (default: {default})"
    )


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"expected a whole number from 1, found {text!r}")
    return int(text)


def read_settings(model: type[Settings], value: str, option: str) -> Settings:
    """Reads and checks settings given as JSON text or as the path of a JSON or YAML file.

    Raises:
        ValueError: naming the key at fault.
    """
    if value.lstrip().startswith("{"):
        return check(model, parse_json(value, f"--{option}"), f"--{option}")
    return check(model, read_yaml(Path(value)), value)


def choose_device(options: argparse.Namespace) -> str:
    """Sets the number of threads and returns the device.

    Raises:
        ValueError: a CUDA device was asked for and there is none.
    """
    import torch

    if options.threads:
        torch.set_num_threads(options.threads)
    if options.device == "cuda":
        take_gpu()
    return str(options.device)
