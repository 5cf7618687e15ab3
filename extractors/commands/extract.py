"""`extract` and `shard`: media in, arrays out."""

from __future__ import annotations

import argparse
import csv
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from extractors.kind import Kind
from extractors.kinds.imported.parameters import ImportedParameters
from extractors.parameters import KindParameters
from extractors.registry import KINDS, parse
from extractors.settings import parse_yaml
from extractors.storage.store import Store


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds the commands."""
    extract = commands.add_parser("extract", help="extract the features of some videos into a folder")
    extract.add_argument("kind", choices=sorted(KINDS), help="extractor kind")
    extract.add_argument(
        "videos", nargs="+", type=Path, metavar="VIDEO", help="media files, or texts (.jsonl)"
    )
    extract.add_argument(
        "--out", required=True, type=Path, help="folder for {video}.npy, .json, manifest.tsv"
    )
    extract.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="a parameter of the kind (YAML value), such as weights=random or preset=charades; repeatable",
    )
    extract.add_argument("--store", type=Path, help="the store (default: OUT/.store)")
    _add_runtime(extract)
    extract.set_defaults(run=_extract)

    shard = commands.add_parser(
        "shard", help="extract one shard of a list of videos (what a workflow job does)"
    )
    shard.add_argument("--settings", required=True, type=json.loads, help="extractor settings as JSON")
    shard.add_argument("--videos", required=True, type=Path, help="table with columns video, path, shard")
    shard.add_argument("--shard", required=True, help="the shard to take from the table")
    shard.add_argument("--out", required=True, type=Path, help="folder for the arrays")
    shard.add_argument("--manifest", required=True, type=Path, help="the manifest to write")
    shard.add_argument("--store", required=True, type=Path)
    shard.add_argument(
        "--reads",
        type=Path,
        metavar="MANIFEST",
        help="of the same shard of the extractor whose texts are read in the place of the videos' files",
    )
    _add_runtime(shard)
    shard.set_defaults(run=_shard)


def _add_runtime(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    parser.add_argument("--batch-size", type=int, default=4, help="windows in a batch (default: 4)")
    parser.add_argument("--workers", type=int, default=1, help="decoding processes (default: 1)")
    parser.add_argument("--threads", type=int, help="threads of the network on the CPU (default: all cores)")
    parser.add_argument(
        "--timeout", type=float, default=60.0, help="seconds before a silent decoder is killed"
    )
    parser.add_argument(
        "--accept-short",
        action=argparse.BooleanOptionalAction,
        default=False,
        help="take what there is of files that are cut short; otherwise they count as failed",
    )
    parser.add_argument(
        "--on-failure",
        choices=("report", "stop"),
        default="report",
        help="list failed videos in the manifest, or end with every reason (default: report)",
    )


def _extract(options: argparse.Namespace) -> int:
    from extractors.jobs.shard import Source

    settings: dict[str, Any] = {"kind": options.kind}
    for item in options.set:
        key, separator, value = item.partition("=")
        if not separator:
            raise ValueError(f"--set: expected KEY=VALUE, found {item!r}")
        settings[key] = parse_yaml(value, f"--set {key}")
    kind, parameters = parse(settings)
    names = [video.stem for video in options.videos]
    twins = sorted({name for name in names if names.count(name) > 1})
    if twins:
        raise ValueError(f"expected videos with different names, found several called {', '.join(twins)}")
    sources = [Source(video.stem, video if video.exists() else None) for video in options.videos]
    store = Store(options.store or options.out / ".store")
    failed = _run(options, kind, parameters, sources, store, options.out / "manifest.tsv")
    missing = [str(video) for video in options.videos if not video.exists()]
    if missing:
        print(f"error: expected media files, found nothing at {', '.join(missing)}", file=sys.stderr)
    return 1 if failed or missing else 0


def _shard(options: argparse.Namespace) -> int:
    from extractors.jobs.shard import Source
    from extractors.jobs.text_sources import list_text_sources

    kind, parameters = parse(options.settings)
    with options.videos.open(newline="", encoding="utf-8") as file:
        table = [row for row in csv.DictReader(file, delimiter="\t") if row["shard"] == options.shard]
    if isinstance(parameters, ImportedParameters):
        _import(options, parameters, [row["video"] for row in table])
    else:
        store = Store(options.store)
        if options.reads:
            sources = list_text_sources(options.reads, [row["video"] for row in table], store)
        else:
            sources = [Source(row["video"], Path(row["path"]) if row["path"] else None) for row in table]
        _run(options, kind, parameters, sources, store, options.manifest)
    # Under `report` the manifest tells what failed, and whoever reads it goes on without.
    return 0


def _import(options: argparse.Namespace, parameters: ImportedParameters, videos: Sequence[str]) -> None:
    from extractors.importing.intake import import_shard
    from extractors.jobs.outcomes import Delivery

    store = Store(options.store)
    store.remove_abandoned()
    delivery = Delivery(options.out, options.manifest, options.on_failure)
    counts = import_shard(parameters, videos, store, delivery)
    print(f"imported: {counts}; manifest: {options.manifest}", file=sys.stderr)


def _run(
    options: argparse.Namespace,
    kind: Kind,
    parameters: KindParameters,
    sources: Sequence[Any],
    store: Store,
    manifest: Path,
) -> int:
    """Extracts; returns how many videos failed."""
    from extractors.jobs.extraction import Runtime
    from extractors.jobs.outcomes import Delivery
    from extractors.jobs.shard import extract_shard

    store.remove_abandoned()
    counts = extract_shard(
        kind,
        parameters,
        sources,
        store,
        Delivery(options.out, manifest, options.on_failure, options.accept_short),
        Runtime(options.device, options.batch_size, options.workers, options.timeout, options.threads),
    )
    print(f"{kind.name}: {counts}; manifest: {manifest}", file=sys.stderr)
    return len(counts.failed)
