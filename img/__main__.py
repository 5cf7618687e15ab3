"""Command line of the package: annotations and arrays in, models and metrics out. `python -m img --help`."""

from __future__ import annotations

import argparse
import json
import logging
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel

from extractors.files import read_json, replacing, write_json, write_text
from extractors.registry import KINDS
from extractors.store import Store
from img.config import Annotations, Dataset, InputOptions, QueryOptions, RunOptions, check, read_yaml

Settings = TypeVar("Settings", bound=BaseModel)


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
        prog="img", description="Trains and evaluates IMG on extracted features."
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    videos = commands.add_parser("list-videos", help="list a dataset's videos, their shards and files")
    _add_settings(videos, "annotations")
    videos.add_argument("--folder", required=True, type=Path, help="folder of the videos")
    videos.add_argument("--shards", required=True, type=int)
    videos.add_argument("--out", required=True, type=Path, help="the table to write")
    videos.set_defaults(run=_list_videos)

    queries = commands.add_parser("prepare-queries", help="parse and tokenise queries, pick word vectors")
    _add_settings(queries, "annotations")
    _add_settings(queries, "options")
    queries.add_argument("--out", required=True, type=Path, help="folder to write into")
    queries.set_defaults(run=_prepare_queries)

    assemble = commands.add_parser("assemble", help="pool and align features into one file")
    _add_settings(assemble, "options")
    _add_features(assemble)
    for role in ("visual", "audio"):
        assemble.add_argument(f"--{role}-kind", required=True, choices=sorted(KINDS), help="extractor kind")
    assemble.add_argument("--store", required=True, type=Path)
    assemble.add_argument("--out", required=True, type=Path, help="folder to write into")
    assemble.set_defaults(run=_assemble)

    coverage = commands.add_parser("report-coverage", help="tell which videos and queries can be used")
    _add_features(coverage)
    coverage.add_argument("--out", required=True, type=Path, help="the table to write")
    coverage.set_defaults(run=_report_coverage)

    train = commands.add_parser("train", help="train one run, or restore it from the store")
    _add_settings(train, "options")
    train.add_argument("--queries", required=True, type=Path, help="queries folder")
    train.add_argument("--inputs", required=True, type=Path, help="inputs folder")
    train.add_argument("--seed", required=True, type=int)
    train.add_argument("--store", required=True, type=Path)
    train.add_argument("--out", required=True, type=Path, help="folder to put the run into")
    train.add_argument(
        "--fresh", type=int, choices=(0, 1), default=0, help="1: train even where the store holds the run"
    )
    _add_device(train)
    train.set_defaults(run=_train)

    evaluate = commands.add_parser("evaluate", help="evaluate one run on its test splits")
    evaluate.add_argument("--queries", required=True, type=Path, help="queries folder")
    evaluate.add_argument("--inputs", required=True, type=Path, help="inputs folder")
    evaluate.add_argument("--coverage", required=True, type=Path, help="coverage table")
    evaluate.add_argument("--run", dest="folder", required=True, type=Path, help="the run's folder")
    evaluate.add_argument("--variant", required=True, help="the run's variant")
    evaluate.add_argument("--description", default="", help="what the variant is")
    _add_device(evaluate)
    evaluate.set_defaults(run=_evaluate)

    summarise = commands.add_parser("summarise", help="gather runs' metrics into a dataset's")
    summarise.add_argument("--dataset", required=True)
    _add_settings(summarise, "settings")
    summarise.add_argument("--runs", required=True, nargs="+", type=Path, help="metrics.json of each run")
    summarise.add_argument("--out", required=True, type=Path)
    summarise.set_defaults(run=_summarise)

    show = commands.add_parser("show", help="print a dataset's metrics as a table")
    show.add_argument("metrics", type=Path, help="results/{dataset}/metrics.json")
    show.set_defaults(run=_show)

    history = commands.add_parser("plot-history", help="plot a run's losses and recalls over epochs")
    history.add_argument("--history", required=True, type=Path)
    history.add_argument("--title", required=True)
    history.add_argument("--out", required=True, type=Path, help=".png or .svg")
    history.set_defaults(run=_plot_history)

    schemas = commands.add_parser("schemas", help="write the JSON schemas of the configuration")
    schemas.add_argument("--out", required=True, type=Path, help="folder, workflow/schemas in the project")
    schemas.set_defaults(run=_schemas)

    manual = commands.add_parser("manual", help="write the tables of the configuration's manual")
    manual.add_argument("--out", required=True, type=Path, help="the manual, config/README.md in the project")
    manual.set_defaults(run=_manual)
    return parser


def _add_settings(parser: argparse.ArgumentParser, name: str) -> None:
    parser.add_argument(f"--{name}", required=True, help="settings: JSON text, or a JSON or YAML file")


