"""Settings that hold for every dataset, and whether all files fit each other."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from pydantic import Field

from extractors.parameters import WeightsForm
from extractors.settings import Settings, Whole
from img.config.base import Name
from img.config.dataset import Dataset
from img.config.variants import Variant, merge_options, resolve, resolve_inference


class LocalResource(Settings):
    """A file or folder of your own in the place of a resource."""

    path: Path = Field(
        description="The file, verified like a download; for an archive of videos also a folder of them."
    )


class Configuration(Settings):
    """config/config.yaml: what holds for every dataset."""

    datasets: list[Name] = Field(default=[], description="Datasets that `snakemake` without a target makes.")
    store: Path = Field(
        default=Path("results/store"), description="Folder of the content-addressed store; may be shared."
    )
    device: Literal["cpu", "cuda"] = Field(default="cpu", description="Where extraction and training run.")
    on_failure: Literal["report", "stop"] = Field(
        default="report",
        description="What a bad video does: `report` lists it, `stop` ends the run after its shard.",
    )
    accept_short: bool = Field(
        default=False,
        description="Take what there is of video files that are cut short; otherwise they count as failed.",
    )
    decoding_timeout: Whole = Field(
        default=60,
        ge=1,
        le=86_400,
        description="Seconds without a sign of life after which a decoder is killed.",
    )
    extraction_threads: Whole = Field(
        default=1,
        ge=1,
        le=1024,
        description="Cores of an extraction job: threads of the network on a CPU, and processes that decode. "
        "On a CPU one core for each of many shards does as well as several for each; on a GPU raise it.",
    )
    extraction_batch: Whole = Field(
        default=4, ge=1, le=4096, description="Windows in a batch of an extractor."
    )
    resources: dict[Name, LocalResource] = Field(
        default={},
        description="Files of your own instead of downloads: a name of the manifest -> `path`, the file, or "
        "for an archive of videos a folder of them.",
    )
    pictures: Path = Field(
        default=Path("/usr/share/tuxpaint/stamps"),
        description="Folder of captioned pictures and sounds that the videos of `demo_pretrained` are made "
        "of: Tux Paint's stamps (`apt-get install tuxpaint-stamps-default`), or your own.",
    )
    manifest: Path | None = Field(
        default=None, description="A manifest in place of the project's own resources/manifest.yaml."
    )
    fresh: bool = Field(
        default=False,
        description="Train again even where the store holds the finished run: --config fresh=true.",
    )


def check_together(
    configuration: Configuration, datasets: Mapping[str, Dataset], variants: Mapping[str, Variant]
) -> None:
    """Checks that the configuration files fit each other.

    Raises:
        ValueError: naming the file and key that do not.
    """
    for name in configuration.datasets:
        if name not in datasets:
            raise ValueError(
                f"config/config.yaml: datasets: expected some of {sorted(datasets)}, found {name!r}"
            )
    for name, dataset in datasets.items():
        for variant in dataset.variants:
            if variant not in variants:
                raise ValueError(
                    f"config/datasets/{name}.yaml: variants: expected some of {sorted(variants)}, "
                    f"found {variant!r}"
                )
        for variant in variants:
            # What another dataset's variants read, this one need not have.
            check_run = resolve if variant in dataset.variants else merge_options
            check_run(datasets, variants, name, variant)
            resolve_inference(datasets, variants, name, variant)
    _check_kinds_of_files(configuration, datasets)


def _check_kinds_of_files(configuration: Configuration, datasets: Mapping[str, Dataset]) -> None:
    """Refuses a file where a folder belongs and a folder where a file does; what is absent is told later."""
    _expect_folder(configuration.store, "config/config.yaml: store")
    for name, dataset in datasets.items():
        source = f"config/datasets/{name}.yaml"
        if dataset.videos is not None:
            _expect_folder(dataset.videos, f"{source}: videos")
        for split, path in dataset.annotations.splits.items():
            _expect_file(path, f"{source}: annotations.splits.{split}")
        if dataset.annotations.durations is not None:
            _expect_file(dataset.annotations.durations, f"{source}: annotations.durations")
        if isinstance(dataset.queries.embedding, Path):
            _expect_file(dataset.queries.embedding, f"{source}: queries.embedding")
        if dataset.queries.encoder is not None:
            _expect_folder(dataset.queries.encoder.weights, f"{source}: queries.encoder.weights")
        for extractor, settings in dataset.extractors.items():
            for key in ("weights", "pca"):
                given = getattr(settings.parameters, key, None)
                if isinstance(given, Path):
                    form: WeightsForm = settings.parameters.weights_are if key == "weights" else "file"
                    _expect_form(given, form, f"{source}: extractors.{extractor}.{key}")


def _expect_form(path: Path, form: WeightsForm, key: str) -> None:
    if form == "file":
        _expect_file(path, key)
    elif form == "folder":
        _expect_folder(path, key)


def _expect_folder(path: Path, key: str) -> None:
    if path.exists() and not path.is_dir():
        raise ValueError(f"{key}: expected a folder, found a file at {path}")


def _expect_file(path: Path, key: str) -> None:
    if path.is_dir():
        raise ValueError(f"{key}: expected a file, found a folder at {path}")
