"""Extractors: their settings, the files they read, and the features they leave."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterable
from pathlib import Path

from extractors.kinds.imported.parameters import ImportedParameters
from extractors.storage.files import list_content
from img.config.base import to_json
from img.config.streams import FeatureSource, StreamSource
from planning.paths import name_feature_folder, name_manifest
from planning.project import Project
from planning.resources import PUBLISHED, require


def name_shards(project: Project, dataset: str) -> list[str]:
    """Names a dataset's shards."""
    return [f"{number:03d}" for number in range(project.datasets[dataset].shards)]


def write_settings(project: Project, dataset: str, extractor: str) -> str:
    """Writes an extractor's kind and parameters as JSON."""
    kind, parameters = project.find_extractor(dataset, extractor)
    settings = {"kind": kind.name, **parameters.model_dump(mode="json")}
    return json.dumps(settings, sort_keys=True, allow_nan=False)


def list_files(project: Project, dataset: str, extractor: str) -> list[Path]:
    """Lists the weights and other files that an extractor's parameters name, those in folders too.

    Of imported arrays the folder alone: a shard's sources are the files of its own videos.

    Raises:
        Refusal: where one is missing.
    """
    _, parameters = project.find_extractor(dataset, extractor)
    source = f"config/datasets/{dataset}.yaml: extractors.{extractor}"
    paths = [(key, value) for key, value in parameters if isinstance(value, Path)]
    named = [require(project, path, f"{source}.{key}") for key, path in paths]
    if isinstance(parameters, ImportedParameters):
        return named
    return [file for path in named for file in (list_content(path) if path.is_dir() else [path])]


def find_read_extractor(project: Project, dataset: str, extractor: str) -> str | None:
    """Finds the extractor whose texts an extractor reads; None where it reads videos."""
    return project.find_extractor(dataset, extractor)[1].reads_texts_of


def write_reads_option(project: Project, dataset: str, extractor: str, shard: str) -> str:
    """Writes the option that names the manifest of the texts that a shard reads, where it reads texts."""
    read = find_read_extractor(project, dataset, extractor)
    return f"--reads {shlex.quote(name_manifest(dataset, read, shard))}" if read else ""


def is_imported(project: Project, dataset: str, extractor: str) -> bool:
    """Tells whether an extractor takes arrays that were made elsewhere."""
    return isinstance(project.find_extractor(dataset, extractor)[1], ImportedParameters)


def count_gpus(project: Project, dataset: str, extractor: str) -> int:
    """Counts the GPUs that a job of an extractor takes."""
    return 0 if is_imported(project, dataset, extractor) else project.gpus


def find_code_version(project: Project, dataset: str, extractor: str) -> int:
    """Gives the version of an extractor's code."""
    return project.find_extractor(dataset, extractor)[0].code_version


def require_arrays(project: Project, dataset: str, extractor: str) -> tuple[Path, ...]:
    """Gives the folders and pickles that an extractor's imported arrays are in; none for other extractors.

    Raises:
        Refusal: where one is missing.
    """
    _, parameters = project.find_extractor(dataset, extractor)
    if not isinstance(parameters, ImportedParameters):
        return ()
    source = f"config/datasets/{dataset}.yaml: extractors.{extractor}.arrays"
    return tuple(require(project, path, source, PUBLISHED) for path in parameters.paths)


def list_array_paths(project: Project, dataset: str) -> list[Path]:
    """Lists the folders and pickles that a dataset's imported arrays are in."""
    parsed = (project.find_extractor(dataset, name) for name in project.datasets[dataset].extractors)
    return [
        path
        for _, parameters in parsed
        if isinstance(parameters, ImportedParameters)
        for path in parameters.paths
    ]


def list_manifests(project: Project, dataset: str, extractors: Iterable[str]) -> list[str]:
    """Lists the manifests of all shards of some extractors."""
    return [
        name_manifest(dataset, extractor, shard)
        for extractor in extractors
        for shard in name_shards(project, dataset)
    ]


def list_chosen_manifests(project: Project, dataset: str) -> list[str]:
    """Lists the manifests of the features that a dataset's models read."""
    return list_manifests(project, dataset, project.datasets[dataset].chosen_extractors)


def list_input_manifests(project: Project, dataset: str, streams: str) -> list[str]:
    """Lists the manifests of the features that inputs are assembled from.

    Args:
        project: the project.
        dataset: its name.
        streams: what the inputs are called after.

    Raises:
        ValueError: where the dataset's streams are others.
    """
    expected = project.datasets[dataset].inputs_label
    if streams != expected:
        raise ValueError(
            f"results/{dataset}/inputs/{streams}: expected {expected}, the extractors that streams of "
            f"config/datasets/{dataset}.yaml names; change these to assemble others"
        )
    return list_chosen_manifests(project, dataset)


def list_chosen_folders(project: Project, dataset: str) -> list[str]:
    """Lists the folders of the features that a dataset's models read."""
    return [name_feature_folder(dataset, name) for name in project.datasets[dataset].chosen_extractors]


def list_stream_options(project: Project, dataset: str) -> list[str]:
    """Lists the options that tell what each stream of a dataset is made of, in order."""
    sources = (
        StreamSource(
            name=name,
            parts=tuple(_find_source(project, dataset, extractor) for extractor in stream.extractors),
            **stream.model_dump(exclude={"extractors"}),
        )
        for name, stream in project.datasets[dataset].streams.items()
    )
    return [word for source in sources for word in ("--stream", to_json(source))]


def _find_source(project: Project, dataset: str, extractor: str) -> FeatureSource:
    read = find_read_extractor(project, dataset, extractor)
    return FeatureSource(
        folder=Path(name_feature_folder(dataset, extractor)),
        scale=project.find_extractor(dataset, extractor)[1].scale,
        texts=Path(name_feature_folder(dataset, read)) if read else None,
    )


def write_input_options(project: Project, dataset: str) -> str:
    """Writes how features become inputs, as JSON."""
    return to_json(project.datasets[dataset].inputs)
