"""Commands that train a model and evaluate it."""

from __future__ import annotations

import argparse
import json
import shutil
import sys
from pathlib import Path

from extractors.storage.files import replacing, write_json
from extractors.storage.libraries import library_versions
from extractors.storage.store import Store
from img.commands.arguments import (
    Commands,
    add_device,
    add_query_features,
    add_settings,
    choose_device,
    read_settings,
)
from img.config.runs import InferenceOptions, RunOptions
from img.models.registry import DEFAULT
from img.runs.folder import EVENTS, METRICS, PREDICTIONS


def add_commands(commands: Commands) -> None:
    """Adds this module's commands."""
    train = commands.add_parser("train", help="train one run, or restore it from the store")
    add_settings(train, "options")
    train.add_argument("--queries", required=True, type=Path, help="queries folder")
    train.add_argument("--inputs", required=True, type=Path, help="inputs folder")
    train.add_argument("--seed", required=True, type=int)
    train.add_argument("--store", required=True, type=Path)
    train.add_argument("--out", required=True, type=Path, help="folder to put the run into")
    train.add_argument(
        "--fresh", type=int, choices=(0, 1), default=0, help="1: train even where the store holds the run"
    )
    add_query_features(train)
    # Sums depend on how many threads share them in their last bits, so the number is part of a run's key.
    add_device(train, threads=1)
    train.set_defaults(run=_train)

    official = commands.add_parser("import-official", help="turn a checkpoint of the authors into a run")
    official.add_argument("checkpoint", type=Path, metavar="CHECKPOINT", help="the authors' .t7 file")
    official.add_argument("--system", default=DEFAULT, help=f"whose checkpoint it is (default: {DEFAULT})")
    for entries in ("words", "chars"):
        official.add_argument(
            f"--{entries}",
            type=Path,
            help=f"their {entries}, one a line, ids counted from 2; none where queries are features",
        )
    official.add_argument(
        "--model", default={}, type=json.loads, help='options no tensor tells, as {"eps_min": 0.1} (JSON)'
    )
    official.add_argument("--out", required=True, type=Path, help="the run's folder")
    official.set_defaults(run=_import_official)

    evaluate = commands.add_parser("evaluate", help="evaluate one run on its test splits")
    evaluate.add_argument("--queries", required=True, type=Path, help="queries folder")
    evaluate.add_argument("--inputs", required=True, type=Path, help="inputs folder")
    evaluate.add_argument("--coverage", required=True, type=Path, help="coverage table")
    evaluate.add_argument(
        "--evaluation",
        choices=("covered_queries", "all_queries"),
        default="covered_queries",
        help="all_queries: queries of absent videos are misses",
    )
    evaluate.add_argument("--run", dest="folder", required=True, type=Path, help="the run's folder")
    evaluate.add_argument("--dataset", required=True, help="the run's dataset")
    evaluate.add_argument("--variant", required=True, help="the run's variant")
    evaluate.add_argument("--description", default="", help="what the variant is")
    evaluate.add_argument(
        "--inference", default="{}", help="inference options: JSON text, or a JSON or YAML file"
    )
    add_query_features(evaluate)
    add_device(evaluate)
    evaluate.set_defaults(run=_evaluate)


def _train(options: argparse.Namespace) -> None:
    from img.data.text.vocabulary import VOCABULARY
    from img.runs.making import RunData, make_run

    settings = read_settings(RunOptions, options.options, "options")
    device = choose_device(options)
    data = RunData.open(options.queries, options.inputs, options.query_features)
    folder, restored = make_run(
        data, settings, options.seed, Store(options.store), device, bool(options.fresh)
    )
    shutil.rmtree(options.out / EVENTS, ignore_errors=True)
    for file in sorted(path for path in folder.rglob("*") if path.is_file()):
        # Copies: a run may be restored in several places, and Snakemake sets the times of each one's files.
        target = options.out / file.relative_to(folder)
        target.parent.mkdir(parents=True, exist_ok=True)
        with replacing(target) as temporary:
            shutil.copyfile(file, temporary)
    if not (folder / VOCABULARY).exists():
        # A run that reads features of queries has none; what an earlier one left would mislead.
        (options.out / VOCABULARY).unlink(missing_ok=True)
    print(
        f"train: {'restored from the store' if restored else 'trained'}; run: {options.out}", file=sys.stderr
    )


def _import_official(options: argparse.Namespace) -> None:
    from img.runs.importing import import_run

    import_run(options.system, options.checkpoint, options.words, options.chars, options.model, options.out)


def _evaluate(options: argparse.Namespace) -> None:
    from img.data.clips.inputs import Inputs
    from img.data.coverage import count_coverage, count_misses, list_left_out, read_coverage
    from img.runs.evaluation import evaluate_run, open_splits
    from img.runs.opening import open_run

    device = choose_device(options)
    inference = read_settings(InferenceOptions, options.inference, "inference")
    run = open_run(options.folder)
    questions = run.read_queries(options.queries, options.query_features)
    coverage = read_coverage(options.coverage)
    missed = count_misses(questions.table, coverage) if options.evaluation == "all_queries" else {}
    splits = open_splits(run, questions, Inputs.load(options.inputs), inference, missed)
    found = evaluate_run(run, splits, device, inference, options.folder / PREDICTIONS)
    write_json(
        options.folder / METRICS,
        {
            "dataset": options.dataset,
            "variant": options.variant,
            "description": options.description,
            **{name: run.made[name] for name in ("seed", "best_epoch", "device", "libraries")},
            "versions": library_versions(),
            **{name: found[name] for name in ("protocols", "mean_importance", "best_constant")},
            "evaluation": {
                "mode": options.evaluation,
                **{name: found[name] for name in ("scored", "counted_as_misses", "samples")},
            },
            "coverage": count_coverage(questions.table, coverage),
            "options": {
                **run.options.model_dump(mode="json"),
                "inference": inference.model_dump(mode="json"),
            },
            "left_out": list_left_out(questions.table, coverage),
        },
    )
