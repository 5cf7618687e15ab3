"""Commands that ask a trained run about one's own videos, and that make a run ready to share."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from img.commands.arguments import Commands, add_device, choose_device

if TYPE_CHECKING:
    from img.retrieval import Retriever
    from img.retrieval.asking.requests import Request

_BRANCH = "auto"


def add_commands(commands: Commands) -> None:
    """Adds this module's commands."""
    retrieve = commands.add_parser("retrieve", help="find moments of your own videos by a sentence")
    retrieve.add_argument("videos", nargs="+", type=Path, metavar="VIDEO", help="video files")
    asked = retrieve.add_mutually_exclusive_group(required=True)
    asked.add_argument("--run", dest="folder", type=Path, help="the run's folder")
    asked.add_argument(
        "--zero-shot",
        action="store_true",
        help="ask packaged networks instead of a trained run (docs/pretrained.md)",
    )
    retrieve.add_argument(
        "--query", dest="sentences", action="append", default=[], help="a sentence; repeatable"
    )
    retrieve.add_argument(
        "--queries",
        type=Path,
        help="file of sentences: a line each, or a CSV whose header names query and, if wanted, video",
    )
    retrieve.add_argument("--answers", type=int, default=5, help="answers to each sentence (default: 5)")
    retrieve.add_argument(
        "--branch", default=_BRANCH, help=f"which of the model's branches answers (default: {_BRANCH})"
    )
    retrieve.add_argument(
        "--window",
        type=float,
        metavar="SECONDS",
        help="answer in overlapping windows of a long video and merge what they say",
    )
    retrieve.add_argument("--out", type=Path, help="file of the answers: .csv, .json or .jsonl")
    retrieve.add_argument("--picture", type=Path, help="picture of every answer along time: .png or .svg")
    retrieve.add_argument("--cut", type=Path, metavar="FOLDER", help="write the answers as video files")
    retrieve.add_argument(
        "--embedding",
        help="vectors of words the run never met: a GloVe text file, its zip, saved vectors (vectors.bin), "
        "or `random` (default: such words are unknown)",
    )
    retrieve.add_argument(
        "--features",
        type=Path,
        metavar="FOLDER",
        help="features in the place of the videos' own: FOLDER/{extractor}/{video}.npy",
    )
    retrieve.add_argument(
        "--query-features",
        type=Path,
        metavar="FOLDER",
        help="for a run that reads queries as features: FOLDER/{number}.npy, numbered from 1 as asked",
    )
    retrieve.add_argument(
        "--duration", type=float, help="seconds of the video, where its file does not tell or is not there"
    )
    retrieve.add_argument(
        "--weights",
        action="append",
        default=[],
        metavar="NAME=PATH",
        help="where an extractor's weights are (default: found by their hash below resources/)",
    )
    retrieve.add_argument(
        "--trust-weights",
        action="store_true",
        default=None,
        help="load weights files that hold more than tensors, which could run code (default: those of a run "
        "trained here, not those of a shared one)",
    )
    retrieve.add_argument(
        "--accept-short", action="store_true", help="take what there is of files that are cut short"
    )
    retrieve.add_argument(
        "--store",
        type=Path,
        help="where arrays of encoded videos are kept (default: results/store, or the user's cache)",
    )
    add_device(retrieve)
    retrieve.set_defaults(run=_retrieve)

    export = commands.add_parser("export", help="write a run as a folder to share")
    export.add_argument("folder", type=Path, metavar="RUN", help="the run's folder")
    export.add_argument("out", type=Path, metavar="FOLDER", help="the folder to make")
    export.add_argument("--protocol", help="whose weights, such as best_on_test (default: last)")
    export.add_argument(
        "--simulated",
        action="store_true",
        help="the run's data is made up (known by itself where config/datasets/ has the dataset's file)",
    )
    export.set_defaults(run=_export)


def _retrieve(options: argparse.Namespace) -> None:
    from img.retrieval.asking.picture import draw
    from img.retrieval.asking.several import Wishes, ask
    from img.retrieval.asking.writing import check_suffix, write_answers

    requests = _read_requests(options)
    if options.out:
        check_suffix(options.out)
    wishes = Wishes(
        options.answers,
        options.branch,
        options.window,
        options.features,
        options.query_features,
        options.duration,
        options.accept_short,
        options.cut,
        options.picture is not None,
    )
    weights = dict(map(_read_place, options.weights))
    device = choose_device(options)
    retriever = _open(options, device, weights)
    told = ask(retriever, options.videos, requests, wishes, say=_say, note=_note)
    if options.out:
        write_answers(options.out, told.answers)
    if options.picture and told.timelines:
        title = "/".join(retriever.run.folder.resolve().parts[-4:])
        draw(told.timelines, {path.stem: path for path in options.videos}, title, options.picture)
    if told.faults:
        raise ValueError("\n".join(told.faults))


def _open(options: argparse.Namespace, device: str, weights: dict[str, Path]) -> Retriever:
    from img.retrieval import Retriever
    from img.retrieval.zero_shot import open_zero_shot

    if options.zero_shot:
        return open_zero_shot(options.store, device)
    return Retriever.open(
        options.folder, options.store, device, options.embedding, weights, options.trust_weights
    )


def _export(options: argparse.Namespace) -> None:
    from img.retrieval.sharing import export
    from img.runs.opening import open_run

    export(open_run(options.folder), options.out, options.protocol, options.simulated)
    print(f"export: {options.out}; fill in the licence in its README.md", file=sys.stderr)


def _say(text: str) -> None:
    print(text, flush=True)


def _note(text: str) -> None:
    print(text, file=sys.stderr)


def _read_requests(options: argparse.Namespace) -> list[Request]:
    from img.retrieval.asking.requests import Request, read_requests

    requests = [Request(sentence) for sentence in options.sentences]
    if options.queries:
        requests += read_requests(options.queries)
    if not requests:
        raise ValueError("--query: expected a sentence, or a file of them by --queries, found neither")
    return requests


def _read_place(text: str) -> tuple[str, Path]:
    name, separator, path = text.partition("=")
    if not separator:
        raise ValueError(f"--weights: expected NAME=PATH, found {text!r}")
    return name, Path(path)