def _add_features(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--queries", required=True, type=Path, help="queries folder")
    parser.add_argument("--visual", required=True, type=Path, help="feature folder")
    parser.add_argument("--audio", required=True, type=Path, help="feature folder")
    parser.add_argument("--shards", required=True, nargs="+", help="names of the shards")


def _add_device(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    parser.add_argument("--threads", type=int, help="threads on the CPU (default: all cores)")


def _settings(model: type[Settings], value: str, option: str) -> Settings:
    if value.lstrip().startswith("{"):
        return check(model, json.loads(value), f"--{option}")
    return check(model, read_yaml(Path(value)), value)


def _device(options: argparse.Namespace) -> str:
    import torch

    if options.threads:
        torch.set_num_threads(options.threads)
    if options.device == "cuda" and not torch.cuda.is_available():
        raise ValueError("--device: expected a CUDA device, found none; use --device cpu")
    return str(options.device)


def _list_videos(options: argparse.Namespace) -> None:
    from img.queries import list_videos

    annotations = _settings(Annotations, options.annotations, "annotations")
    list_videos(annotations, options.folder, options.shards, options.out)


def _prepare_queries(options: argparse.Namespace) -> None:
    from img.queries import prepare_queries

    annotations = _settings(Annotations, options.annotations, "annotations")
    prepare_queries(annotations, _settings(QueryOptions, options.options, "options"), options.out)


def _assemble(options: argparse.Namespace) -> None:
    from img.features import assemble, read_feature_folder
    from img.queries import read_queries_table

    visual = read_feature_folder(options.visual, options.shards, KINDS[options.visual_kind].scale)
    audio = read_feature_folder(options.audio, options.shards, KINDS[options.audio_kind].scale)
    queries = read_queries_table(options.queries)
    settings = _settings(InputOptions, options.options, "options")
    assemble(queries, visual, audio, settings, Store(options.store), options.out)


def _report_coverage(options: argparse.Namespace) -> None:
    from img.coverage import write_coverage
    from img.features import read_feature_folder
    from img.queries import read_queries_table

    queries = read_queries_table(options.queries)
    visual = read_feature_folder(options.visual, options.shards)
    audio = read_feature_folder(options.audio, options.shards)
    write_coverage(queries, visual, audio, options.out)


def _train(options: argparse.Namespace) -> None:
    from img.training import run_training

    settings = _settings(RunOptions, options.options, "options")
    folder, restored = run_training(
        options.queries,
        options.inputs,
        settings,
        options.seed,
        Store(options.store),
        _device(options),
        bool(options.fresh),
    )
    shutil.rmtree(options.out / "events", ignore_errors=True)
    for file in sorted(path for path in folder.rglob("*") if path.is_file()):
        # Copies: a run may be restored in several places, and Snakemake sets the times of each one's files.
        target = options.out / file.relative_to(folder)
        target.parent.mkdir(parents=True, exist_ok=True)
        with replacing(target) as temporary:
            shutil.copyfile(file, temporary)
    print(
        f"train: {'restored from the store' if restored else 'trained'}; run: {options.out}", file=sys.stderr
    )


def _evaluate(options: argparse.Namespace) -> None:
    from img.coverage import count_coverage, read_coverage
    from img.dataset import Moments, find_usable
    from img.evaluation import constants, evaluate_run
    from img.inputs import Inputs
    from img.queries import read_queries_table
    from img.vocabulary import Vocabulary

    device = _device(options)
    made = read_json(options.folder / "options.json")
    queries = read_queries_table(options.queries)
    vocabulary = Vocabulary.load(options.queries / "vocabulary.json")
    inputs = Inputs.load(options.inputs)
    sound = made["training"]["sound"]
    splits = {
        split: Moments(queries, split, inputs, vocabulary, sound)
        for split in queries["split"].unique()
        if split != "train" and find_usable(queries, split, inputs).any()
    }
    predictions = options.folder / "predictions.parquet"
    protocols, importance = evaluate_run(
        options.folder, splits, made["training"]["batch_size"], device, predictions
    )
    write_json(
        options.folder / "metrics.json",
        {
            "variant": options.variant,
            "description": options.description,
            "seed": made["seed"],
            "best_epoch": made["best_epoch"],
            "device": made["device"],
            "libraries": made["libraries"],
            "protocols": protocols,
            "mean_importance": importance,
            "best_constant": constants(splits),
            "coverage": count_coverage(queries, read_coverage(options.coverage)),
            "options": {name: made[name] for name in ("model", "training", "selection_split")},
        },
    )


def _summarise(options: argparse.Namespace) -> None:
    from img.summary import summarise

    runs = [read_json(path) for path in options.runs]
    settings = _settings(Dataset, options.settings, "settings").model_dump(mode="json")
    write_json(options.out, summarise(options.dataset, settings, runs))


def _show(options: argparse.Namespace) -> None:
    from img.summary import format_table

    print(format_table(read_json(options.metrics)))


def _plot_history(options: argparse.Namespace) -> None:
    from img.figures import plot_history

    plot_history(options.history, options.title, options.out)


def _schemas(options: argparse.Namespace) -> None:
    from img.schemas import build_schemas

    for name, schema in build_schemas().items():
        write_text(options.out / f"{name}.schema.json", json.dumps(schema, indent=2) + "\n")


def _manual(options: argparse.Namespace) -> None:
    from img.manual import fill_in

    write_text(options.out, fill_in(options.out, options.out.read_text(encoding="utf-8")))


if __name__ == "__main__":
    sys.exit(main())
