"""Commands that train a model and evaluate it."""

from __future__ import annotations

import argparse
import json
import shutil
import sys
from pathlib import Path

from extractors.storage.files import read_json, replacing, write_json
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
from img.config.protocols import checkpoint_of, protocols_of
from img.config.runs import InferenceOptions, RunOptions


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
    for entries in ("words", "chars"):
        official.add_argument(
            f"--{entries}", required=True, type=Path, help=f"their {entries}, one a line, ids counted from 2"
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
    from img.runs.training import run_training

    settings = read_settings(RunOptions, options.options, "options")
    folder, restored = run_training(
        options.queries,
        options.inputs,
        settings,
        options.seed,
        Store(options.store),
        choose_device(options),
        bool(options.fresh),
        options.query_features,
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


def _import_official(options: argparse.Namespace) -> None:
    from img.runs.importing import import_run

    import_run(options.checkpoint, options.words, options.chars, options.model, options.out)


def _evaluate(options: argparse.Namespace) -> None:
    from img.data.coverage import count_coverage, count_misses, list_left_out, read_coverage
    from img.data.inputs import Inputs
    from img.data.queries import read_queries_table
    from img.data.samples import Moments, find_usable, read_text, text_sizes
    from img.data.vocabulary import VOCABULARY
    from img.models.checkpoint import read_sizes
    from img.models.sizes import check_fit
    from img.runs.evaluation import constants, evaluate_run

    device = choose_device(options)
    inference = read_settings(InferenceOptions, options.inference, "inference")
    made = read_json(options.folder / "options.json")
    # A run that was made elsewhere brings the vocabulary of its weights.
    own = options.folder / VOCABULARY
    vocabulary = own if own.is_file() else options.queries / VOCABULARY
    queries, text = read_text(read_queries_table(options.queries), vocabulary, options.query_features)
    inputs = Inputs.load(options.inputs)
    weights = protocols_of(made)
    for protocol in weights:
        checkpoint = checkpoint_of(options.folder, protocol)
        sizes = read_sizes(checkpoint)
        widths = {f"{name}_width": inputs.widths.get(name) for name in sizes.streams}
        check_fit(checkpoint, sizes, **widths, **text_sizes(text))
    sound = made["training"]["sound"]
    splits = {
        split: Moments(queries, split, inputs, text, sound, noisy_audio_share=inference.noisy_audio_share)
        for split in queries["split"].unique()
        if split != "train" and find_usable(queries, split, inputs).any()
    }
    coverage = read_coverage(options.coverage)
    misses = count_misses(queries, coverage)
    missed = {split: misses[split] if options.evaluation == "all_queries" else 0 for split in splits}
    predictions = options.folder / "predictions.parquet"
    protocols, importance = evaluate_run(
        options.folder,
        weights,
        splits,
        made["training"]["batch_size"],
        device,
        inference,
        predictions,
        missed,
    )
    write_json(
        options.folder / "metrics.json",
        {
            "dataset": options.dataset,
            "variant": options.variant,
            "description": options.description,
            "seed": made["seed"],
            "best_epoch": made["best_epoch"],
            "device": made["device"],
            "libraries": made["libraries"],
            "versions": library_versions(),
            "protocols": protocols,
            "mean_importance": importance,
            "best_constant": constants(splits, missed),
            "evaluation": {
                "mode": options.evaluation,
                "scored": {split: len(moments) + missed[split] for split, moments in splits.items()},
                "counted_as_misses": missed,
            },
            "coverage": count_coverage(queries, coverage),
            "options": {
                **{name: made[name] for name in RunOptions.model_fields if name in made},
                "inference": inference.model_dump(mode="json"),
            },
            "left_out": list_left_out(queries, coverage),
        },
    )
