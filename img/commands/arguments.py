"""Arguments that several commands share."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias, TypeVar

from pydantic import BaseModel

from extractors.jobs.gpus import take_gpu
from extractors.storage.files import parse_json
from img.config.base import check, read_yaml
from img.config.streams import StreamSource

if TYPE_CHECKING:
    from img.data.clips.merged_folder import StreamFeatures

Commands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"
Settings = TypeVar("Settings", bound=BaseModel)


def add_settings(parser: argparse.ArgumentParser, name: str, required: bool = True) -> None:
    """Adds `--name`, settings as JSON text or a file of them; see `read_settings`."""
    parser.add_argument(f"--{name}", required=required, help="settings: JSON text, or a JSON or YAML file")


def add_features(parser: argparse.ArgumentParser) -> None:
    """Adds the queries and the streams of a dataset; see `read_streams` and `open_streams`."""
    parser.add_argument("--queries", required=True, type=Path, help="queries folder")
    parser.add_argument(
        "--stream",
        required=True,
        action="append",
        help='a stream as JSON, {"name": "visual", "parts": [{"folder": "results/demo/features/i3d"}]}; give '
        "each, the one whose rows are the clips first. Several parts stand side by side; a part's values are "
        "multiplied with its `scale`, `texts` is the folder of the texts that they were made of; `align`, "
        "`merge` and `normalise` are those of a dataset's streams",
    )
    parser.add_argument("--shards", required=True, nargs="+", help="names of the shards")


def read_streams(texts: Sequence[str]) -> dict[str, StreamSource]:
    """Reads what `--stream` tells of each stream.

    Raises:
        ValueError: where a stream is not told of as it should be, or twice.
    """
    sources: dict[str, StreamSource] = {}
    for text in texts:
        source = read_settings(StreamSource, text, "stream")
        if source.name in sources:
            raise ValueError(f"--stream: expected each stream once, found {source.name} again")
        sources[source.name] = source
    return sources


def open_streams(sources: Mapping[str, StreamSource], shards: Sequence[str]) -> dict[str, StreamFeatures]:
    """Reads the manifests of every stream's feature folders."""
    from img.data.clips.feature_folder import read_feature_folder
    from img.data.clips.merged_folder import merge_features

    streams: dict[str, StreamFeatures] = {}
    for name, source in sources.items():
        parts = [read_feature_folder(part.folder, shards, part.scale, part.texts) for part in source.parts]
        streams[name] = merge_features(parts, source.merge, source.normalise)
    return streams


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
        "--threads", type=positive, default=threads, help=f"threads on the CPU (default: {default})"
    )


def positive(text: str) -> int:
    """Reads a whole number from 1, as the type of an argument."""
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
